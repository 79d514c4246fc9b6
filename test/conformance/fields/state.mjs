/** What a make has before the first case: topics with messages, groups with offsets, a client that is there. */
import { setTimeout as pause } from 'node:timers/promises'
import { encodeFrame, openConnection } from '../lib/remoting.mjs'
import { groupConfig, heartbeat, keyOfHalf, names, registration } from './requests.mjs'

const WAIT_MS = 60_000
const HOUR_MS = 3_600_000

function expectOk({ header, body }, what) {
  if (header.code !== 0) throw new Error(`${what}: ${header.code} ${header.remark}`)
  return { header, body }
}

const topicFields = (topic) => ({
  topic,
  defaultTopic: 'TBW102',
  readQueueNums: '4',
  writeQueueNums: '4',
  perm: '6',
  topicFilterType: 'SINGLE_TAG',
  topicSysFlag: '0',
  order: 'false',
})

function sendFields(properties) {
  return {
    producerGroup: names.producers,
    topic: names.topic,
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: '4',
    queueId: '0',
    sysFlag: '0',
    bornTimestamp: '1700000000000',
    flag: '0',
    properties: Object.entries(properties)
      .map(([key, value]) => `${key}\u0001${value}\u0002`)
      .join(''),
    batch: 'false',
  }
}

/**
 * Makes it all on a cluster that has just started; answers the state that requests are made of, and `leave`, which ends
 * the client.
 */
export async function prepare(cluster) {
  // The client that is there answers whatever it is asked with success and nothing else.
  const broker = openConnection(cluster.brokerAddress, ({ opaque }) =>
    broker.write(encodeFrame({ code: 0, opaque, flag: 1, language: 'JAVA', version: 493 })),
  )
  const namesrv = openConnection(cluster.nameServer)
  const ask = async (code, fields, body) =>
    expectOk(await broker.request(code, fields, body), `request ${code}`)
  for (const topic of [names.topic, names.sent]) await ask(17, topicFields(topic))
  await ask(200, {}, Buffer.from(JSON.stringify(groupConfig(names.group))))
  let first
  for (let i = 0; i < 4; i++) {
    const { header } = await ask(10, sendFields({ KEYS: names.key }), Buffer.from(`message ${i}`))
    first ??= header.extFields.msgId
  }
  const timer = await ask(
    10,
    sendFields({ TIMER_DELIVER_MS: Date.now() + HOUR_MS, UNIQ_KEY: '0'.repeat(32) }),
    Buffer.from('later'),
  )
  const clientBody = heartbeat(names.clientId, names.producers, names.online)
  await ask(34, {}, Buffer.from(JSON.stringify(clientBody)))
  const queue = { topic: names.topic, queueId: '0' }
  await ask(15, { ...queue, consumerGroup: names.group, commitOffset: '2' })
  await prepareNameServer(namesrv)
  await untilIndexed(broker)
  namesrv.close()
  return {
    msgId: first,
    offset: offsetOf(first),
    recallHandle: timer.header.extFields.recallHandle,
    leave: () => broker.close(),
  }
}

async function prepareNameServer(namesrv) {
  const member = {
    brokerName: names.fake,
    brokerAddr: '127.0.0.1:1',
    clusterName: `${names.fake}-cluster`,
    haServerAddr: '127.0.0.1:2',
    brokerId: '0',
    heartbeatTimeoutMillis: String(HOUR_MS),
    compressed: 'false',
    bodyCrc32: '0',
  }
  const body = Buffer.from(JSON.stringify(registration('fields-fake-topic')))
  expectOk(await namesrv.request(103, member, body), 'a registration')
  const key = { namespace: names.namespace, key: names.key, value: 'value' }
  expectOk(await namesrv.request(100, key), 'a key')
}

async function untilIndexed(broker) {
  const fields = {
    topic: names.topic,
    key: names.key,
    maxNum: '32',
    beginTimestamp: '0',
    endTimestamp: '9223372036854775807',
  }
  const end = performance.now() + WAIT_MS
  while ((await broker.request(12, fields)).header.code !== 0) {
    if (performance.now() > end) throw new Error('the messages are not in the index')
    await pause(100)
  }
}

/** Sends a half message for each of these cases; answers where it is, by the case's name. */
export async function prepareHalves(cluster, ns) {
  const broker = openConnection(cluster.brokerAddress)
  const halves = new Map()
  for (const n of ns) {
    const properties = { TRAN_MSG: 'true', PGROUP: names.producers, UNIQ_KEY: keyOfHalf(n) }
    const fields = { ...sendFields(properties), sysFlag: '4' }
    const answer = await broker.request(10, fields, Buffer.from('half'))
    const { msgId, queueOffset } = expectOk(answer, 'a half message').header.extFields
    halves.set(n, { queueOffset, offset: offsetOf(msgId) })
  }
  broker.close()
  return halves
}

const offsetOf = (msgId) => String(parseInt(msgId.slice(-16), 16))

/** Makes the topics and groups that cases are to find. */
export async function prepareTargets(cluster, { topics, groups }) {
  const broker = openConnection(cluster.brokerAddress)
  const list = async (code, body) => {
    expectOk(await broker.request(code, {}, Buffer.from(JSON.stringify(body))), `request ${code}`)
  }
  const configs = topics.map((topicName) => ({
    topicName,
    readQueueNums: 1,
    writeQueueNums: 1,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: {},
  }))
  if (topics.length > 0) await list(18, { topicConfigList: configs })
  if (groups.length > 0) await list(225, { groupConfigList: groups.map(groupConfig) })
  broker.close()
}
