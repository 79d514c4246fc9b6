/**
 * `node bench/headers.bench.mjs`: what reading the header of a request costs, in ns of CPU, with eight kinds of clients on one
 * broker: the fast codecs, and the plain way that takes any header. Limited by the CPU: some 400 bytes are looked at one by
 * one, and the text of the properties is copied.
 *
 *   --only NAME   one kind alone
 */
import { parseArgs } from 'node:util'
import {
  decodeCommand,
  decodeHeader,
  encodeCommand,
  FrameDecoder,
  PullMessage,
  SendMessage,
  SendMessageV2,
  Serialization,
  createHotCodecs,
} from '@skylarkmq/protocol'

const { values: options } = parseArgs({ options: { only: { type: 'string' } } })
const REQUESTS = 2048
/** Requests of one connection that one read of a socket brings. */
const TOGETHER = [1, 16, 64]
const ROUNDS = 60

const key = (i) => `7F00000100002A139D8B${(0x10000000 + i * 37).toString(16).toUpperCase()}0000`
const escaped = (properties) =>
  properties.map(([name, value]) => `${name}\\u0001${value}`).join('\\u0002')

function fieldsOf(i, properties) {
  const born = String(1763737261123 + i)
  return {
    a: 'producers',
    b: `orders-${i & 3}`,
    c: 'TBW102',
    d: '4',
    e: String(i & 7),
    f: '0',
    g: born,
    h: '0',
    i: properties,
    j: '0',
    k: 'false',
    m: 'false',
  }
}

const LONG_NAMES = {
  a: 'producerGroup',
  b: 'topic',
  c: 'defaultTopic',
  d: 'defaultTopicQueueNums',
  e: 'queueId',
  f: 'sysFlag',
  g: 'bornTimestamp',
  h: 'flag',
  i: 'properties',
  j: 'reconsumeTimes',
  k: 'unitMode',
  m: 'batch',
}

const json = (fields) =>
  `{${Object.entries(fields)
    .map(([name, value]) => `"${name}":"${value}"`)
    .join(',')}}`
const renamed = (fields) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [LONG_NAMES[name] ?? name, value]),
  )
const reversed = (fields) => Object.fromEntries(Object.entries(fields).reverse())
const sorted = (fields) =>
  Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)))

const java = (code, i, fields) =>
  `{"code":${code},"extFields":${json(fields)},"flag":0,"language":"JAVA","opaque":${1000 + i},"serializeTypeCurrentRPC":"JSON","version":479}`

/** A send of Java's client, with such properties. */
const javaSend = (propertiesOf) => [
  SendMessageV2,
  (i) => java(310, i, fieldsOf(i, propertiesOf(i))),
]
const unique = (i) => ['UNIQ_KEY', key(i)]
const wait = ['WAIT', 'true']
const tag = ['TAGS', 'TagA']
/** As Go, C++ and our own client end them. */
const ended = (properties) => escaped(properties) + '\\u0002'

