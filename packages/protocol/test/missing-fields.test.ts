import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heartbeatDataBody } from '../src/bodies/heartbeat-data.ts'
import { ResponseCode } from '../src/codes/response-code.ts'
import { brokerRequests, namesrvRequests } from '../src/requests/index.ts'
import { decodeHeader, type RequestDefinition } from '../src/schema/define-request.ts'
import { ProtocolError } from '../src/errors.ts'

const {
  CONSUMER_SEND_MSG_BACK,
  INVOKE_BROKER_TO_RESET_OFFSET,
  PULL_MESSAGE,
  SEND_MESSAGE,
  SEND_MESSAGE_V2,
  UPDATE_AND_CREATE_TOPIC,
} = brokerRequests

const send = {
  topic: 'T',
  queueId: '0',
  sysFlag: '0',
  bornTimestamp: '1',
  flag: '0',
}

test('what Apache takes for null when it is left out has a value', () => {
  const header = decodeHeader(SEND_MESSAGE, send)
  assert.equal(header.producerGroup, '')
  assert.equal(header.defaultTopic, '')
  assert.equal(header.defaultTopicQueueNums, 0)
  assert.equal(
    decodeHeader(namesrvRequests.GET_TOPICS_BY_CLUSTER, { clusterName: 'c' }).cluster,
    '',
  )
  const topic = { topic: 'T', readQueueNums: '1', writeQueueNums: '1', perm: '6' }
  const made = decodeHeader(UPDATE_AND_CREATE_TOPIC, { ...topic, topicFilterType: 'SINGLE_TAG' })
  assert.equal(made.defaultTopic, '')
})

test('what Apache unboxes is refused when it is left out, and the refusal names it', () => {
  const { queueId, ...rest } = send
  assert.equal(queueId, '0')
  assert.throws(() => decodeHeader(SEND_MESSAGE, rest), /lacks the field queueId/)
})

test('a number that cannot be read counts as left out, but where Apache fails on it', () => {
  assert.equal(
    decodeHeader(SEND_MESSAGE, { ...send, reconsumeTimes: 'x' }).reconsumeTimes,
    undefined,
  )
  assert.throws(
    () => decodeHeader(SEND_MESSAGE, { ...send, queueId: 'x' }),
    /field queueId is not a/,
  )
  const short = { b: 'T', e: '0', f: '0', g: '1', h: '0' }
  assert.throws(() => decodeHeader(SEND_MESSAGE_V2, { ...short, j: 'x' }), /field j is not a/)
})

test('an offset that Java can read and we cannot is refused and does not count as left out', () => {
  const fields = { topic: 'T', group: 'g', queueId: '0', offset: String(2 ** 53) }
  assert.throws(() => decodeHeader(INVOKE_BROKER_TO_RESET_OFFSET, fields), /out of range/)
  const late = { ...fields, offset: String(2n ** 63n) }
  assert.equal(decodeHeader(INVOKE_BROKER_TO_RESET_OFFSET, late).offset, undefined)
})

function codeOfRefusal(definition: RequestDefinition, fields: Record<string, string>): number {
  try {
    decodeHeader(definition, fields)
  } catch (error) {
    assert.ok(error instanceof ProtocolError)
    assert.doesNotMatch(error.message, /[\0-\x1f\x7f-\x9f]/)
    return error.responseCode
  }
  return -1
}

test('a dangerous name is refused before a processor sees it, by the code that Apache answers with', () => {
  const back = { offset: '0', delayLevel: '0', group: '%LMQ%x/../../../../victim' }
  const noGroup = ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST
  assert.equal(codeOfRefusal(CONSUMER_SEND_MSG_BACK, back), noGroup)
  assert.equal(
    codeOfRefusal(SEND_MESSAGE, { ...send, topic: '../x' }),
    ResponseCode.INVALID_PARAMETER,
  )
  const pull = { consumerGroup: 'a\x1bb', topic: 'T', queueId: '0', queueOffset: '0' }
  assert.equal(codeOfRefusal(PULL_MESSAGE, { ...pull, maxMsgNums: '1', sysFlag: '0' }), noGroup)
})

test('every field of a request that is a name by its own name has the type of a name', () => {
  const names =
    /^(topic|group|consumerGroup|producerGroup|clientI[dD]|brokerName|brokerAddr|clusterName)$/
  for (const requests of [brokerRequests, namesrvRequests]) {
    for (const { name, header } of Object.values<RequestDefinition>(requests)) {
      for (const [field, { type }] of Object.entries(header)) {
        if (names.test(field)) assert.notEqual(type.name, 'string', `${name}.${field}`)
      }
    }
  }
})

test('names in the body of a heartbeat are checked as those of headers are', () => {
  const body = (clientID: string, groupName: string, topic: string): Buffer =>
    Buffer.from(
      JSON.stringify({
        clientID,
        consumerDataSet: [{ groupName, subscriptionDataSet: [{ topic, subString: '*' }] }],
      }),
    )
  const { consumerDataSet } = heartbeatDataBody.decode(body('客户端@1#2', 'g', '%RETRY%g'))
  assert.equal(consumerDataSet[0]?.groupName, 'g')
  for (const [id, group, topic] of [
    ['a\nb', 'g', 't'],
    ['a', '../g', 't'],
    ['a', 'g', 't/..'],
  ] as const) {
    assert.throws(() => heartbeatDataBody.decode(body(id, group, topic)), ProtocolError)
  }
  assert.throws(() => heartbeatDataBody.decode(Buffer.from('{"consumerDataSet":[{}]}')), /missing/)
})
