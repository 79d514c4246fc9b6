import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeProperties,
  decodeRecords,
  formatProperties,
  Property,
  PushReplyMessageToClient,
  ResponseCode,
  SendReplyMessageV2,
} from '@skylarkmq/protocol'
import { testBroker, type Peer } from './support/broker.ts'

const REPLY_TOPIC = 'DefaultCluster_REPLY_TOPIC'

/** Sends a reply to the client with the id `asker`. */
function sendReply(from: Peer, asker: string | undefined) {
  const properties = {
    [Property.UNIQ_KEY]: '0102030405060708090A0B0C0D0E0F10',
    [Property.CORRELATION_ID]: 'c-1',
    ...(asker === undefined ? {} : { [Property.REPLY_TO_CLIENT]: asker }),
  }
  const header = {
    producerGroup: 'Answering',
    topic: REPLY_TOPIC,
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: 0,
    sysFlag: 0,
    bornTimestamp: 7,
    flag: 3,
    properties: Buffer.from(formatProperties(properties)),
    reconsumeTimes: 0,
  }
  return from.ask(SendReplyMessageV2, header, Buffer.from('the answer'))
}

test('a reply is brought to the producer that waits for it, and kept', async (t) => {
  const { peer } = await testBroker(t)
  const asker = peer()
  asker.answersWith = ResponseCode.SUCCESS
  await asker.produce('asker-1', 'Asking')
  const answering = peer()
  const answered = await sendReply(answering, 'asker-1')
  assert.equal(answered.code, ResponseCode.SUCCESS)
  assert.equal(answered.header().queueOffset, 0)
  assert.match(answered.header().msgId, /^7F000001/)
  assert.deepEqual(asker.asked, [PushReplyMessageToClient.code])
  const { fields = {}, body } = asker.lastAsked!
  assert.equal(body?.toString(), 'the answer')
  assert.equal(fields.topic, REPLY_TOPIC)
  assert.equal(fields.flag, '3')
  const brought = decodeProperties(Buffer.from(fields.properties ?? ''))
  assert.equal(brought.get(Property.CORRELATION_ID), 'c-1')
  assert.ok(brought.has(Property.PUSH_REPLY_TIME))
  const kept = await answering.pull(REPLY_TOPIC, 0)
  const [record] = decodeRecords(kept.body ?? Buffer.alloc(0))
  assert.equal(record?.body.toString(), 'the answer')
  assert.equal(decodeProperties(record.properties).has(Property.PUSH_REPLY_TIME), false)
})

test('a reply to a client that is not there is refused in words, and kept', async (t) => {
  const { peer, context } = await testBroker(t)
  const answered = await sendReply(peer(), 'nobody')
  assert.equal(answered.code, ResponseCode.SYSTEM_ERROR)
  assert.equal(answered.remark, 'push reply message fail, channel of <nobody> not found.')
  assert.equal(context.store.offsetMax(REPLY_TOPIC, 0), 1)
})

test('a reply that a client does not want, or that names no client, is refused in words', async (t) => {
  const { peer } = await testBroker(t)
  const asker = peer()
  asker.answersWith = ResponseCode.SYSTEM_ERROR
  await asker.produce('asker-1', 'Asking')
  const unwanted = await sendReply(peer(), 'asker-1')
  assert.equal(unwanted.code, ResponseCode.SYSTEM_ERROR)
  assert.equal(unwanted.remark, 'push reply message to asker-1fail.')
  const nameless = await sendReply(peer(), undefined)
  assert.equal(nameless.remark, 'reply message properties[REPLY_TO_CLIENT] is null')
})

test('with storeReplyMessageEnable=false a reply is brought and not kept', async (t) => {
  const { peer, context } = await testBroker(t, { config: { storeReplyMessageEnable: false } })
  const asker = peer()
  asker.answersWith = ResponseCode.SUCCESS
  await asker.produce('asker-1', 'Asking')
  const answered = await sendReply(peer(), 'asker-1')
  assert.equal(answered.code, ResponseCode.SUCCESS)
  assert.equal(answered.header().msgId, '0')
  assert.equal(context.store.offsetMax(REPLY_TOPIC, 0), 0)
})