/** Per kind of client: the definition of its requests, and the header of the i-th in JSON, or a whole frame. */
const KINDS = {
  java: javaSend((i) => escaped([unique(i), wait, tag])),
  'java, own properties': javaSend((i) =>
    escaped([
      ['KEYS', `order-${i}`],
      ['user', `u${i % 977}`],
      unique(i),
      wait,
      ['region', ['eu', 'us', 'ap'][i % 3]],
      ['TAGS', ['paid', 'sent'][i & 1]],
    ]),
  ),
  go: [
    SendMessageV2,
    (i) => {
      const fields = json(fieldsOf(i, ended([unique(i), tag])))
      return `{"code":310,"language":"GO","version":317,"opaque":${1000 + i},"flag":0,"remark":"","extFields":${fields}}`
    },
  ],
  'binary header': [
    SendMessageV2,
    (i) =>
      encodeCommand({
        code: 310,
        opaque: 1000 + i,
        version: 479,
        fields: fieldsOf(i, `UNIQ_KEY\x01${key(i)}\x02WAIT\x01true\x02TAGS\x01TagA`),
        serialization: Serialization.ROCKETMQ,
      }),
  ],
  ours: javaSend((i) => ended([tag, unique(i), wait])),
  'c++': [
    SendMessage,
    (i) => {
      const fields = json(sorted(renamed(fieldsOf(i, ended([tag, unique(i), wait])))))
      return `{"code":10,"extFields":${fields},"flag":0,"language":"CPP","opaque":${1000 + i},"version":253}`
    },
  ],
  'another order': [
    SendMessageV2,
    (i) => {
      const fields = json(reversed(fieldsOf(i, escaped([wait, unique(i)]))))
      return `{"opaque":${1000 + i},"flag":0,"extFields":${fields},"version":400,"language":"OTHER","code":310}`
    },
  ],
  pull: [
    PullMessage,
    (i) =>
      java(11, i, {
        commitOffset: String(i * 32),
        consumerGroup: 'consumers',
        expressionType: 'TAG',
        maxMsgNums: '32',
        queueId: String(i & 7),
        queueOffset: String(i * 32),
        subVersion: '1763737261123',
        subscription: '*',
        suspendTimeoutMillis: '15000',
        sysFlag: '3',
        topic: 'orders-1',
      }),
  ],
}

function frameOf(made) {
  if (typeof made !== 'string') return made
  const header = Buffer.from(made)
  const head = Buffer.alloc(8)
  head.writeInt32BE(4 + header.length + 8, 0)
  head.writeInt32BE(header.length, 4)
  return Buffer.concat([head, header, Buffer.alloc(8)])
}

/** Chunks as sockets bring them: of each kind in turn, some requests. */
function chunksOf(kinds, together) {
  const chunks = []
  for (let at = 0; at < REQUESTS; at += together) {
    for (const [definition, make] of kinds) {
      const frames = Array.from({ length: together }, (_, i) => frameOf(make(at + i)))
      chunks.push([definition, Buffer.concat(frames)])
    }
  }
  return chunks
}

/** The way of the broker: the fast codec, and where it gives up the plain one. */
function fast() {
  const codecs = createHotCodecs()
  return (definition, frame) => {
    const read = codecs.get(definition.code).decode(frame)
    if (read === undefined) left++
    return (read ?? plain(definition, frame)).opaque
  }
}

function plain(definition, frame) {
  const command = decodeCommand(frame)
  return { opaque: command.opaque, header: decodeHeader(definition, command.fields ?? {}) }
}

let left = 0

/** ns of CPU per request: the best of the rounds, as others use the machine too. */
function measure(chunks, read) {
  const decoder = new FrameDecoder()
  let best = Infinity
  let sum = 0
  for (let round = 0; round < ROUNDS; round++) {
    let count = 0
    const before = process.cpuUsage()
    for (const [definition, chunk] of chunks) {
      decoder.push(chunk, (frame) => {
        count++
        sum += read(definition, frame)
      })
    }
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, ((user + system) / count) * 1000)
  }
  if (sum === 0) throw new Error('nothing was read')
  return best
}

const names = options.only === undefined ? [...Object.keys(KINDS), 'all eight'] : [options.only]
console.log('| clients | together | fast, ns | left to the plain way | plain, ns |')
console.log('| --- | --- | --- | --- | --- |')
for (const name of names) {
  const kinds = name === 'all eight' ? Object.values(KINDS) : [KINDS[name]]
  for (const together of name === 'all eight' ? TOGETHER : [64]) {
    const chunks = chunksOf(kinds, together)
    left = 0
    const quick = measure(chunks, fast())
    const share = left / (chunks.length * together * ROUNDS)
    const slow = measure(chunks, (definition, frame) => plain(definition, frame).opaque)
    console.log(
      `| ${name} | ${together} | ${quick.toFixed(0)} | ${(share * 100).toFixed(0)} % | ${slow.toFixed(0)} |`,
    )
  }
}
