import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from '../../src/errors.ts'
import { hostAndPortText } from '../../src/message/host.ts'
import { createOffsetMsgId } from '../../src/message/message-id.ts'
import {
  checkRecord,
  decodeRecord,
  decodeRecords,
  encodeBlank,
  encodeRecord,
  recordSizeOf,
  recordStoreTimestamp,
  type DecodedMessage,
  type MessageFields,
} from '../../src/message/message-record.ts'
import { decodeProperties } from '../../src/message/properties.ts'
import { goldenFile } from '../support/golden.ts'
import { anyText, seeded } from '../support/seeded.ts'

interface GoldenRecord {
  readonly commitLogOffset: number
  readonly size: number
  readonly version: number
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: number
  readonly sysFlag: number
  readonly flag: number
  readonly bornTimestamp: number
  readonly bornHost: string
  readonly storeTimestamp: number
  readonly storeHost: string
  readonly reconsumeTimes: number
  readonly preparedTransactionOffset: number
  readonly bodyCRC: number
  readonly bodyLength: number
  readonly offsetMsgId: string
  readonly properties: Readonly<Record<string, string>>
}

const log = goldenFile('records/commitlog.bin')
const golden = JSON.parse(goldenFile('records/records.json').toString('utf8')) as GoldenRecord[]

/** What `encodeRecord` takes to write a decoded record again. */
function fieldsOf(message: DecodedMessage): MessageFields {
  return { ...message, topic: Buffer.from(message.topic, 'utf8') }
}

// Reference: a commit log that Apache 5.3.3 wrote, see golden/README.md.
test('every record of a log of Apache decodes to what is in it', () => {
  const messages = decodeRecords(log)
  assert.equal(messages.length, golden.length)
  for (const [i, expected] of golden.entries()) {
    const m = messages[i] as DecodedMessage
    const { storeHost: host, storePort: port } = m
    assert.deepEqual(
      {
        commitLogOffset: m.physicalOffset,
        size: m.sizeBytes,
        version: m.topic.length > 127 ? 2 : 1,
        topic: m.topic,
        queueId: m.queueId,
        queueOffset: m.queueOffset,
        sysFlag: m.sysFlag,
        flag: m.flag,
        bornTimestamp: m.bornTimestamp,
        bornHost: hostAndPortText({ host: m.bornHost, port: m.bornPort }),
        storeTimestamp: m.storeTimestamp,
        storeHost: hostAndPortText({ host, port }),
        reconsumeTimes: m.reconsumeTimes,
        preparedTransactionOffset: m.preparedTransactionOffset,
        bodyCRC: m.bodyCrc,
        bodyLength: m.body.length,
        offsetMsgId: createOffsetMsgId(host, port, m.physicalOffset),
        properties: Object.fromEntries(decodeProperties(m.properties)),
      },
      expected,
    )
  }
  assert.ok(golden.some(({ version }) => version === 2))
})

test('every record of a log of Apache is written again to the same bytes', () => {
  const again = Buffer.alloc(log.length)
  let at = 0
  for (const message of decodeRecords(log)) {
    const fields = fieldsOf(message)
    assert.equal(recordSizeOf(fields), message.sizeBytes)
    at += encodeRecord(again, at, fields)
  }
  assert.deepEqual(again, log)
})

test('every record of a log of Apache is good, with its own offset', () => {
  for (const { commitLogOffset: at, size, storeTimestamp } of golden) {
    const check = checkRecord(log, at, log.length - at, { physicalOffset: at })
    assert.deepEqual(check, { kind: 'good', sizeBytes: size })
    assert.equal(recordStoreTimestamp(log, at), storeTimestamp)
  }
})

const bytes = (max: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength: max }).map((array) => Buffer.from(array))
const host = fc
  .constantFrom(4, 16)
  .chain((length) => fc.uint8Array({ minLength: length, maxLength: length }))
const port = fc.integer({ min: 0, max: 65535 })

