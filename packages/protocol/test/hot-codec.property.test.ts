import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteSink } from '../src/frame/byte-sink.ts'
import { decodeCommand } from '../src/frame/decode-command.ts'
import type { Frame } from '../src/frame/frame-decoder.ts'
import { encodeCommand, writeReply } from '../src/frame/frame-encoder.ts'
import { Serialization } from '../src/frame/remoting-command.ts'
import { resourceProblem } from '../src/names/safe-name.ts'
import { brokerRequests } from '../src/requests/index.ts'
import { createHotCodecs } from '../src/requests/hot-codecs.ts'
import { SentMessage } from '../src/requests/sent-message.ts'
import {
  decodeHeader,
  decodeReply,
  encodeHeader,
  encodeReply,
  type RequestDefinition,
} from '../src/schema/define-request.ts'
import { captures, frameOf } from './support/golden.ts'
import { anyText, seeded } from './support/seeded.ts'

const hotCodecs = createHotCodecs()

const { SEND_MESSAGE, SEND_MESSAGE_V2, SEND_BATCH_MESSAGE, PULL_MESSAGE, LITE_PULL_MESSAGE } =
  brokerRequests
const hotDefinitions: readonly RequestDefinition[] = [
  SEND_MESSAGE,
  SEND_MESSAGE_V2,
  SEND_BATCH_MESSAGE,
  PULL_MESSAGE,
  LITE_PULL_MESSAGE,
]

/** What both ways are to agree on; undefined where the plain way throws. */
function plainly(definition: RequestDefinition, frame: Frame): unknown {
  const { opaque, flag, version, language, fields } = decodeCommand(frame)
  return { header: decodeHeader(definition, fields ?? {}), opaque, flag, version, language }
}

function withoutUndefined(value: object): unknown {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined))
}

/** True when the hot way took the frame; then it agrees with the plain one. */
function agrees(definition: RequestDefinition, frame: Frame): boolean {
  const hot = hotCodecs.get(definition.code)?.decode(frame)
  if (hot === undefined) return false
  // Of each message only the topic is another: it is looked up as it came, and a name that no topic has is refused then.
  if (resourceProblem((hot.header as { topic: string }).topic) !== undefined) {
    assert.throws(() => plainly(definition, frame), { name: 'ERR_PROTOCOL' })
    return false
  }
  assert.deepEqual({ ...hot, header: withoutUndefined(hot.header) }, plainly(definition, frame))
  return true
}

const name = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '%', '_', '-', 'é'), maxLength: 20 })
const small = fc.integer({ min: -5, max: 20 })

const sendHeader = fc.record(
  {
    producerGroup: name,
    topic: name,
    defaultTopic: fc.constantFrom('TBW102', ''),
    defaultTopicQueueNums: small,
    queueId: fc.integer(),
    sysFlag: small,
    bornTimestamp: fc.integer({ min: 0, max: 2 ** 45 }),
    flag: fc.integer(),
    properties: anyText(200).map((text) => Buffer.from(text, 'utf8')),
    reconsumeTimes: small,
    unitMode: fc.boolean(),
    maxReconsumeTimes: small,
    batch: fc.boolean(),
    bname: name,
  },
  {
    requiredKeys: [
      'producerGroup',
      'topic',
      'defaultTopic',
      'defaultTopicQueueNums',
      'queueId',
      'sysFlag',
      'bornTimestamp',
      'flag',
    ],
    noNullPrototype: true,
  },
)

const pullHeader = fc.record(
  {
    consumerGroup: name,
    topic: name,
    queueId: small,
    queueOffset: fc.integer({ min: 0, max: 2 ** 48 }),
    maxMsgNums: small,
    sysFlag: small,
    commitOffset: fc.integer({ min: 0, max: 2 ** 48 }),
    suspendTimeoutMillis: fc.nat(),
    subscription: name,
    subVersion: fc.integer({ min: 0, max: 2 ** 45 }),
    expressionType: fc.constantFrom('TAG', 'SQL92'),
    maxMsgBytes: fc.integer(),
    requestSource: small,
    bname: name,
  },
  {
    requiredKeys: [
      'consumerGroup',
      'topic',
      'queueId',
      'queueOffset',
      'maxMsgNums',
      'sysFlag',
      'commitOffset',
      'suspendTimeoutMillis',
      'subVersion',
    ],
    noNullPrototype: true,
  },
)

