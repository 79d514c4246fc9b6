/**
 * Requests of any shape for every row of a table: headers of both serialisations with each field right, odd, of another
 * type or left out, and bodies that were right once, of which single values are others. One seed, the same requests.
 */
import { deflateSync } from 'node:zlib'
import { encodeRegisterBrokerBody } from '../../packages/protocol/dist/src/index.js'
import { captures } from '../../packages/protocol/dist/test/support/golden.js'
import { rawFrame } from '../attack/frames.mjs'

const LONG = 'x'.repeat(65_536)

/** A generator of numbers below `n`. */
export function numbersFrom(seed) {
  let state = seed | 0
  return (n) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}

const TOPICS = [
  'TopicTest',
  'TopicTest2',
  'TBW102',
  '%RETRY%group',
  '%DLQ%group',
  'SCHEDULE_TOPIC_XXXX',
]
const SYSTEM = [
  'rmq_sys_wheel_timer',
  'RMQ_SYS_TRANS_HALF_TOPIC',
  'OFFSET_MOVED_EVENT',
  'SELF_TEST_TOPIC',
  'DefaultCluster',
  'broker-a',
  'DefaultCluster_REPLY_TOPIC',
]
const NAMES = [
  ...TOPICS,
  ...SYSTEM,
  'group',
  'group2',
  'client@1',
  'TOOLS_CONSUMER',
  'DEFAULT_PRODUCER',
]
const ADDRESSES = [
  '127.0.0.1:10911',
  '10.0.0.1:1',
  '[::1]:80',
  ':1',
  '1.2.3.4',
  'host:99999',
  '255.255.255.255:65535',
]
const NUMBERS = [
  '0',
  '1',
  '2',
  '4',
  '16',
  '32',
  '100',
  '-1',
  '2147483647',
  '2147483648',
  '-2147483648',
  '9007199254740991',
  '9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
  '1e9',
  '0.5',
  'NaN',
  '0x10',
  ' 1',
  '',
]
const TEXTS = [
  '',
  ' ',
  '*',
  'TagA || TagB',
  'a = 1',
  'a > 1 AND (b IS NULL OR NOT c)',
  '((((((((((((((((',
  "'",
  'a BETWEEN',
  '../../../victim',
  '..',
  '/',
  'a/b',
  'a\\b',
  'a\u0000b',
  'a\nb\u001b[2J',
  '\u0085\u009b\u2028\u202e',
  '日本語😀',
  '\ud800',
  '%LMQ%x',
  '%LMQ%../../x',
  '__proto__',
  'constructor',
  'toString',
  'true',
  'false',
  'null',
  '{}',
  '[1]',
  'x'.repeat(127),
  'x'.repeat(256),
  'TAG',
  'SQL92',
  'POP',
  'PULL',
  'a:1;b:2',
  'a=b\nc=d',
  'a,b,c',
  'k1:1:2',
]
const PROPERTIES = [
  ['TAGS', 'TagA'],
  ['KEYS', 'k1 k2'],
  ['UNIQ_KEY', 'id-1'],
  ['DELAY', '3'],
  ['DELAY', '-1'],
  ['TIMER_DELAY_SEC', '1'],
  ['TIMER_DELIVER_MS', '99999999999999999999'],
  ['TIMER_OUT_MS', '1'],
  ['REAL_TOPIC', '../../../victim'],
  ['REAL_TOPIC', 'TopicTest'],
  ['REAL_QID', '0'],
  ['REAL_QID', '99999999999'],
  ['TRAN_MSG', 'true'],
  ['PGROUP', 'group'],
  ['INNER_MULTI_DISPATCH', '%LMQ%a,%LMQ%b'],
  ['INNER_MULTI_QUEUE_OFFSET', '1,2'],
  ['INNER_NUM', '3'],
  ['INNER_BASE', '-5'],
  ['CLUSTER', 'DefaultCluster'],
  ['REPLY_TO_CLIENT', 'client@1'],
  ['CORRELATION_ID', 'c'],
  ['TTL', '3000'],
  ['MSG_TYPE', 'reply'],
  ['WAIT', 'false'],
  ['RETRY_TOPIC', 'x/../y'],
  ['DUP_INFO', '1_2'],
  ['a', ''],
  ['', 'b'],
  ['\u0001', '\u0002'],
  ['long', 'y'.repeat(40_000)],
]

const REPLY_FIELDS = [
  'offset',
  'nextBeginOffset',
  'minOffset',
  'maxOffset',
  'suggestWhichBrokerId',
  'msgId',
  'queueId',
  'queueOffset',
  'transactionId',
]

/** Makes requests for the rows of one table. */
export class RequestMaker {
  #below
  #rows
  #bodies

