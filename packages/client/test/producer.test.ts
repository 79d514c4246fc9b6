import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nodeEnv, silentEvents } from '@skylarkmq/env'
import {
  decodeBatch,
  encodeCommand,
  encodeHeader,
  monthStartMs,
  parseProperties,
  parseUniqKey,
  Property,
  ResponseCode,
  restoreBody,
  SendMessageV2,
} from '@skylarkmq/protocol'
import { BrokerError, MessageError, OptionError, TimeoutError } from '../src/errors.ts'
import { parseNamesrvAddr } from '../src/options.ts'
import { fieldsJsonOf, prepareMessage, sendHeader } from '../src/producer/encode-send.ts'
import { prepareBatches } from '../src/producer/encode-batch.ts'
import { maySendAgain } from '../src/producer/retry.ts'
import { queueByHash, selectQueue } from '../src/producer/select-queue.ts'
import { uniqKeys } from '../src/producer/uniq-key.ts'

const LIMITS = { compressOverBytes: 4096, maxMessageBytes: 4 * 1024 * 1024 }
const nextId = (): string => 'ID'

const answered = (responseCode: number): BrokerError =>
  new BrokerError({ responseCode, remark: '', request: 'SEND_MESSAGE_V2', address: 'h:1' })

// Reference: `DefaultMQProducer.java`, retryResponseCodes.
test('a send is tried again after a lost answer and after the codes that Apache retries, no others', () => {
  const retried = [17, 14, 1, 2, 16, 204, 205, 1500]
  for (const code of retried) assert.ok(maySendAgain(answered(code)), String(code))
  for (const code of [ResponseCode.MESSAGE_ILLEGAL, ResponseCode.FLOW_CONTROL]) {
    assert.ok(!maySendAgain(answered(code)), String(code))
  }
  assert.ok(maySendAgain(new TimeoutError({ what: 'X', phase: 'wait', elapsedMs: 1 })))
  assert.ok(!maySendAgain(new TypeError('a bug')))
})

test('what a broker answered can be matched by name, and the message says who said what to which request', () => {
  const error = answered(ResponseCode.TOPIC_NOT_EXIST)
  assert.equal(error.responseName, 'TOPIC_NOT_EXIST')
  assert.match(error.message, /h:1 answered SEND_MESSAGE_V2 with TOPIC_NOT_EXIST \(17\)/)
})

const queues = ['a', 'a', 'b', 'b'].map((brokerName, i) => ({
  topic: 'T',
  brokerName,
  queueId: i % 2,
}))

test('a retry leaves the broker that failed, unless there is no other', () => {
  for (let turn = 0; turn < 8; turn++) {
    assert.equal(selectQueue(queues, turn, 'a')?.brokerName, 'b')
    assert.equal(selectQueue(queues.slice(0, 2), turn, 'a')?.brokerName, 'a')
  }
  assert.equal(selectQueue([], 3), undefined)
})

test('messages of one key go to one queue, the one that Apache chooses', () => {
  // Two well-known values of Java's String.hashCode: 99162322, and the least int.
  assert.equal(queueByHash('hello')(queues), queues[2])
  assert.equal(queueByHash('polygenelubricants')(queues), queues[0])
  // A negative hash leaves a negative rest, whose sign is dropped.
  const seven = Array.from({ length: 7 }, (_, queueId) => ({ ...queues[0]!, queueId }))
  assert.equal(queueByHash('order-7')(seven)?.queueId, Math.abs(-1207111304 % 7))
})

test('a body from 4096 bytes on is compressed, and the sysFlag says how', () => {
  const body = 'x'.repeat(4096)
  const large = prepareMessage({ topic: 'T', body }, nextId, LIMITS)
  assert.equal(large.sysFlag, 0x301)
  assert.ok(large.body.length < 100)
  assert.equal(restoreBody(Buffer.from(large.body), large.sysFlag).toString(), body)
  assert.equal(prepareMessage({ topic: 'T', body: body.slice(1) }, nextId, LIMITS).sysFlag, 0)
})

test('tag, keys, delay and own properties become properties, and the id is set once', () => {
  const message = {
    topic: 'T',
    body: 'b',
    tag: 'paid',
    keys: ['k1', 'k2'],
    delayLevel: 3,
    properties: { colour: 'blue' },
  }
  const properties = parseProperties(prepareMessage(message, nextId, LIMITS).properties)
  assert.deepEqual(Object.fromEntries(properties), {
    colour: 'blue',
    [Property.KEYS]: 'k1 k2',
    [Property.UNIQ_KEY]: 'ID',
    [Property.WAIT]: 'true',
    [Property.TAGS]: 'paid',
    [Property.DELAY]: '3',
  })
})