const serialization = fc.constantFrom(Serialization.JSON, Serialization.ROCKETMQ)

test('hot and plain codecs agree on random headers, and the hot one takes them', () => {
  for (const definition of hotDefinitions) {
    const headers: fc.Arbitrary<object> =
      'subVersion' in definition.header ? pullHeader : sendHeader
    const property = fc.property(
      headers,
      fc.integer(),
      serialization,
      fc.nat(13),
      (header, opaque, form, language) => {
        const fields = encodeHeader(definition, header as never)
        const { code } = definition
        const bytes = encodeCommand({ code, opaque, fields, language, serialization: form })
        assert.ok(agrees(definition, frameOf(bytes)))
      },
    )
    fc.assert(property, seeded(300))
  }
})

test('hot and plain codecs agree on captured requests, and the hot one takes them', () => {
  let count = 0
  for (const { request } of captures()) {
    const definition = hotDefinitions.find(({ code }) => code === request.header.code)
    if (definition === undefined) continue
    assert.ok(agrees(definition, frameOf(request.bytes)))
    count++
  }
  assert.ok(count > 20)
})

test('whatever the hot codec takes of a damaged header, the plain one reads alike', () => {
  const requests = captures()
    .map(({ request }) => request)
    .filter(({ header }) => hotCodecs.has(header.code))
  let taken = 0
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 })
  const property = fc.property(
    fc.constantFrom(...requests),
    damage,
    ({ bytes, header }, places) => {
      const definition = hotDefinitions.find(({ code }) => code === header.code)
      assert.ok(definition)
      const damaged = Buffer.from(bytes)
      const whole = frameOf(damaged)
      for (const [place, byte] of places) {
        damaged[whole.headerStart + (place % (whole.headerEnd - whole.headerStart))] = byte
      }
      if (agrees(definition, whole)) taken++
    },
  )
  fc.assert(property, seeded(3000))
  assert.ok(taken > 100)
})

/** A header as it is written here, with no body. */
function frameWith(header: string): Frame {
  const length = Buffer.byteLength(header)
  const bytes = Buffer.alloc(8 + length)
  bytes.writeInt32BE(4 + length, 0)
  bytes.writeInt32BE(length, 4)
  bytes.write(header, 8)
  return frameOf(bytes)
}

test('headers like those that came before are read as the plain codec reads them', () => {
  const part = fc.constantFrom('', 'a', 'ab', 'AB12', '7F00000A', 'true', 'é', '"', '}', ',')
  const piece = fc.tuple(fc.constantFrom('\\u0001', '\\u0002', '\\n', '\\u00e9', ''), part)
  const pieces = fc.array(piece, { maxLength: 5 })
  const text = pieces.map((all) => all.flat().join(''))
  const queue = fc.constantFrom('1', '2', '3', '4', '12', '120', '', 'x', '-1')
  const change = fc.record({
    topic: fc.constantFrom('t', 'tt', 'é', 'a\\n'),
    queue,
    born: fc.constantFrom('1', '1763737261123', '1763737261124'),
    properties: fc.oneof(fc.constant('UNIQ_KEY\\u0001AB12\\u0002WAIT\\u0001true'), text),
    opaque: fc.constantFrom('1', '2', '10', '12', '20', '100', '7', '-3', '01', '1e3'),
    language: fc.constantFrom('JAVA', 'JAVA', 'JAVA', 'JAVA', 'GO', 'XX'),
    tail: fc.constantFrom('', '', '', '', ',"remark":"r"', ',"x":1'),
  })
  let taken = 0
  const property = fc.property(fc.array(change, { minLength: 5, maxLength: 30 }), (changes) => {
    for (const each of changes) {
      const fields = `{"a":"g","b":"${each.topic}","c":"TBW102","d":"4","e":"${each.queue}","f":"0","g":"${each.born}","h":"0","i":"${each.properties}","j":"0","k":"false"}`
      const header = `{"code":310,"extFields":${fields},"flag":0,"language":"${each.language}","opaque":${each.opaque},"version":479${each.tail}}`
      if (agrees(SEND_MESSAGE_V2, frameWith(header))) taken++
    }
  })
  fc.assert(property, seeded(1000))
  assert.ok(taken > 2000)
})

