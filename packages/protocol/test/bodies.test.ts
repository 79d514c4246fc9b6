import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeCommand } from '../src/frame/decode-command.ts'
import { decodeBatchAck, encodeBatchAck } from '../src/bodies/batch-ack.ts'
import { clusterInfoBody } from '../src/bodies/cluster-info.ts'
import { consumerRunningInfoBody } from '../src/bodies/consumer-running-info.ts'
import { heartbeatDataBody } from '../src/bodies/heartbeat-data.ts'
import { consumerIdListBody } from '../src/bodies/lists.ts'
import { lockBatchAnswerBody, lockBatchRequestBody } from '../src/bodies/lock-batch.ts'
import {
  consumerOffsetTableBody,
  delayOffsetTableBody,
  encodeResetOffsetForCpp,
  resetOffsetBody,
} from '../src/bodies/offset-tables.ts'
import {
  messageRequestModesBody,
  queryAssignmentAnswerBody,
  queryAssignmentRequestBody,
  setMessageRequestModeBody,
} from '../src/bodies/query-assignment.ts'
import {
  decodeRegisterBrokerBody,
  encodeRegisterBrokerBody,
} from '../src/bodies/register-broker-body.ts'
import { type JsonBody } from '../src/bodies/shape.ts'
import { consumeStatsBody } from '../src/bodies/stats.ts'
import { parseSubscription } from '../src/bodies/subscription-data.ts'
import {
  subscriptionGroupConfig,
  subscriptionGroupWrapperBody,
} from '../src/bodies/subscription-group-config.ts'
import {
  decodeTimerCheckPoint,
  encodeTimerCheckPoint,
  timerMetricsBody,
} from '../src/bodies/timer-tables.ts'
import { topicConfigSerializeWrapperBody } from '../src/bodies/topic-config.ts'
import { decodeTopicRouteData, encodeTopicRouteData } from '../src/bodies/topic-route-data.ts'
import { ProtocolError } from '../src/errors.ts'
import { decodeBatch, encodeBatch } from '../src/message/message-batch.ts'
import { captures, frameOf } from './support/golden.ts'

const again =
  <T>(body: JsonBody<T>) =>
  (bytes: Buffer): Buffer =>
    body.encode(body.decode(bytes))

const plain = { version: 479, compressed: false }

const requests: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  REGISTER_BROKER: (bytes) =>
    encodeRegisterBrokerBody(decodeRegisterBrokerBody(bytes, plain), plain),
  HEART_BEAT: again(heartbeatDataBody),
  LOCK_BATCH_MQ: again(lockBatchRequestBody),
  UNLOCK_BATCH_MQ: again(lockBatchRequestBody),
  QUERY_ASSIGNMENT: again(queryAssignmentRequestBody),
  SET_MESSAGE_REQUEST_MODE: again(setMessageRequestModeBody),
  SEND_BATCH_MESSAGE: (bytes) => encodeBatch(decodeBatch(bytes)),
}

const answers: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  GET_ROUTEINFO_BY_TOPIC: (bytes) => encodeTopicRouteData(decodeTopicRouteData(bytes), 'standard'),
  GET_BROKER_CLUSTER_INFO: again(clusterInfoBody),
  GET_ALL_TOPIC_CONFIG: again(topicConfigSerializeWrapperBody),
  GET_ALL_SUBSCRIPTIONGROUP_CONFIG: again(subscriptionGroupWrapperBody),
  GET_ALL_CONSUMER_OFFSET: again(consumerOffsetTableBody),
  GET_ALL_DELAY_OFFSET: again(delayOffsetTableBody),
  GET_TIMER_METRICS: again(timerMetricsBody),
  GET_TIMER_CHECK_POINT: (bytes) => encodeTimerCheckPoint(decodeTimerCheckPoint(bytes)),
  GET_ALL_MESSAGE_REQUEST_MODE: again(messageRequestModesBody),
  GET_CONSUMER_LIST_BY_GROUP: again(consumerIdListBody),
  LOCK_BATCH_MQ: again(lockBatchAnswerBody),
  QUERY_ASSIGNMENT: again(queryAssignmentAnswerBody),
}

