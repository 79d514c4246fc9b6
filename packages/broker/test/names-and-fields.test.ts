import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryDisk } from '@skylarkmq/env'
import {
  brokerRequests,
  decodeProperties,
  decodeRecords,
  Property,
  ResponseCode,
  SystemTopic,
  TIMER_TOPIC,
} from '@skylarkmq/protocol'
import { testBroker } from './support/broker.ts'

const { TOPIC_NOT_EXIST, SUBSCRIPTION_GROUP_NOT_EXIST } = ResponseCode

test('nobody sends to a topic that the broker reads back as its own', async (t) => {
  const { peer, context } = await testBroker(t)
  const one = peer()
  const topics = [
    TIMER_TOPIC,
    SystemTopic.SCHEDULE,
    SystemTopic.TRANS_HALF,
    SystemTopic.TRANS_OP_HALF,
    SystemTopic.TRANS_CHECK_MAX_TIME,
    'rmq_sys_REVIVE_LOG_DefaultCluster',
  ]
  const properties = { REAL_TOPIC: '../../../victim', REAL_QID: '0', TIMER_OUT_MS: '1' }
  for (const topic of topics) {
    const sent = await one.send(topic, 'b', properties)
    assert.equal(sent.code, ResponseCode.NO_PERMISSION, topic)
    assert.match(sent.remark ?? '', /^Sending message to topic\[.*\] is forbidden\.$/)
    assert.equal(context.store.offsetMax(topic, 0), 0)
  }
})

test('what clients send to by right they still send to', async (t) => {
  const { peer } = await testBroker(t)
  const one = peer()
  const replies = 'DefaultCluster_REPLY_TOPIC'
  for (const topic of ['RMQ_SYS_TRACE_TOPIC', 'rmq_sys_TRACE_DATA_x', 'BenchmarkTest', replies]) {
    assert.equal((await one.send(topic, 'b')).code, 0, topic)
  }
})

test('a delayed message waits for the topic that it was sent to, whatever it says of one', async (t) => {
  const { peer, context } = await testBroker(t)
  const twice = 'REAL_TOPIC\x01../x\x02REAL_TOPIC\x01../../y\x02REAL_QID\x01-7\x02DELAY\x013\x02'
  const header = { properties: Buffer.from(twice) }
  assert.equal((await peer().send('T', 'b', {}, header)).code, 0)
  const record = context.store.recordAt(0) ?? Buffer.alloc(0)
  const [stored] = decodeRecords(record)
  assert.ok(stored !== undefined)
  assert.equal(stored.topic, SystemTopic.SCHEDULE)
  assert.doesNotMatch(stored.properties.toString(), /\.\.\//)
  const properties = decodeProperties(stored.properties)
  assert.equal(properties.get(Property.REAL_TOPIC), 'T')
  assert.equal(properties.get(Property.REAL_QID), '0')
})

test('a light queue whose name leads elsewhere is no topic and no group', async (t) => {
  const config = { enableLmq: true, enableMultiDispatch: true }
  const { peer, context } = await testBroker(t, { config })
  const one = peer()
  const name = '%LMQ%x/../../../../victim'
  await one.send('T', 'b')
  const { CONSUMER_SEND_MSG_BACK: back } = brokerRequests
  const refused = await one.ask(back, { offset: 0, group: name, delayLevel: -1 })
  assert.equal(refused.code, SUBSCRIPTION_GROUP_NOT_EXIST)
  assert.equal((await one.send(name, 'b')).code, ResponseCode.INVALID_PARAMETER)
  assert.equal((await one.pull(name, 0)).code, TOPIC_NOT_EXIST)
  assert.equal((await one.pull('T', 0, { consumerGroup: name })).code, SUBSCRIPTION_GROUP_NOT_EXIST)
  assert.equal(context.groups.find(name), undefined)
  assert.equal(context.topics.get(name), undefined)
})

test('a topic that somebody wrote into topics.json by hand and that leads elsewhere stays out', async (t) => {
  const disk = memoryDisk(() => 0)
  disk.makeDirectory('/memory')
  disk.makeDirectory('/memory/config')
  const topicConfigTable = { '../../victim': {}, 'odd.name': {}, '%RETRY%g+t': {} }
  const json = JSON.stringify({ topicConfigTable })
  disk.writeFile('/memory/config/topics.json', Buffer.from(json))
  const { context, peer } = await testBroker(t, { disk })
  assert.equal(context.topics.get('../../victim'), undefined)
  assert.equal((await peer().send('odd.name', 'b')).code, 0)
  assert.notEqual(context.topics.get('%RETRY%g+t'), undefined)
})

// Reference: what Apache 5.3.3 answers, see test/conformance/golden/fields-5.3.3.json.
test('requests that leave a field out are answered as Apache answers them', async (t) => {
  const { peer } = await testBroker(t)
  const one = peer()
  await one.send('T', 'b')
  await one.join('c', 'g', 'T')
  const r = brokerRequests
  const queue = { topic: 'T', queueId: '0' }
  const topic = { topic: 'N', readQueueNums: '1', writeQueueNums: '1', perm: '6' }
  const full = { ...topic, topicFilterType: 'SINGLE_TAG' }
  const answers: [Parameters<typeof one.askWith>[0], Record<string, string>, number][] = [
    [r.UPDATE_AND_CREATE_TOPIC, full, 0],
    [r.UPDATE_AND_CREATE_TOPIC, topic, 1],
    [r.UPDATE_CONSUMER_OFFSET, { ...queue, commitOffset: '1' }, SUBSCRIPTION_GROUP_NOT_EXIST],
    [r.UPDATE_CONSUMER_OFFSET, { consumerGroup: 'g', topic: 'T', commitOffset: '1' }, 29],
    [r.UPDATE_CONSUMER_OFFSET, { consumerGroup: 'g', ...queue, commitOffset: 'x' }, 29],
    [r.QUERY_CONSUMER_OFFSET, { topic: 'none', queueId: '0' }, ResponseCode.QUERY_NOT_FOUND],
    [r.DELETE_TOPIC_IN_BROKER, {}, ResponseCode.INVALID_PARAMETER],
    [r.UNREGISTER_CLIENT, {}, 0],
    [r.GET_MAX_OFFSET, { queueId: '0' }, 1],
    [r.QUERY_SUBSCRIPTION_BY_CONSUMER, { group: 'g' }, 1],
    [r.END_TRANSACTION, { commitOrRollback: '-1', producerGroup: 'P' }, 1],
  ]
  for (const [definition, fields, code] of answers) {
    const answer = await one.askWith(definition, fields)
    assert.equal(answer.code, code, `${definition.name} ${JSON.stringify(fields)}`)
  }
})
