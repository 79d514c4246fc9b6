import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CloneGroupOffset,
  consumeTimeSpansBody,
  InvokeBrokerToResetOffset,
  QueryConsumerOffset,
  QueryConsumeQueue,
  queryConsumeQueueBody,
  QueryConsumeTimeSpan,
  QueryCorrectionOffset,
  resetOffsetBody,
  ResponseCode,
  UpdateConsumerOffset,
} from '@skylarkmq/protocol'
import { testBroker, type Peer } from './support/broker.ts'

const MINUTE_MS = 60_000

/** Waits until the queue has so many entries: what is sent gets there a moment later. */
async function sendTagged(peer: Peer, tags: readonly string[]): Promise<void> {
  for (const tag of tags) await peer.send('T', tag, { TAGS: tag })
  for (let entries = 0; entries < tags.length;) {
    const answer = await peer.ask(QueryConsumeQueue, {
      topic: 'T',
      queueId: 0,
      index: 0,
      count: 10,
    })
    if (answer.code !== ResponseCode.SUCCESS) continue
    entries = queryConsumeQueueBody.decode(answer.body).queueData.length
  }
}

const commit = (peer: Peer, consumerGroup: string, commitOffset: number) =>
  peer.ask(UpdateConsumerOffset, { consumerGroup, topic: 'T', queueId: 0, commitOffset })

// Reference: `AdminBrokerProcessor.java`, queryConsumeQueue.
test('entries of a queue come with what a group subscribes to, or the word that it is not there', async (t) => {
  const { peer } = await testBroker(t)
  const one = peer()
  await sendTagged(one, ['a', 'b'])
  const query = async (consumerGroup?: string) => {
    const header = { topic: 'T', queueId: 0, index: 0, count: 10 }
    const group = consumerGroup === undefined ? {} : { consumerGroup }
    const answer = await one.ask(QueryConsumeQueue, { ...header, ...group })
    const { filterData, queueData } = queryConsumeQueueBody.decode(answer.body)
    return { filterData, passing: queueData.map((each) => each.eval) }
  }
  assert.deepEqual(await query(), { filterData: undefined, passing: [false, false] })
  assert.deepEqual(await query('G'), { filterData: 'G@T is not online!', passing: [false, false] })
  await one.join('c', 'G', 'T', 'b')
  assert.deepEqual(await query('G'), { filterData: 'null', passing: [false, true] })
})

// Reference: `AdminBrokerProcessor.java`, resetOffsetInner.
test('a group that is not there is set to a time, to the end, and to one offset of a queue', async (t) => {
  const { peer, clock, context } = await testBroker(t)
  const one = peer()
  const began = clock.now()
  for (let i = 0; i < 4; i++) {
    await one.send('T', String(i))
    clock.advance(MINUTE_MS)
  }
  await sendTagged(one, ['last'])
  context.groups.find('G')
  const reset = async (timestamp: number, more: { queueId?: number; offset?: number } = {}) => {
    const header = { topic: 'T', group: 'G', timestamp, isForce: true, ...more }
    const answer = await one.ask(InvokeBrokerToResetOffset, header)
    if (answer.code !== ResponseCode.SUCCESS) return answer.code
    const offsets = resetOffsetBody.decode(answer.body).offsetTable
    const [first] = [...offsets].filter(([queue]) => queue.queueId === 0)
    const asked = { consumerGroup: 'G', topic: 'T', queueId: 0 }
    const { offset } = (await one.ask(QueryConsumerOffset, asked)).header()
    assert.equal(offset, first?.[1])
    return offset
  }
  assert.equal(await reset(began + 2 * MINUTE_MS), 2)
  assert.equal(await reset(began + 2 * MINUTE_MS + 1), 3)
  assert.equal(await reset(-1), 5)
  assert.equal(await reset(0, { queueId: 0, offset: 1 }), 1)
  assert.equal(await reset(0, { queueId: 0, offset: 99 }), ResponseCode.SYSTEM_ERROR)
})

test('a reset answers the held pulls of its group, and leaves those of others alone', async (t) => {
  const { peer, context } = await testBroker(t)
  const one = peer()
  await sendTagged(one, ['a'])
  for (const group of ['G', 'other']) context.groups.find(group)
  // They are held when the reset comes: one connection's requests are served in their order.
  const ours = one.pull('T', 1, { sysFlag: 6 })
  const theirs = one.pull('T', 1, { sysFlag: 6, consumerGroup: 'other' })
  const header = { topic: 'T', group: 'G', timestamp: 0, isForce: true, queueId: 0, offset: 0 }
  assert.equal((await one.ask(InvokeBrokerToResetOffset, header)).code, ResponseCode.SUCCESS)
  const { code, header: read } = await ours
  assert.equal(code, ResponseCode.PULL_OFFSET_MOVED)
  assert.equal(read().nextBeginOffset, 0)
  assert.equal(context.held.count, 1)
  await one.send('T', 'b')
  assert.equal((await theirs).code, ResponseCode.SUCCESS)
})

// Reference: `ConsumerOffsetManager.java`, cloneOffset; `AdminBrokerProcessor.java`, queryCorrectionOffset.
test('a group continues at the offset of another, and learns of the group that is furthest behind', async (t) => {
  const { peer, context } = await testBroker(t)
  const one = peer()
  await sendTagged(one, ['a', 'b', 'c'])
  for (const group of ['slow', 'fast', 'copy']) context.groups.find(group)
  await commit(one, 'slow', 1)
  await commit(one, 'fast', 3)
  const clone = { srcGroup: 'fast', destGroup: 'copy', topic: 'T', offline: true }
  assert.equal((await one.ask(CloneGroupOffset, clone)).code, ResponseCode.SUCCESS)
  const asked = { consumerGroup: 'copy', topic: 'T', queueId: 0 }
  assert.equal((await one.ask(QueryConsumerOffset, asked)).header().offset, 3)
  const correct = async (compareGroup: string, filterGroups: string) => {
    const answer = await one.ask(QueryCorrectionOffset, { topic: 'T', compareGroup, filterGroups })
    assert.equal(answer.code, ResponseCode.SUCCESS)
    return answer.body?.toString()
  }
  assert.equal(await correct('fast', ''), '{"correctionOffsets":{0:1}}')
  assert.equal(await correct('fast', 'slow'), '{"correctionOffsets":{0:3}}')
  assert.equal(await correct('slow', 'slow'), '{"correctionOffsets":{0:9223372036854775807}}')
})

// Reference: `AdminBrokerProcessor.java`, queryConsumeTimeSpan.
test('the time span of a queue says of when its ends are, and how long the next message has waited', async (t) => {
  const { peer, clock, context } = await testBroker(t)
  const one = peer()
  context.groups.find('G')
  const began = clock.now()
  for (let i = 0; i < 2; i++) {
    await one.send('T', String(i))
    clock.advance(MINUTE_MS)
  }
  await sendTagged(one, ['last'])
  await commit(one, 'G', 1)
  clock.advance(MINUTE_MS)
  const answer = await one.ask(QueryConsumeTimeSpan, { topic: 'T', group: 'G' })
  const [span] = consumeTimeSpansBody.decode(answer.body).consumeTimeSpanSet
  assert.deepEqual(
    [span?.minTimeStamp, span?.maxTimeStamp, span?.consumeTimeStamp, span?.delayTime],
    [began, began + 2 * MINUTE_MS, began, 2 * MINUTE_MS],
  )
})
