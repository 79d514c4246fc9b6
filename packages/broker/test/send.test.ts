import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeRecords,
  decodeProperties,
  encodeBatch,
  encodeProperties,
  Property,
  ResponseCode,
  SendBatchMessage,
} from '@skylarkmq/protocol'
import { topicConfig } from '../src/topic/topic-config-table.ts'
import { testBroker, type Peer } from './support/broker.ts'

/** The messages of queue 0 of a topic. */
async function stored(peer: Peer, topic: string, queueId = 0) {
  const { body } = await peer.pull(topic, 0, { queueId })
  return decodeRecords(body ?? Buffer.alloc(0))
}

function batchHeader(topic: string) {
  return {
    producerGroup: 'P',
    topic,
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: 0,
    sysFlag: 0,
    bornTimestamp: 1,
    flag: 0,
    batch: true,
  }
}

// Reference of this file: `SendMessageProcessor.java`, `AbstractSendMessageProcessor.java`, msgCheck.
test('the first message of a topic makes it, with as many queues as the client asks and the template has', async (t) => {
  const { peer, context } = await testBroker(t)
  const sent = await peer().send('T', 'hello')
  assert.equal(sent.code, 0)
  assert.equal(sent.header().queueOffset, 0)
  assert.equal(context.topics.get('T')?.writeQueueNums, 4)
  await peer().send('Many', 'b', {}, { defaultTopicQueueNums: 99 })
  const many = context.topics.get('Many')
  assert.deepEqual([many?.writeQueueNums, many?.perm], [8, 6])
})

test('without autoCreateTopicEnable an unknown topic is refused with code 17, and a retry topic is still made', async (t) => {
  const { peer } = await testBroker(t, { config: { autoCreateTopicEnable: false } })
  const refused = await peer().send('T', 'b')
  assert.equal(refused.code, ResponseCode.TOPIC_NOT_EXIST)
  assert.match(refused.remark ?? '', /^topic\[T\] not exist, apply first please!/)
  assert.equal((await peer().send('%RETRY%G', 'b')).code, 0)
})

test('what Apache refuses is refused with its code', async (t) => {
  const { peer } = await testBroker(t)
  await peer().send('T', 'b')
  const refusals: [
    string,
    string,
    Parameters<Peer['send']>[2],
    Parameters<Peer['send']>[3],
    number,
  ][] = [
    ['has blank', 'b', {}, {}, ResponseCode.INVALID_PARAMETER],
    ['x'.repeat(128), 'b', {}, {}, ResponseCode.INVALID_PARAMETER],
    ['SCHEDULE_TOPIC_XXXX', 'b', {}, {}, ResponseCode.NO_PERMISSION],
    ['RMQ_SYS_TRANS_HALF_TOPIC', 'b', {}, {}, ResponseCode.NO_PERMISSION],
    ['T', 'b', {}, { queueId: 4 }, ResponseCode.INVALID_PARAMETER],
    ['T', 'x'.repeat(4 * 1024 * 1024 + 1), {}, {}, ResponseCode.MESSAGE_ILLEGAL],
    ['T', 'b', { a: 'x'.repeat(32768) }, {}, ResponseCode.MESSAGE_ILLEGAL],
  ]
  for (const [topic, body, properties, header, code] of refusals) {
    const { code: got, remark } = await peer().send(topic, body, properties, header)
    assert.equal(got, code, `${topic.slice(0, 40)}: ${remark ?? ''}`)
  }
  assert.equal((await stored(peer(), 'T')).length, 1)
})

test('a queue id below 0 lets the broker choose one of the topic’s', async (t) => {
  const { peer } = await testBroker(t)
  const sent = await peer().send('T', 'b', {}, { queueId: -1 })
  assert.equal(sent.code, 0)
  const { queueId } = sent.header()
  assert.ok(queueId >= 0 && queueId < 4)
  assert.equal((await stored(peer(), 'T', queueId)).length, 1)
})

test('a message keeps its id, is given one when it has none, and tells region and cluster', async (t) => {
  const { peer } = await testBroker(t)
  const sent = await peer().send('T', 'with', { [Property.UNIQ_KEY]: 'ID', colour: 'blue' })
  assert.equal(sent.header().transactionId, 'ID')
  assert.equal(sent.fields?.['MSG_REGION'], 'DefaultRegion')
  assert.equal(sent.fields['TRACE_ON'], 'true')
  const { transactionId } = (await peer().send('T', 'without')).header()
  const [first, second] = (await stored(peer(), 'T')).map((m) => decodeProperties(m.properties))
  assert.equal(first?.get('colour'), 'blue')
  assert.equal(first.get(Property.UNIQ_KEY), 'ID')
  assert.equal(first.get(Property.CLUSTER), 'DefaultCluster')
  assert.match(transactionId ?? '', /^[0-9A-F]{32}$/)
  assert.equal(second?.get(Property.UNIQ_KEY), transactionId)
})

