import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { deflateSync } from 'node:zlib'
import { nodeEnv, silentEvents, type EventDefinition, type EventValues } from '@skylarkmq/env'
import { manualClock } from '@skylarkmq/env/sim'
import { CallLimit } from '../src/consumer/call-limit.ts'
import { ConsumeConcurrently } from '../src/consumer/consume-concurrently.ts'
import { ConsumeOrderly } from '../src/consumer/consume-orderly.ts'
import type { ConsumeParts, MessageListener } from '../src/consumer/consuming.ts'
import { ProcessQueue } from '../src/consumer/process-queue.ts'
import { BodyTooLargeError } from '../src/errors.ts'
import type { ReceivedMessage } from '../src/message.ts'
import { pulledOf } from '../src/consumer/pulled-message.ts'
import { ReceivedBodies, restoredAll } from '../src/received-bodies.ts'
import { UserContext } from '../src/user-code.ts'

const ZLIB = 0x301
const MIB = 1024 * 1024
const QUEUE = { topic: 'T', brokerName: 'b', queueId: 0 }
const BOMB = deflateSync(Buffer.alloc(100 * MIB))
const LARGE = deflateSync(Buffer.alloc(16 * MIB))

function message(queueOffset: number, body: Buffer, sysFlag = ZLIB): ReceivedMessage {
  return {
    topic: 'T',
    body,
    tag: undefined,
    keys: [],
    properties: new Map(),
    msgId: `id-${queueOffset}`,
    shardingKey: undefined,
    offsetMsgId: '',
    messageQueue: QUEUE,
    queueOffset,
    physicalOffset: queueOffset * 100,
    bornTimestamp: 0,
    storeTimestamp: 0,
    bornHost: '',
    storeHost: '',
    reconsumeTimes: 0,
    flag: 0,
    sysFlag,
    storeSize: 100,
  }
}

function consuming(listener: MessageListener, isOrdered: boolean) {
  const clock = manualClock()
  const sentBack: string[] = []
  const told: EventValues<string>[] = []
  const events = {
    emit: (_: EventDefinition, values: EventValues<string>) => void told.push(values),
  }
  const env = { ...nodeEnv(silentEvents), clock, events }
  const parts: ConsumeParts = {
    env,
    group: 'G',
    listener,
    bodies: new ReceivedBodies(env),
    concurrency: 20,
    counted: () => undefined,
    limit: new CallLimit(env.clock, 900_000),
    context: new UserContext(),
    sendBack: ({ msgId }, level) => {
      sentBack.push(`${msgId} ${level}`)
      return Promise.resolve(true)
    },
  }
  const consume = isOrdered
    ? new ConsumeOrderly({
        ...parts,
        holds: () => Promise.resolve(true),
        suspendMs: 1000,
        maxReconsumeTimes: 1,
      })
    : new ConsumeConcurrently(parts)
  const queue = new ProcessQueue(QUEUE, 0)
  const submit = (...messages: ReceivedMessage[]): void => {
    queue.put(messages.map(pulledOf))
    consume.submit(queue, messages.map(pulledOf))
  }
  return { queue, submit, sentBack, told, clock }
}

test('a body that becomes too large counts as one that failed, and the others are consumed', async () => {
  const consumed: number[] = []
  const listener = ({ queueOffset }: ReceivedMessage): void => void consumed.push(queueOffset)
  const { queue, submit, sentBack, told } = consuming(listener, false)
  submit(message(0, BOMB), message(1, deflateSync(Buffer.from('x'))), message(2, BOMB))
  for (let i = 0; i < 10; i++) await turn()
  assert.deepEqual(consumed, [1])
  assert.deepEqual(sentBack, ['id-0 0', 'id-2 0'])
  assert.equal(queue.commitOffset, 3)
  assert.match(String(told[0]?.['reason']), /becomes more than 16777216 bytes/)
})

test('in order, it holds its queue up as a message that fails, then goes to the dead letters', async () => {
  const consumed: number[] = []
  const listener = ({ queueOffset }: ReceivedMessage): void => void consumed.push(queueOffset)
  const { submit, sentBack, clock } = consuming(listener, true)
  submit(message(0, BOMB), message(1, Buffer.from('x'), 0))
  for (let i = 0; i < 10; i++) await turn()
  assert.deepEqual([consumed, sentBack], [[], []])
  clock.advance(1000)
  for (let i = 0; i < 10; i++) await turn()
  assert.deepEqual([consumed, sentBack], [[1], ['id-0 -1']])
})

test('what waits is as small as it came, and what is handed out is bounded together', async () => {
  let inUse = 0
  let most = 0
  const release: (() => void)[] = []
  const { queue, submit } = consuming(async ({ body, sysFlag }) => {
    assert.equal(sysFlag, 0)
    inUse += body.length
    most = Math.max(most, inUse)
    await new Promise<void>((resolve) => release.push(resolve))
    inUse -= body.length
  }, false)
  submit(...Array.from({ length: 20 }, (_, offset) => message(offset, LARGE)))
  assert.equal(queue.bytes, 20 * LARGE.length)
  let handed = 0
  while (handed < 20) {
    for (let i = 0; i < 10; i++) await turn()
    assert.ok(release.length > 0)
    handed += release.length
    for (const done of release.splice(0)) done()
  }
  await turn()
  assert.equal(most, 64 * MIB)
  assert.equal(queue.commitOffset, 20)
})

test('a body that is broken is given as it is, and its sysFlag says so, as with Apache', () => {
  const bodies = new ReceivedBodies(nodeEnv(silentEvents), 1000)
  const broken = message(0, Buffer.from('no zlib'))
  assert.equal(bodies.restored(broken), broken)
  assert.throws(() => bodies.restored(message(0, BOMB)), BodyTooLargeError)
  const fits = message(0, deflateSync(Buffer.alloc(1000)))
  assert.equal(bodies.restored(fits).body.length, 1000)
  assert.throws(
    () => bodies.restored(message(0, deflateSync(Buffer.alloc(1001)))),
    BodyTooLargeError,
  )
})

test('of many messages that somebody keeps, those are restored that there is room for', () => {
  const all = restoredAll([
    message(0, BOMB),
    ...Array.from({ length: 6 }, (_, n) => message(n + 1, LARGE)),
    message(9, Buffer.from('x'), 0),
  ])
  assert.deepEqual(
    all.map(({ body, sysFlag }) => (sysFlag === 0 ? body.length : 'as it came')),
    ['as it came', ...new Array<number>(4).fill(16 * MIB), 'as it came', 'as it came', 1],
  )
})
