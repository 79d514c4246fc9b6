/**
 * `npm run conformance -- operators`: what dashboards and exporters ask a broker for, after the same messages, pulls and
 * heartbeats on both makes, compared value by value. What is meant to differ is in `meant` below and in
 * docs/reference/differences.md.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as apache from './apache/apache.mjs'
import { choosePorts, scratchDirectory } from './lib/processes.mjs'
import { encodeFrame, openConnection, pullFields, sendFields } from './lib/remoting.mjs'
import * as skylark from './skylark.mjs'

const goldenFile = join(
  dirname(fileURLToPath(import.meta.url)),
  `golden/operators-${apache.apacheVersion}.json`,
)
const settings = { autoCreateTopicEnable: true, enableBroadcastOffsetStore: true }
const topic = 'operators'
/** Both makes sample their counts every ten seconds, and a level of one second has delivered long before. */
const SAMPLES_MS = 24_000
const MESSAGES = 5
const UNIQ = 'UNIQ_KEY\u00017F000001000000000000000000000000\u0002'

const makes = {
  apache: (options) =>
    apache.startCluster({ ...options, settings: { ...settings, skipPreOnline: true } }),
  skylark: (options) => skylark.startCluster({ ...options, settings }),
}

/** Values that depend on the host, the moment or the make's inside: only their form is compared. */
const OF_THE_MOMENT = [
  /^(bootTimestamp|runtime|earliestMessageTimeStamp|commitLogDirCapacity)$/,
  /DiskRatio/,
  /^(put|get)(Message)?(Tps|.*Max$|Latency)|^get\w*Tps$|^putLatency/,
  /QueueHeadWaitTimeMills$/,
  /^(brokerIP[12]|listenPort|haListenPort|namesrvAddr|rocketmqHome|storePath\w*|skipPreOnline|bindAddress)$/,
]

/** Where Skylark answers otherwise and means it, by question and path. */
const meant = [
  ['runtime', /^getTransferedTps$/, "the exporter's spelling stands beside Apache's"],
  ['runtime*', /^putMessageDistributeTime$/, 'Apache prints "null" until a minute has passed'],
  ['runtime-first', /^commitLogMinOffset$/, 'an empty log begins at 0; Apache says -1'],
  [
    'runtime*',
    /^(put|get)\w*Tps$/,
    'three numbers from the start; Apache leaves out what it has no sample of',
  ],
  [
    'config',
    /^(bitMapLengthConsumeQueueExt|clientCallbackExecutorThreads)$/,
    'Apache prints what it computed for extended queues and from the processors of the host',
  ],
  [
    'groups-of-topic',
    /./,
    "groups; Apache puts the topic's own name in for a group that subscribes",
  ],
  [
    'stats *',
    /^stats(Hour|Day)/,
    'counts from the first sample on; Apache says 0 for ten minutes and an hour',
  ],
]

const consumer = (groupName, messageModel, topics) => ({
  groupName,
  consumeType: 'CONSUME_ACTIVELY',
  messageModel,
  consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  unitMode: false,
  subscriptionDataSet: topics.map((name) => ({
    classFilterMode: false,
    topic: name,
    subString: '*',
    tagsSet: [],
    codeSet: [],
    subVersion: 1,
    expressionType: 'TAG',
  })),
})

/** Starts a make, does the same things with it and asks; answers by question a map of paths to values. */
async function answersOf(make, keep) {
  const scratch = scratchDirectory(`conformance-operators-${make}`)
  const cluster = await makes[make]({ dir: scratch.path, ports: await choosePorts(2) })
  try {
    return await ask(cluster)
  } finally {
    await cluster.stop()
    if (!keep) scratch.remove()
  }
}

async function ask(cluster) {
  const all = {}
  const broker = openConnection(cluster.brokerAddress, ({ opaque }) =>
    broker.write(encodeFrame({ code: 0, opaque, flag: 1, language: 'JAVA', version: 493 })),
  )
  const note = async (question, code, fields, read = readJson) => {
    const { header, body } = await broker.request(code, fields)
    const remark = header.code === 0 ? {} : { remark: header.remark }
    all[question] = { code: header.code, ...remark, ...(body.length > 0 ? read(body) : {}) }
  }
  const does = async (code, fields, body) => {
    const { header } = await broker.request(code, fields, body)
    if (header.code !== 0) throw new Error(`request ${code}: ${header.code} ${header.remark}`)
  }
  await untilAnswered(broker)
  await note('runtime-first', 28)
  const asTopic = {
    defaultTopic: 'TBW102',
    readQueueNums: '1',
    writeQueueNums: '1',
    perm: '6',
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: '0',
    order: 'false',
  }
  await does(17, { topic, ...asTopic })
  await note('a-topic-of-mixed-messages', 17, {
    topic: `${topic}-mixed`,
    ...asTopic,
    attributes: '+message.type=MIXED',
  })
  const members = [
    consumer('pullers', 'CLUSTERING', []),
    consumer('broadcasters', 'BROADCASTING', [topic]),
  ]
  const heartbeat = { clientID: 'operators@1', producerDataSet: [], consumerDataSet: members }
  await does(34, {}, Buffer.from(JSON.stringify(heartbeat)))
  for (let i = 0; i < MESSAGES; i++) {
    await does(310, sendFields(topic, 0, UNIQ), Buffer.from(`message ${i}`))
  }
  await does(310, sendFields(topic, 0, `${UNIQ}DELAY\u00011\u0002`), Buffer.from('delayed'))
  await does(15, { topic, queueId: '0', consumerGroup: 'pullers', commitOffset: '2' })
  await broker.request(11, pullFields('broadcasters', topic, 0, 0))
  await pause(SAMPLES_MS / 2)
  await broker.request(11, pullFields('pullers', topic, 0, 2))
  await pause(SAMPLES_MS / 2)
  await note('runtime', 28)
  await note('config', 26, {}, readLines)
  await note('consume-stats', 208, { consumerGroup: 'pullers', topic: '' }, readConsumeStats)
  await note('consume-stats-of-topic', 208, { consumerGroup: 'pullers', topic }, readConsumeStats)
  await note('groups-of-topic', 300, { topic })
  await note('system-topics', 305)
  for (const [name, key] of [
    ['TOPIC_PUT_NUMS', topic],
    ['TOPIC_PUT_SIZE', topic],
    ['GROUP_GET_NUMS', `${topic}@pullers`],
    ['GROUP_GET_SIZE', `${topic}@pullers`],
    ['BROKER_PUT_NUMS', 'DefaultCluster'],
    ['BROKER_GET_NUMS', 'DefaultCluster'],
    ['SNDBCK_PUT_NUMS', `${topic}@pullers`],
  ]) {
    await note(`stats ${name}`, 315, { statsName: name, statsKey: key })
  }
  broker.close()
  return all
}