test('a batch is stored as single messages one behind the other, and its answer has all ids', async (t) => {
  const { peer } = await testBroker(t)
  await peer().send('T', 'zero')
  const batch = ['one', 'two'].map((body) => ({
    flag: 0,
    body: Buffer.from(body),
    properties: encodeProperties({ [Property.UNIQ_KEY]: `id-${body}` }),
  }))
  const header = batchHeader('T')
  const sent = await peer().ask(SendBatchMessage, header, encodeBatch(batch))
  assert.equal(sent.code, 0)
  assert.equal(sent.header().queueOffset, 1)
  assert.equal(sent.header().msgId.split(',').length, 2)
  assert.equal(sent.header().transactionId, undefined, 'as producers of 4.x are answered')
  const all = await stored(peer(), 'T')
  assert.deepEqual(
    all.map((each) => [each.queueOffset, each.body.toString()]),
    [
      [0, 'zero'],
      [1, 'one'],
      [2, 'two'],
    ],
  )
  const properties = encodeProperties({ [Property.UNIQ_KEY]: 'WRAPPER' })
  const again = await peer().ask(SendBatchMessage, { ...header, properties }, encodeBatch(batch))
  assert.equal(again.header().transactionId, 'WRAPPER', 'as producers of 5.x are')
  const retry = await peer().ask(
    SendBatchMessage,
    { ...header, topic: '%RETRY%G' },
    encodeBatch(batch),
  )
  assert.equal(retry.code, ResponseCode.MESSAGE_ILLEGAL)
})

test('a batch has no more messages than maxBatchMessages allows', async (t) => {
  const { peer } = await testBroker(t, { config: { maxBatchMessages: 3 } })
  const one = { flag: 0, body: Buffer.from('x'), properties: Buffer.alloc(0) }
  const send = (count: number) =>
    peer().ask(SendBatchMessage, batchHeader('T'), encodeBatch(Array<typeof one>(count).fill(one)))
  assert.equal((await send(3)).code, 0)
  const refused = await send(4)
  assert.equal(refused.code, ResponseCode.MESSAGE_ILLEGAL)
  assert.match(refused.remark ?? '', /more than 3 messages \(maxBatchMessages\)/)
})

test('a batch for a topic with queue.type=BatchCQ is one record, as every message of it is told', async (t) => {
  const { peer, context } = await testBroker(t)
  context.topics.put(topicConfig('T', 1, 6, { attributes: { 'queue.type': 'BatchCQ' } }))
  const send = async (own: Record<string, string>, count: number) => {
    const batch = Array.from({ length: count }, (_, i) => ({
      flag: 0,
      body: Buffer.from(`m${i}`),
      properties: Buffer.alloc(0),
    }))
    const properties = encodeProperties(own)
    const header = { ...batchHeader('T'), properties }
    return peer().ask(SendBatchMessage, header, encodeBatch(batch))
  }
  const first = (await send({ [Property.UNIQ_KEY]: 'B1' }, 3)).header()
  assert.deepEqual([first.queueOffset, first.batchUniqId, first.transactionId], [0, 'B1', 'B1'])
  // Without a key of its own its messages are stored one by one.
  const second = (await send({}, 2)).header()
  assert.deepEqual([second.queueOffset, second.msgId.split(',').length], [3, 2])
  assert.equal((await peer().send('T', 'alone')).header().queueOffset, 5)
  assert.equal((await send({ [Property.UNIQ_KEY]: 'B2' }, 4)).header().queueOffset, 6)
  const records = await stored(peer(), 'T')
  assert.deepEqual(
    records.map(({ queueOffset, sysFlag }) => [queueOffset, sysFlag & 192]),
    [
      [0, 192],
      [3, 0],
      [4, 0],
      [5, 0],
      [6, 192],
    ],
  )
  const properties = decodeProperties(records.at(-1)?.properties ?? Buffer.alloc(0))
  assert.deepEqual(
    [properties.get(Property.INNER_NUM), properties.get(Property.INNER_BASE)],
    ['4', '6'],
  )
  const refused = await peer().send('T', 'b', { [Property.INNER_NUM]: '2' })
  assert.equal(refused.code, ResponseCode.MESSAGE_ILLEGAL)
})