  constructor(requests, seed) {
    this.#below = numbersFrom(seed)
    this.#rows = Object.values(requests)
    this.#bodies = sampleBodies()
  }

  /** The next request: its frame, and the name of its row. */
  next(opaque) {
    const below = this.#below
    const row = this.#rows[below(this.#rows.length)]
    const fields = this.#fields(row)
    const body = this.#body(row.name)
    const binary = below(4) === 0 && row.code <= 0x7fff
    const header = binary ? this.#binary(row, fields, opaque) : this.#json(row, fields, opaque)
    return { name: row.name, frame: rawFrame(header, body, binary ? 1 : 0) }
  }

  /** An answer to the request with this opaque, as odd as requests are. */
  answer(opaque) {
    const below = this.#below
    const fields = []
    for (const name of REPLY_FIELDS) {
      if (below(3) > 0) fields.push([name, below(4) > 0 ? this.#pick(NUMBERS) : this.#odd()])
    }
    const code = this.#pick([0, 0, 0, 0, 1, 2, 14, 17, 19, 20, 21, 26, 1500, -1])
    const row = { code }
    const header =
      below(4) === 0 ? this.#binary(row, fields, opaque) : this.#json(row, fields, opaque)
    // The bit that makes it an answer.
    const marked = header.toString('latin1').replace(/"flag":\d/, '"flag":1')
    return rawFrame(Buffer.from(marked, 'latin1'), this.#body('any'), header[0] === 0x7b ? 0 : 1)
  }

  #pick(list) {
    return list[this.#below(list.length)]
  }

  #fields(row) {
    const below = this.#below
    const isUsual = below(3) > 0
    const fields = []
    for (const [name, field] of Object.entries(row.header)) {
      if (!field.required && below(3) === 0) continue
      if (below(isUsual ? 40 : 8) === 0) continue
      const odd = below(isUsual ? 12 : 3) === 0
      fields.push([row.wireNames?.[name] ?? name, odd ? this.#odd() : this.#likely(name, field)])
    }
    if (below(20) === 0) fields.push([this.#pick(TEXTS), this.#odd()])
    return fields
  }

  #likely(name, { type }) {
    const lower = name.toLowerCase()
    if (/int|long|timestamp|number/.test(type.name)) {
      return this.#pick(this.#below(3) > 0 ? NUMBERS.slice(0, 8) : NUMBERS)
    }
    if (type.name === 'boolean') return this.#pick(['true', 'false', 'TRUE', ''])
    if (lower.includes('properties')) return this.#properties()
    if (lower.includes('topic')) return this.#pick(TOPICS)
    if (lower.includes('addr') || lower.includes('host')) return this.#pick(ADDRESSES)
    return this.#pick(this.#below(3) > 0 ? NAMES : TEXTS)
  }

  #properties() {
    let text = ''
    for (let left = this.#below(6); left > 0; left--) {
      const [name, value] = this.#pick(PROPERTIES)
      if (name !== 'long' || this.#below(50) === 0) text += `${name}\u0001${value}\u0002`
    }
    return this.#below(10) === 0 ? text.slice(0, -1) : text
  }

  #odd() {
    const kind = this.#below(400)
    if (kind === 0) return LONG
    if (kind < 200) return this.#pick(TEXTS)
    return kind < 300 ? this.#pick(NUMBERS) : this.#pick(NAMES)
  }

  #json(row, fields, opaque) {
    const below = this.#below
    const flag = below(30) === 0 ? 2 : below(60) === 0 ? 1 : 0
    const version = this.#pick([493, 493, 493, 0, 405, -1, 2147483647])
    const values = fields.map(([name, value]) => {
      const text =
        below(60) === 0
          ? this.#pick([
              '1',
              '1.5',
              'true',
              'null',
              '{}',
              '[]',
              '{"a":[{}]}',
              '[[[[[[[[[1]]]]]]]]]',
              '1e999',
              '-0',
            ])
          : JSON.stringify(value)
      return `${JSON.stringify(name)}:${text}`
    })
    const parts = [
      `"code":${row.code}`,
      ...(values.length === 0 && below(2) === 0 ? [] : [`"extFields":{${values.join(',')}}`]),
      `"flag":${flag}`,
      `"language":${this.#pick(['"JAVA"', '"GO"', '"CPP"', '"?"', '12', 'null'])}`,
      `"opaque":${opaque}`,
      '"serializeTypeCurrentRPC":"JSON"',
      `"version":${version}`,
    ]
    if (below(50) === 0) {
      const at = below(parts.length)
      parts[at] =
        `${parts[at].split(':')[0]}:${this.#pick(['[]', '{"valueOf":1}', '"x"', '1.5', '1e99', 'true', 'null', '99999999999', '"1"', LONG.length])}`
    }
    const text = `{${parts.join(',')}}`
    if (below(200) > 0) return Buffer.from(text)
    return Buffer.from(
      this.#pick([
        text.slice(0, below(text.length)),
        text.replaceAll('"', "'"),
        text.toUpperCase(),
      ]),
    )
  }

  #binary(row, fields, opaque) {
    const pieces = []
    for (const [name, value] of fields) pieces.push(sized(name, 2), sized(value, 4))
    const all = Buffer.concat(pieces)
    const head = Buffer.alloc(21)
    head.writeInt16BE(row.code, 0)
    head[2] = this.#below(20)
    head.writeInt16BE(493, 3)
    head.writeInt32BE(opaque, 5)
    head.writeInt32BE(this.#below(30) === 0 ? 2 : 0, 9)
    head.writeInt32BE(this.#below(200) === 0 ? -1 : all.length, 17)
    return Buffer.concat([head, all])
  }

  #body(name) {
    const below = this.#below
    if (below(12) === 0) return Buffer.alloc(0)
    const own = this.#bodies.get(name)
    const sample =
      own !== undefined && below(10) > 0 ? this.#pick(own) : this.#pick(this.#bodies.get('any'))
    if (below(4) === 0) return sample.bytes
    if (sample.json === undefined || below(6) === 0) return this.#damaged(sample.bytes)
    return Buffer.from(this.#mutatedJson(sample.json))
  }

  #damaged(sample) {
    const below = this.#below
    let bytes = Buffer.from(sample)
    for (let left = below(4); left >= 0 && bytes.length > 0; left--) {
      const at = below(bytes.length)
      if (below(3) === 0) bytes = bytes.subarray(0, at)
      else if (below(2) === 0) bytes[at] = below(256)
      else if (bytes.length > at + 4)
        bytes.writeInt32BE(this.#pick([0, 1, -1, 0x7fffffff, 1 << 20, -0x80000000]), at)
    }
    return bytes
  }

  /** JSON with one value, or a few, of another kind. */
  #mutatedJson(json) {
    const value = structuredClone(json)
    for (let left = this.#below(3); left >= 0; left--) this.#mutate(value)
    const text = JSON.stringify(value)
    if (this.#below(20) > 0) return text
    return this.#pick([
      text.replaceAll('"', "'"),
      text.slice(0, this.#below(text.length)),
      `${'['.repeat(5000)}${']'.repeat(5000)}`,
      text.replace(':', `:${'{"a":'.repeat(200)}1${'}'.repeat(200)},"b":`),
    ])
  }

  #mutate(root) {
    let at = root
    for (;;) {
      if (typeof at !== 'object' || at === null) return
      const names = Object.keys(at)
      if (names.length === 0) return
      const name = this.#pick(names)
      const inner = at[name]
      if (typeof inner === 'object' && inner !== null && this.#below(4) > 0) {
        at = inner
        continue
      }
      const odd = this.#pick([
        null,
        undefined,
        true,
        false,
        0,
        -1,
        1.5,
        2 ** 31,
        2 ** 53,
        1e300,
        '',
        'x',
        [],
        {},
        [null],
        [[]],
        { a: 1 },
        this.#odd(),
        this.#odd(),
        this.#pick(NAMES),
      ])
      if (odd === undefined) delete at[name]
      else at[name] = odd
      if (!Array.isArray(at) && this.#below(10) === 0) at[this.#odd().slice(0, 300)] = odd ?? null
      return
    }
  }
}