const anyMessage: fc.Arbitrary<MessageFields> = fc.record({
  topic: anyText(200).map((text) => Buffer.from(text, 'utf8')),
  queueId: fc.integer(),
  flag: fc.integer(),
  queueOffset: fc.maxSafeNat(),
  physicalOffset: fc.maxSafeNat(),
  sysFlag: fc.nat(0x7ff),
  bornTimestamp: fc.maxSafeInteger(),
  bornHost: host,
  bornPort: port,
  storeTimestamp: fc.maxSafeNat(),
  storeHost: host,
  storePort: port,
  reconsumeTimes: fc.integer(),
  preparedTransactionOffset: fc.maxSafeNat(),
  body: bytes(400),
  properties: bytes(400),
})

test('any message comes back from its record, wherever it lies in a buffer', () => {
  const property = fc.property(anyMessage, fc.nat(50), (message, at) => {
    const size = recordSizeOf(message)
    const buffer = Buffer.alloc(at + size + 3, 0xee)
    assert.equal(encodeRecord(buffer, at, message), size)
    assert.deepEqual(buffer.subarray(at + size), Buffer.from([0xee, 0xee, 0xee]))
    const back = decodeRecord(buffer, at)
    assert.equal(back.sizeBytes, size)
    assert.equal(back.topic, message.topic.toString())
    for (const name of ['body', 'properties', 'bornHost', 'storeHost'] as const) {
      assert.deepEqual(Buffer.from(back[name]), Buffer.from(message[name]), name)
    }
    for (const name of NUMBERS) assert.equal(back[name], message[name], name)
    const hostBits =
      (message.bornHost.length === 16 ? 16 : 0) | (message.storeHost.length === 16 ? 32 : 0)
    assert.equal(back.sysFlag, (message.sysFlag & ~48) | hostBits)
    assert.equal(recordStoreTimestamp(buffer, at), message.storeTimestamp)
  })
  fc.assert(property, seeded(300))
})

const NUMBERS = [
  'queueId',
  'flag',
  'queueOffset',
  'physicalOffset',
  'bornTimestamp',
  'bornPort',
  'storeTimestamp',
  'storePort',
  'reconsumeTimes',
  'preparedTransactionOffset',
] as const

test('a flipped byte never passes as another message: refused, or only a field without a check', () => {
  const message = fieldsOf(decodeRecord(log, 0))
  const record = Buffer.alloc(recordSizeOf(message))
  encodeRecord(record, 0, message)
  const bodyStart = 88
  for (let at = 0; at < record.length; at++) {
    const torn = Buffer.from(record)
    torn[at] = (torn[at] as number) ^ 0x41
    const check = checkRecord(torn, 0, torn.length, { physicalOffset: 0 })
    const isLength = at < 8 || (at >= 84 && at < bodyStart)
    const isBody = at >= bodyStart && at < bodyStart + message.body.length
    const isCrc = at >= 8 && at < 12
    if (isLength || isBody || isCrc || (at >= 28 && at < 36))
      assert.equal(check.kind, 'bad', `byte ${at}`)
    if (check.kind === 'good') assert.equal(check.sizeBytes, record.length)
  }
})

test('a record that continues behind the readable bytes states how many it needs', () => {
  const size = golden[0]?.size ?? 0
  const check = checkRecord(log, 0, size - 1)
  assert.equal(check.kind, 'bad')
  assert.equal(check.neededBytes, size)
  assert.equal(checkRecord(log, 0, 7).kind, 'bad')
  assert.equal(checkRecord(Buffer.alloc(200), 0, 200).kind, 'bad')
})

test('the blank record that ends a file is recognised', () => {
  const buffer = Buffer.alloc(32)
  encodeBlank(buffer, 4, 28)
  assert.deepEqual(checkRecord(buffer, 4, 28), { kind: 'blank', sizeBytes: 28 })
  encodeBlank(buffer, 4, 7)
  assert.equal(checkRecord(buffer, 4, 28).kind, 'bad')
})

test('bytes that are no record are a ProtocolError', () => {
  assert.throws(() => decodeRecord(Buffer.alloc(100)), ProtocolError)
  assert.throws(() => decodeRecords(log.subarray(0, log.length - 1)), ProtocolError)
})