/** Apache answers with a NoSuchElementException until it has taken its first sample, a second after its start. */
async function untilAnswered(broker) {
  for (let i = 0; i < 100; i++) {
    const { header } = await broker.request(28)
    if (header.code === 0) return
    await pause(200)
  }
}

function readJson(body) {
  const value = JSON.parse(body.toString())
  return flat(value.table ?? value)
}

function readLines(body) {
  const lines = body
    .toString()
    .split('\n')
    .filter((line) => line !== '')
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s, 2)))
}

/** Keys of its table are objects, which no JSON has. */
function readConsumeStats(body) {
  const text = body.toString()
  const number = (name) => /^-?[\d.]+/.exec(text.split(`"${name}":`)[1] ?? '')?.[0]
  return Object.fromEntries(
    ['brokerOffset', 'consumerOffset', 'pullOffset'].map((name) => [name, number(name)]),
  )
}

/** `{ a: { b: [2, 1] } }` → `{ 'a.b': '1,2' }`; rates are of the moment. */
function flat(value, path = '') {
  if (Array.isArray(value)) return { [path]: value.map(String).sort().join() }
  if (typeof value !== 'object' || value === null) return { [path]: String(value) }
  const parts = Object.entries(value).filter(([name]) => name !== 'tps')
  const named = parts.map(([name, each]) => flat(each, path === '' ? name : `${path}.${name}`))
  return Object.assign({}, ...named)
}

/** What of a value both makes have to agree on. */
function comparable(path, value) {
  if (value === undefined) return 'absent'
  const text = String(value)
  const form = /^-?[\d.]+$/.test(text) ? 'a number' : 'a text'
  if (OF_THE_MOMENT.some((pattern) => pattern.test(path))) return form
  return form === 'a number' ? String(Number(text)) : text
}

/** A path that has a folder or a name of the make in it. */
const plainPath = (path) => path.replace(/_\/.*$/, '_<folder>')

function verdictOf(question, theirs = {}, ours = {}) {
  const plain = (answer) =>
    new Map(Object.entries(answer).map(([path, value]) => [plainPath(path), value]))
  const [left, right] = [plain(theirs), plain(ours)]
  const lines = []
  let isSame = true
  for (const path of new Set([...left.keys(), ...right.keys()])) {
    const [a, b] = [comparable(path, left.get(path)), comparable(path, right.get(path))]
    if (a === b) continue
    const why = meant.find(
      ([of, pattern]) =>
        new RegExp(`^${of.replaceAll('*', '.*')}$`).test(question) && pattern.test(path),
    )?.[2]
    if (why === undefined) isSame = false
    const what = `${path}: apache ${left.get(path)}, skylark ${right.get(path)}`
    lines.push(`    ${why === undefined ? what : `meant: ${what} (${why})`}`)
  }
  return { name: `operators/${question.replaceAll(' ', '-')}`, same: isSame, lines }
}

/** One verdict for each question; on a crowded machine a sample comes late, so what differs is asked once more. */
export async function operatorsVerdicts(options = {}) {
  const verdicts = await askBoth(options)
  if (options.golden || verdicts.every(({ same }) => same)) return verdicts
  for (const { name, lines } of verdicts.filter(({ same }) => !same))
    console.log(`asked again: ${name}`, lines)
  return await askBoth(options)
}

async function askBoth({ golden = false, record = false, keep = false }) {
  if (golden && !existsSync(goldenFile))
    throw new Error('no recorded answers: run with --record first')
  const theirs = golden
    ? JSON.parse(readFileSync(goldenFile, 'utf8'))
    : await answersOf('apache', keep)
  if (record) writeFileSync(goldenFile, `${JSON.stringify(theirs, null, 1)}\n`)
  const ours = await answersOf('skylark', keep)
  return Object.keys(theirs).map((question) =>
    verdictOf(question, theirs[question], ours[question]),
  )
}