function sized(text, lengthBytes) {
  const bytes = Buffer.from(text)
  const head = Buffer.alloc(lengthBytes)
  head.writeUIntBE(lengthBytes === 2 ? bytes.length & 0xffff : bytes.length, 0, lengthBytes)
  return Buffer.concat([head, bytes])
}

const dataVersion = { counter: 1, stateVersion: 0, timestamp: 1 }
const queue = { topic: 'TopicTest', brokerName: 'broker-a', queueId: 0 }
const subscription = {
  classFilterMode: false,
  codeSet: [2598919],
  expressionType: 'TAG',
  subString: 'TagA',
  subVersion: 1,
  tagsSet: ['TagA'],
  topic: 'TopicTest',
}
const topicConfig = {
  attributes: {},
  order: false,
  perm: 6,
  readQueueNums: 4,
  topicFilterType: 'SINGLE_TAG',
  topicName: 'TopicTest',
  topicSysFlag: 0,
  writeQueueNums: 4,
}
const groupConfig = {
  attributes: {},
  brokerId: 0,
  consumeBroadcastEnable: true,
  consumeEnable: true,
  consumeFromMinEnable: true,
  consumeMessageOrderly: false,
  consumeTimeoutMinute: 15,
  groupName: 'group',
  groupRetryPolicy: { type: 'CUSTOMIZED', customizedRetryPolicy: { next: [1000, 5000] } },
  groupSysFlag: 0,
  notifyConsumerIdsChangedEnable: true,
  retryMaxTimes: 16,
  retryQueueNums: 1,
  subscriptionDataSet: [{ topic: 'TopicTest' }],
  whichBrokerWhenConsumeSlowly: 1,
}
const registration = {
  filterServerList: [],
  topicConfigSerializeWrapper: {
    dataVersion,
    topicConfigTable: { TopicTest: topicConfig },
    topicQueueMappingInfoMap: {
      T: { topic: 'T', bname: 'broker-a', epoch: 1, totalQueues: 4, currIdMap: { 0: 0 } },
    },
  },
}