test('a header that came before and was damaged since is read as the plain codec reads it', () => {
  const header = `{"code":310,"extFields":{"a":"g","b":"t","c":"TBW102","d":"4","e":"1","f":"0","g":"1763737261123","h":"0","i":"UNIQ_KEY\\u0001AB12\\u0002TAGS\\u0001x","k":"true"},"flag":0,"language":"JAVA","opaque":1,"version":479}`
  const byte = fc.constantFrom(...Buffer.from('"\\,}:{0u1x\u0001'), 0x80, 0xff)
  const edit = fc.record({ at: fc.nat(header.length - 1), byte, kind: fc.constantFrom(0, 1, 2) })
  let taken = 0
  const property = fc.property(fc.array(edit, { minLength: 1, maxLength: 2 }), (edits) => {
    for (let i = 0; i < 4; i++) assert.ok(agrees(SEND_MESSAGE_V2, frameWith(header)))
    let bytes = Buffer.from(header)
    for (const { at, byte: value, kind } of edits) {
      const before = bytes.subarray(0, at)
      const inserted = kind === 0 ? [] : [value]
      bytes = Buffer.concat([
        before,
        Buffer.from(inserted),
        bytes.subarray(kind === 2 ? at : at + 1),
      ])
    }
    const head = Buffer.alloc(8)
    head.writeInt32BE(4 + bytes.length, 0)
    head.writeInt32BE(bytes.length, 4)
    if (agrees(SEND_MESSAGE_V2, frameOf(Buffer.concat([head, bytes])))) taken++
  })
  fc.assert(property, seeded(3000))
  assert.ok(taken > 100)
})

test('escapes of every kind in properties come out as the plain codec has them', () => {
  const unit = fc.constantFrom(
    '\\u0001',
    '\\u0002',
    '\\n',
    '\\"',
    '\\\\',
    '\\/',
    '\\u00e9',
    '\\u6D88',
    '\\ud83d\\ude00',
    '\\ud800',
    'x',
    '消',
    '\\v',
  )
  const property = fc.property(fc.array(unit, { maxLength: 20 }), (units) => {
    const header = `{"code":310,"extFields":{"a":"g","b":"t","c":"TBW102","d":"4","e":"1","f":"0","g":"1","h":"0","i":"${units.join('')}"},"flag":0,"language":"JAVA","opaque":1,"version":479}`
    const isPlain = units.some((each) => each.includes('\\ud8') || each === '\\v')
    assert.equal(agrees(SEND_MESSAGE_V2, frameWith(header)), !isPlain)
  })
  fc.assert(property, seeded(300))
})

const sendReply = fc.record(
  {
    msgId: fc.constantFrom('7F0000010000271100000000000F1234', ''),
    queueId: small,
    queueOffset: fc.integer({ min: 0, max: 2 ** 50 }),
    transactionId: name,
    batchUniqId: name,
    recallHandle: name,
    MSG_REGION: name,
    TRACE_ON: fc.constantFrom('true', 'false'),
  },
  { requiredKeys: ['msgId', 'queueId', 'queueOffset'], noNullPrototype: true },
)

const pullReply = fc.record(
  {
    suggestWhichBrokerId: small,
    nextBeginOffset: fc.maxSafeInteger(),
    minOffset: small,
    maxOffset: fc.maxSafeInteger(),
    offsetDelta: small,
    topicSysFlag: small,
    groupSysFlag: small,
    forbiddenType: small,
  },
  {
    requiredKeys: ['suggestWhichBrokerId', 'nextBeginOffset', 'minOffset', 'maxOffset'],
    noNullPrototype: true,
  },
)