test('a message that no broker would accept is refused before it is sent, with a reason', () => {
  const wrong: [object, RegExp][] = [
    [{ topic: '', body: 'b' }, /blank/],
    [{ topic: 'has blank', body: 'b' }, /illegal characters/],
    [{ topic: 'T', body: '' }, /body of the message is empty/],
    [{ topic: 'SCHEDULE_TOPIC_XXXX', body: 'b' }, /nobody sends/],
    [{ topic: 'T', body: Buffer.alloc(LIMITS.maxMessageBytes + 1) }, /maxMessageBytes/],
    [{ topic: 'T', body: 'b', properties: { TAGS: 'x' } }, /belongs to RocketMQ/],
    [{ topic: 'T', body: 'b', properties: { a: 'x\u0001y' } }, /separator/],
    [{ topic: 'T', body: 'b', tag: 'x\u0002y' }, /separator/],
    [{ topic: 'T', body: 'b', properties: { a: 'x'.repeat(32767) } }, /properties take/],
  ]
  for (const [message, problem] of wrong) {
    assert.throws(
      () => prepareMessage(message as { topic: string; body: string }, nextId, LIMITS),
      (error) => error instanceof MessageError && problem.test(error.message),
    )
  }
})

test('a batch carries each message with its own id, and refuses mixed topics and delays', () => {
  let n = 0
  const ids = (): string => `ID${++n}`
  const one = { topic: 'T', body: 'one', tag: 'x' }
  const [prepared] = prepareBatches([one, { topic: 'T', body: 'two' }], ids, LIMITS)
  assert.ok(prepared)
  assert.deepEqual(prepared.msgIds, ['ID1', 'ID2'])
  const bodies = decodeBatch(Buffer.from(prepared.body)).map((each) => each.body.toString())
  assert.deepEqual(bodies, ['one', 'two'])
  assert.throws(() => prepareBatches([one, { topic: 'U', body: 'b' }], ids, LIMITS), MessageError)
  assert.throws(() => prepareBatches([{ ...one, delayLevel: 1 }], ids, LIMITS), MessageError)
  assert.throws(() => prepareBatches([], ids, LIMITS), MessageError)
})

test('ids differ from each other and have the form of Apache clients', () => {
  const next = uniqKeys(nodeEnv(silentEvents))
  const ids = new Set(Array.from({ length: 1000 }, next))
  assert.equal(ids.size, 1000)
  for (const id of ids) assert.match(id, /^(?:[0-9A-F]{32}|[0-9A-F]{56})$/)
})

test('an id tells the ms since the month began, wherever the clock goes', () => {
  const env = nodeEnv(silentEvents)
  let now = new Date(2026, 9, 31, 23, 59, 59, 998).getTime()
  const next = uniqKeys({ ...env, clock: { ...env.clock, now: () => now } })
  for (const step of [0, 1, 1, 1, 3_600_000, -7_200_000, 40 * 86_400_000, 1, -1]) {
    now += step
    assert.equal(parseUniqKey(next())?.sinceMonthStartMs, now - monthStartMs(now), String(step))
  }
})

test('addresses of name servers are read with their separators, and wrong ones are named', () => {
  assert.deepEqual(parseNamesrvAddr('http://a:1; b:2,'), ['a:1', 'b:2'])
  for (const wrong of ['', ';', 'host', 'host:0', 'host:65536', 'host:x']) {
    assert.throws(() => parseNamesrvAddr(wrong), OptionError, wrong)
  }
})

test('the fields of a send as JSON are those that the row of the request makes', () => {
  const property = fc.property(
    fc.string({ unit: 'binary', minLength: 1 }),
    fc.string({ unit: 'binary' }),
    fc.record({ queueId: fc.nat(), sysFlag: fc.nat(), flag: fc.integer(), now: fc.nat() }),
    fc.boolean(),
    (topic, properties, { queueId, sysFlag, flag, now }, isBatch) => {
      const kind = isBatch ? 'batch' : 'message'
      const own = { topic, userTopic: topic, kind, properties, sysFlag, flag } as const
      const prepared = { ...own, msgIds: [], body: Buffer.alloc(0) }
      const to = { producerGroup: 'G"1', queueId, bornTimestamp: now }
      const fields = encodeHeader(SendMessageV2, sendHeader(prepared, to))
      const common = { code: 310, opaque: 1 }
      const fieldsJson = fieldsJsonOf('G"1')(prepared, queueId, now)
      assert.deepEqual(
        encodeCommand({ ...common, fieldsJson }),
        encodeCommand({ ...common, fields }),
      )
    },
  )
  fc.assert(property, { seed: 310, numRuns: 200 })
})