/** Bodies as their senders make them, by the request that has them; `json` where they are. */
const JSON_BODIES = {
  HEART_BEAT: {
    clientID: 'client@1',
    consumerDataSet: [
      {
        consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
        consumeType: 'CONSUME_PASSIVELY',
        groupName: 'group',
        messageModel: 'CLUSTERING',
        subscriptionDataSet: [
          subscription,
          { ...subscription, expressionType: 'SQL92', subString: 'a > 1' },
        ],
        unitMode: false,
      },
    ],
    heartbeatFingerprint: 0,
    producerDataSet: [{ groupName: 'group' }],
    withoutSub: false,
  },
  CHECK_CLIENT_CONFIG: {
    clientId: 'client@1',
    group: 'group',
    namespace: '',
    subscriptionData: { ...subscription, expressionType: 'SQL92', subString: 'a > 1' },
  },
  LOCK_BATCH_MQ: {
    clientId: 'client@1',
    consumerGroup: 'group',
    mqSet: [queue],
    onlyThisBroker: false,
  },
  UNLOCK_BATCH_MQ: { clientId: 'client@1', consumerGroup: 'group', mqSet: [queue] },
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: groupConfig,
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST: { groupConfigList: [groupConfig] },
  UPDATE_AND_CREATE_TOPIC_LIST: { topicConfigList: [topicConfig] },
  SET_MESSAGE_REQUEST_MODE: {
    consumerGroup: 'group',
    mode: 'PULL',
    popShareQueueNum: 0,
    topic: 'TopicTest',
  },
  QUERY_ASSIGNMENT: {
    clientId: 'client@1',
    consumerGroup: 'group',
    messageModel: 'CLUSTERING',
    strategyName: 'AVG',
    topic: 'TopicTest',
  },
  REGISTER_BROKER: registration,
  QUERY_DATA_VERSION: dataVersion,
  any: { consumerOffsetTable: {}, offsetTable: [{ key: queue, value: 5 }], table: { a: 'b' } },
}
const TEXT_BODIES = {
  UPDATE_BROKER_CONFIG: [
    'autoCreateTopicEnable=false',
    'waitTimeMillsInSendQueue=200\nbrokerName=x',
    'a=b',
    '=\\u00',
    'storePathRootDir=/x\n',
    'proxyProtocolTrustedAddresses=1',
  ],
  UPDATE_NAMESRV_CONFIG: ['listenPort=1', 'a=b', 'orderMessageEnable=true\nx'],
  UPDATE_COLD_DATA_FLOW_CTR_CONFIG: ['group=1000', '{"group":1000}', 'a=b=c'],
  DELETE_TOPIC_IN_NAMESRV: ['x'],
}

function sampleBodies() {
  const bodies = new Map()
  const add = (name, bytes, json) => {
    for (const each of [name, 'any'])
      bodies.set(each, [...(bodies.get(each) ?? []), { bytes, json }])
  }
  for (const [name, json] of Object.entries(JSON_BODIES))
    add(name, Buffer.from(JSON.stringify(json)), json)
  for (const [name, texts] of Object.entries(TEXT_BODIES)) {
    for (const text of texts) add(name, Buffer.from(text))
  }
  for (const { name, request, response } of captures()) {
    for (const captured of [request, response]) {
      if (captured === undefined) continue
      const body = captured.bytes.subarray(8 + captured.bytes.readUIntBE(5, 3))
      if (body.length === 0 || body.length > 20_000) continue
      let json
      try {
        json = JSON.parse(body.toString())
      } catch {
        json = undefined
      }
      add(
        captured === request ? name : 'any',
        body,
        typeof json === 'object' ? (json ?? undefined) : undefined,
      )
    }
  }
  const wrapper = {
    dataVersion,
    topicConfigTable: new Map([['TopicTest', { ...topicConfig, attributes: new Map() }]]),
  }
  add(
    'REGISTER_BROKER',
    encodeRegisterBrokerBody(
      { topicConfigSerializeWrapper: wrapper },
      { version: 493, compressed: true },
    ),
  )
  add('any', deflateSync(Buffer.alloc(1000, 'a')))
  return bodies
}
