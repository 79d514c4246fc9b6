import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageError, OptionError, SerdeError } from '../src/errors.ts'
import { routeNotRefreshed } from '../src/events.ts'
import { eventsTo } from '../src/logger.ts'
import type { Message } from '../src/message.ts'
import { RocketMQ } from '../src/rocketmq.ts'
import type { Serde } from '../src/serde/serde.ts'

/** Nobody listens there, and nobody has to: what is wrong is refused before anything is connected. */
const nameServers = '127.0.0.1:1'
const subscriptions = { T: '*' }

const without = async (make: (mq: RocketMQ) => unknown): Promise<unknown> => {
  const mq = new RocketMQ({ nameServers, startTimeoutMs: 0 })
  try {
    return await make(mq)
  } finally {
    await mq.close()
  }
}

const wrong: readonly (readonly [string, RegExp, (mq: RocketMQ) => unknown])[] = [
  ['endpoints', /port 9876.*not gRPC/, () => made({ endpoints: 'h:8081' })],
  ['namesrvAddr', /Did you mean nameServers\?/, () => made({ namesrvAddr: 'h:9876' })],
  ['heartBeatMs', /Did you mean heartbeatMs\?/, () => made({ heartBeatMs: 5 })],
  ['timeout', /NaN is no number of ms/, () => made({ timeout: NaN })],
  ['logger', /no function debug/, () => made({ logger: { info: () => undefined } })],
  ['tls', /has no cA, but ca, /, () => made({ tls: { cA: '' } })],
  ['options', /"h:1" is no object/, () => made('h:1')],
  ['producerGroup', /Did you mean group\?/, (mq) => mq.producer(as({ producerGroup: 'G' }))],
  ['retryTimes', /Infinity is no whole/, (mq) => mq.producer({ retryTimes: Infinity })],
  ['serde', /no function encode/, (mq) => mq.producer(as({ serde: {} }))],
  ['check', /mq\.transactionProducer/, (mq) => mq.producer(as({ check: () => 'commit' }))],
  ['check', /need it/, (mq) => mq.transactionProducer(as({ group: 'G' }))],
  ['subscriptions', /it is needed/, (mq) => mq.consumer(as({ group: 'G' }))],
  ['subscriptions', /names no topic/, (mq) => mq.consumer({ group: 'G', subscriptions: {} })],
  ['subscriptions', /a list is no/, (mq) => mq.consumer(as({ group: 'G', subscriptions: ['T'] }))],
  ['subscriptions', /of T, /, (mq) => mq.consumer({ group: 'G', subscriptions: { T: '||' } })],
  ['model', /'BROADCASTING'/, (mq) => mq.consumer(as({ ...CONSUMER, model: 'broadcasting' }))],
  ['concurrency', /0 is no/, (mq) => mq.consumer({ ...CONSUMER, concurrency: 0 })],
  ['fromBeginning', /consumeFrom\?/, (mq) => mq.consumer(as({ ...CONSUMER, fromBeginning: true }))],
  ['consumeFrom', /"earliest"/, (mq) => mq.consumer(as({ ...CONSUMER, consumeFrom: 'earliest' }))],
  ['handler', /undefined is no/, async (mq) => (await mq.consumer(CONSUMER)).run(as(undefined))],
  ['from', /\{ offset \}/, (mq) => mq.reader(as({ topic: 'T', from: 7 }))],
  ['timeoutMs', /timeout\?/, (mq) => sent(mq, { topic: 'T', body: 'b' }, { timeoutMs: 5 })],
  ['require', /'SEND_OK'/, (mq) => sent(mq, { topic: 'T', body: 'b' }, { require: 'OK' })],
  ['recallHandle', /delay or deliverAt/, async (mq) => (await mq.producer()).recall('T', as(0))],
  ['dryrun', /dryRun\?/, (mq) => mq.admin().groups.resetOffsets('G', 'T', as({ dryrun: true }))],
  ['dryrun', /dryRun\?/, (mq) => mq.admin().deadLetters.replay('G', as({ dryrun: true }))],
  ['partitions', /queues\?/, (mq) => mq.admin().topics.create('T', as({ partitions: 3 }))],
  [
    'maxReconsumeTimes',
    /retryMaxTimes\?/,
    (mq) => mq.admin().groups.create('G', as({ maxReconsumeTimes: 3 })),
  ],
  ['deadline', /timeout\?/, (mq) => mq.close(as({ deadline: 5 }))],
]

const CONSUMER = { group: 'G', subscriptions }
/** What a program in JavaScript may give. */
const as = (value: unknown): never => value as never
const made = (options: unknown): RocketMQ => new RocketMQ(as(options))

async function sent(mq: RocketMQ, message: unknown, options: object = {}): Promise<unknown> {
  return (await mq.producer()).send(as(message), as(options))
}

test('an option that is unknown or cannot be is refused, and the message names the right one', async () => {
  for (const [option, says, use] of wrong) {
    const isRefused = (error: unknown): true => {
      assert.ok(error instanceof OptionError, `${option}: ${String(error)}`)
      assert.equal(error.values.option, option)
      assert.match(error.message, says)
      return true
    }
    await assert.rejects(
      without(async (mq) => await use(mq)),
      isRefused,
    )
  }
})

test('a message that cannot be meant is refused before anything is sent, and says what is wrong', async () => {
  const T = { topic: 'T', body: 'b' }
  const messages: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /no message/],
    [{ ...T, tags: 'paid' }, /no tags: it is tag here/],
    [{ ...T, key: 'k' }, /it is keys here/],
    [{ ...T, headers: {} }, /it is properties here/],
    [{ ...T, keys: ['a b'] }, /"a b" holds a blank/],
    [{ ...T, keys: [5] }, /5, not text/],
    [{ ...T, properties: new Map([[as(5), 'b']]) }, /name of a property is 5/],
    [{ ...T, properties: { a: 5 } }, /"a" is 5, not text/],
    [{ ...T, properties: { a: 'x\u0001y' } }, /separators/],
    [{ ...T, properties: { a: '' } }, /"a" is empty/],
    [{ ...T, delay: '1s', delayLevel: 1 }, /exclude one another/],
    [{ ...T, delayLevel: -1 }, /delayLevel is -1/],
    [{ ...T, deliverAt: new Date(NaN) }, /invalid Date/],
    [{ ...T, topic: 'a b' }, /illegal characters.*"a b"/],
  ]
  for (const [message, says] of messages) {
    const isRefused = (error: unknown): true => {
      assert.ok(error instanceof MessageError, String(error))
      assert.match(error.message, says)
      return true
    }
    await assert.rejects(
      without((mq) => sent(mq, message)),
      isRefused,
    )
  }
})

test('a serde that encodes to neither text nor bytes is named', async () => {
  const serde: Serde<number> = { encode: () => as(5), decode: () => 5 }
  const sending = without(async (mq) => {
    const producer = await mq.producer({ serde })
    return producer.send({ topic: 'T', body: 7 } satisfies Message<number>)
  })
  await assert.rejects(
    sending,
    (error) => error instanceof SerdeError && /encode\(\) gave 5/.test(error.message),
  )
})

test('a logger that throws breaks nothing, and its events are reported as without one', (t) => {
  const warned = t.mock.method(process, 'emitWarning', () => undefined)
  const fails = (): never => {
    throw new Error('the disk is full')
  }
  const events = eventsTo({ debug: fails, info: fails, warn: fails, error: fails })
  events.emit(routeNotRefreshed, { topic: 'T', reason: 'no answer' })
  assert.match(String(warned.mock.calls[0]?.arguments[0]), /the route of T could not be read/)
})