test('every captured body that has a codec decodes, and encodes to the same bytes', () => {
  const seen = new Set<string>()
  for (const { name, file, request, response } of captures()) {
    for (const [table, frame] of [
      [requests, request],
      [answers, response],
    ] as const) {
      const codec = table[name]
      const body = frame === undefined ? undefined : decodeCommand(frameOf(frame.bytes)).body
      if (codec === undefined || body === undefined) continue
      seen.add(`${name} ${table === requests ? 'request' : 'answer'}`)
      assert.equal(codec(body).toString(), body.toString(), `${file} ${name}`)
    }
  }
  assert.equal(seen.size, Object.keys(requests).length + Object.keys(answers).length)
})

const topicConfig = {
  topicName: 'T',
  readQueueNums: 4,
  writeQueueNums: 8,
  perm: 6,
  topicFilterType: 'SINGLE_TAG',
  topicSysFlag: 0,
  order: false,
  attributes: { 'message.type': 'FIFO' },
} as const

test('a compressed registration comes back, and from 5.0.0 on with its queue mappings', () => {
  const topicConfigSerializeWrapper = {
    dataVersion: { stateVersion: 1, timestamp: 1795249022940, counter: 7 },
    topicConfigTable: new Map([['T', topicConfig]]),
    topicQueueMappingInfoMap: new Map<string, unknown>([['S', { topic: 'S', totalQueues: 2 }]]),
  }
  const registration = { topicConfigSerializeWrapper, filterServerList: ['127.0.0.1:1'] }
  for (const [version, mappings] of [
    [479, 1],
    [399, 0],
  ] as const) {
    const form = { version, compressed: true }
    const back = decodeRegisterBrokerBody(encodeRegisterBrokerBody(registration, form), form)
    const wrapper = back.topicConfigSerializeWrapper
    assert.deepEqual(wrapper.dataVersion, topicConfigSerializeWrapper.dataVersion)
    assert.deepEqual(wrapper.topicConfigTable, topicConfigSerializeWrapper.topicConfigTable)
    assert.equal(wrapper.topicQueueMappingInfoMap?.size, mappings)
    assert.deepEqual(back.filterServerList, ['127.0.0.1:1'])
  }
})

test('a compressed registration that is cut or is not one is a ProtocolError', () => {
  const form = { version: 479, compressed: true }
  assert.throws(() => decodeRegisterBrokerBody(Buffer.from('no zlib'), form), ProtocolError)
})

test('a registration without a body is an empty table', () => {
  const { topicConfigSerializeWrapper: wrapper } = decodeRegisterBrokerBody(undefined, plain)
  assert.equal(wrapper.topicConfigTable.size, 0)
  assert.deepEqual(wrapper.dataVersion, { stateVersion: 0, timestamp: 0, counter: 0 })
})

test('a route has quoted numbers and escapes in the standard form, bare numbers in the old one', () => {
  const route = {
    queueDatas: [
      { brokerName: 'b', perm: 6, readQueueNums: 4, writeQueueNums: 4, topicSysFlag: 0 },
    ],
    brokerDatas: [
      {
        brokerName: 'é',
        cluster: 'c',
        enableActingMaster: false,
        brokerAddrs: new Map([
          [1, '127.0.0.1:2'],
          [0, '127.0.0.1:1'],
        ]),
      },
    ],
    filterServerTable: new Map(),
  }
  const standard = encodeTopicRouteData(route, 'standard').toString()
  assert.ok(
    standard.startsWith('{"brokerDatas":[{"brokerAddrs":{"0":"127.0.0.1:1","1":"127.0.0.1:2"},'),
  )
  assert.ok(standard.includes('"brokerName":"\\u00E9"'))
  const old = encodeTopicRouteData(route, 'fastjson')
  assert.ok(
    old.toString().includes('{"brokerAddrs":{1:"127.0.0.1:2",0:"127.0.0.1:1"},"brokerName":"é"'),
  )
  assert.deepEqual(decodeTopicRouteData(old), route)
})