test('hot answers are the bytes of plain ones, or are left to them', () => {
  const body = fc.option(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 }), {
    nil: undefined,
  })
  const remark = fc.option(fc.constantFrom('FOUND', 'a "quote"', 'é'), { nil: undefined })
  for (const definition of hotDefinitions) {
    const isPull = 'subVersion' in definition.header
    const stamps = fc.constantFrom(
      undefined,
      isPull ? undefined : Object.freeze({ MSG_REGION: 'r', TRACE_ON: 'x' }),
    )
    const headers: fc.Arbitrary<object> = isPull ? pullReply : sendReply
    const property = fc.property(
      headers,
      fc.integer(),
      remark,
      body,
      stamps,
      (header, opaque, said, pieces, stamp) => {
        const hot = new ByteSink(8)
        hot.writeBytes(Buffer.from('before'))
        const reply = { code: 0, remark: said, body: pieces, header, fields: stamp }
        const wrote = hotCodecs.get(definition.code)?.writeReply(hot, opaque, reply)
        const plain = new ByteSink()
        const fields = { ...encodeReply(definition, header as never), ...stamp }
        writeReply(plain, opaque, { code: 0, remark: said, body: pieces, fields })
        const isAscii = /^[ !#-[\]-~]*$/.test(Object.values(fields).join('') + (said ?? ''))
        assert.equal(wrote, isAscii)
        assert.equal(
          hot.bytes().toString('latin1', 6),
          wrote ? plain.bytes().toString('latin1') : '',
        )
      },
    )
    fc.assert(property, seeded(300))
  }
})

test('the answer to one stored message is the same bytes from its template as the plain way', () => {
  const stored = fc.record({
    physicalOffset: fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 45 })),
    queueOffset: fc.oneof(fc.nat(30), fc.nat(), fc.integer({ min: 0, max: 2 ** 40 })),
  })
  const address = fc.constantFrom(
    { address: Uint8Array.of(127, 0, 0, 1), port: 10911 },
    { address: new Uint8Array(16).fill(7), port: 65535 },
  )
  const stamp = fc.constantFrom(...['r', 'é'].map((r) => Object.freeze({ MSG_REGION: r })))
  const key = fc.oneof(fc.constant('7F000001'.repeat(4)), anyText(12))
  const codec = hotCodecs.get(SEND_MESSAGE_V2.code)
  assert.ok(codec)
  let taken = 0
  const property = fc.property(
    stored,
    address,
    small,
    key,
    fc.integer(),
    stamp,
    (offsets, broker, queueId, text, opaque, fields) => {
      const bytes = Buffer.from(`<${text}>`)
      const sent = new SentMessage(offsets, broker, queueId, bytes, 1, bytes.length - 1)
      const hot = new ByteSink(8)
      hot.writeBytes(Buffer.from('before'))
      const reply = { code: 0, remark: undefined, body: undefined, header: sent, fields }
      if (!codec.writeReply(hot, opaque, reply)) return
      const plain = new ByteSink()
      const all = { ...encodeReply(SEND_MESSAGE_V2, sent), ...fields }
      writeReply(plain, opaque, { code: 0, remark: undefined, body: undefined, fields: all })
      assert.equal(hot.bytes().toString('latin1', 6), plain.bytes().toString('latin1'))
      taken++
    },
  )
  fc.assert(property, seeded(2000))
  assert.ok(taken > 500)
})

test('hot answers of captured ones decode to what was captured', () => {
  let count = 0
  for (const { name: title, request, response } of captures()) {
    const definition = hotDefinitions.find(({ code }) => code === request.header.code)
    const answer = response === undefined ? undefined : decodeCommand(frameOf(response.bytes))
    if (definition === undefined || answer === undefined) continue
    const isWhole = 'minOffset' in (answer.fields ?? {}) || 'msgId' in (answer.fields ?? {})
    if (!isWhole) continue
    const sink = new ByteSink()
    const header = decodeReply(definition, answer.fields ?? {}) as object
    const { code, remark, body, opaque } = answer
    assert.ok(
      hotCodecs.get(definition.code)?.writeReply(sink, opaque, { code, remark, body, header }),
      title,
    )
    assert.deepEqual(
      { ...decodeCommand(frameOf(sink.bytes())), serialization: answer.serialization },
      answer,
    )
    count++
  }
  assert.ok(count > 15)
})