test('a heartbeat without its sets has empty ones, and names count in any case', () => {
  const data = heartbeatDataBody.decode(
    Buffer.from('{clientid:\'c@1\',consumerDataSet:[{groupName:"G",},]}'),
  )
  assert.equal(data.clientID, 'c@1')
  assert.deepEqual(data.producerDataSet, [])
  assert.equal(data.consumerDataSet[0]?.groupName, 'G')
  assert.deepEqual(data.consumerDataSet[0].subscriptionDataSet, [])
})

test('a body of another kind than expected is a ProtocolError that names the place', () => {
  const wrong = Buffer.from('{"clientID":"c","consumerDataSet":{"a":1}}')
  assert.throws(() => heartbeatDataBody.decode(wrong), {
    name: 'ERR_PROTOCOL',
    message: 'HeartbeatData.consumerDataSet is not a list but object',
  })
})

test('maps by MessageQueue are written with objects as names, and read so', () => {
  const queue = { topic: 'T', brokerName: 'b', queueId: 0 }
  const offsets = { brokerOffset: 9, consumerOffset: 7, pullOffset: 8, lastTimestamp: 1 }
  const bytes = consumeStatsBody.encode({
    consumeTps: 0.5,
    offsetTable: new Map([[queue, offsets]]),
  })
  assert.equal(
    bytes.toString(),
    '{"consumeTps":0.5,"offsetTable":{{"brokerName":"b","queueId":0,"topic":"T"}:' +
      '{"brokerOffset":9,"consumerOffset":7,"lastTimestamp":1,"pullOffset":8}}}',
  )
  assert.deepEqual([...consumeStatsBody.decode(bytes).offsetTable], [[queue, offsets]])
})

test('offsets to reset are read in the form of Java and of C++', () => {
  const table = { offsetTable: new Map([[{ topic: 'T', brokerName: 'b', queueId: 3 }, 77]]) }
  assert.deepEqual(resetOffsetBody.decode(resetOffsetBody.encode(table)), table)
  assert.deepEqual(resetOffsetBody.decode(encodeResetOffsetForCpp(table)), table)
})

test('a batch of acknowledgements keeps its bits', () => {
  const ack = { c: 'G', t: 'T', r: '0', so: 5, q: 1, rq: 2, pt: 3, it: 4, b: Buffer.from([0b101]) }
  const request = { brokerName: 'b', acks: [ack] }
  assert.deepEqual(decodeBatchAck(encodeBatchAck(request)), request)
})

test('what a consumer is doing survives, wherever its parts are absent', () => {
  const empty = consumerRunningInfoBody.decode(
    Buffer.from('{"properties":{"PROP_CONSUMEORDERLY":false}}'),
  )
  assert.equal(empty.properties.get('PROP_CONSUMEORDERLY'), 'false')
  assert.equal(empty.mqTable.size, 0)
  assert.deepEqual(consumerRunningInfoBody.decode(consumerRunningInfoBody.encode(empty)), empty)
})

test('a group has the defaults of Apache for what is not given', () => {
  const group = subscriptionGroupConfig('G', { retryMaxTimes: 3 })
  assert.equal(group.retryMaxTimes, 3)
  assert.equal(group.consumeEnable, true)
  assert.equal(group.retryQueueNums, 1)
  assert.deepEqual(group.groupRetryPolicy, { type: 'CUSTOMIZED' })
})

// Reference: `FilterAPI.java`, buildSubscriptionData.
test('an expression of tags becomes their set and the hashes of Java', () => {
  const two = parseSubscription('T', ' TagA||TagB || TagA')
  assert.deepEqual(two.tagsSet, ['TagA', 'TagB'])
  assert.deepEqual(two.codeSet, [2598919, 2598920])
  for (const all of [undefined, '', '*']) {
    assert.deepEqual(parseSubscription('T', all).tagsSet, [])
    assert.equal(parseSubscription('T', all).subString, '*')
  }
  assert.equal(parseSubscription('T', 'a > 3', 'SQL92').subString, 'a > 3')
})
