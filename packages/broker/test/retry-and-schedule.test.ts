import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ConsumerSendMsgBack,
  decodeProperties,
  decodeRecords,
  Property,
  ResponseCode,
  type DecodedMessage,
} from '@skylarkmq/protocol'
import { passUntil, testBroker, until, type Peer } from './support/broker.ts'
import { slowBroker } from './support/slow-disk.ts'

async function readAll(peer: Peer, topic: string): Promise<DecodedMessage[]> {
  const { body } = await peer.pull(topic, 0)
  return decodeRecords(body ?? Buffer.alloc(0))
}

/** Gives a message back for the group G. */
function giveBack(
  peer: Peer,
  message: DecodedMessage,
  more: { delayLevel?: number; maxReconsumeTimes?: number } = {},
) {
  return peer.ask(ConsumerSendMsgBack, {
    offset: message.physicalOffset,
    group: 'G',
    delayLevel: 0,
    originTopic: 'T',
    maxReconsumeTimes: 16,
    ...more,
  })
}

// Reference of this file: `AbstractSendMessageProcessor.java`, consumerSendMsgBack; `ScheduleMessageService.java`.
test('a message that is given back comes again after 10 s, with one try more and its first id', async (t) => {
  const { peer, clock, context } = await testBroker(t)
  const one = peer()
  const sent = await one.send('T', 'b', { TAGS: 'a' })
  const [message] = await readAll(one, 'T')
  assert.equal((await giveBack(one, message!)).code, 0)
  const before = clock.now()
  await passUntil(clock, 500, () => context.store.offsetMax('%RETRY%G', 0) === 1)
  const waited = clock.now() - before
  assert.ok(waited >= 10_000 && waited <= 12_000, String(waited))
  const [again] = await readAll(one, '%RETRY%G')
  assert.equal(again?.reconsumeTimes, 1)
  assert.equal(again.body.toString(), 'b')
  const properties = decodeProperties(again.properties)
  assert.equal(properties.get(Property.RETRY_TOPIC), 'T')
  assert.equal(properties.get(Property.ORIGIN_MESSAGE_ID), sent.header().msgId)
  assert.equal(properties.get(Property.TAGS), 'a')
})

// Its consumer commits past it: the record of the retry is all that is left of it.
test('under SYNC_FLUSH a message that is given back is acknowledged once its retry is on disk', async (t) => {
  const { peer, context, state, release } = await slowBroker(t, { flushDiskType: 'SYNC_FLUSH' })
  const one = peer()
  await one.send('T', 'b')
  const [message] = await readAll(one, 'T')
  // The first one makes the topic of retries, which is saved.
  assert.equal((await giveBack(one, message!)).code, 0)
  state.hangs = true
  const { commitLogOffsetWritten } = context.store
  let isAnswered = false
  const answer = giveBack(one, message!).finally(() => (isAnswered = true))
  await until(() => context.store.commitLogOffsetWritten > commitLogOffsetWritten)
  await one.pull('T', 0)
  assert.ok(!isAnswered)
  release()
  assert.equal((await answer).code, 0)
})

test('each further try waits a level longer', async (t) => {
  const { peer, clock, context } = await testBroker(t)
  const one = peer()
  await one.send('T', 'b')
  let [message] = await readAll(one, 'T')
  for (const [tries, waitMs] of [10_000, 30_000, 60_000].entries()) {
    await giveBack(one, message!)
    const before = clock.now()
    await passUntil(clock, 1_000, () => context.store.offsetMax('%RETRY%G', 0) === tries + 1)
    const waited = clock.now() - before
    assert.ok(waited >= waitMs && waited <= waitMs + 3_000, `${tries}: ${waited}`)
    message = (await readAll(one, '%RETRY%G')).at(-1)
  }
})

test('a message that was tried often enough, or is to come never again, goes to the dead letters at once', async (t) => {
  const { peer, context } = await testBroker(t)
  const one = peer()
  for (const body of ['often', 'never']) await one.send('T', body)
  const [often, never] = await readAll(one, 'T')
  await giveBack(one, often!, { maxReconsumeTimes: 0 })
  await giveBack(one, never!, { delayLevel: -1 })
  assert.equal(context.topics.get('%DLQ%G')?.writeQueueNums, 1)
  const dead = await readAll(one, '%DLQ%G')
  assert.deepEqual(
    dead.map((each) => each.body.toString()),
    ['often', 'never'],
  )
})

test('a message that is not there cannot be given back', async (t) => {
  const { peer } = await testBroker(t)
  const one = peer()
  await one.send('T', 'b')
  const [message] = await readAll(one, 'T')
  const answer = await giveBack(one, { ...message!, physicalOffset: 999_999 })
  assert.equal(answer.code, ResponseCode.SYSTEM_ERROR)
  assert.match(answer.remark ?? '', /^look message by offset failed, 999999/)
})

test('a delayed message is not there before its time, and then in its own queue, not delayed again', async (t) => {
  const { peer, clock, context } = await testBroker(t)
  const one = peer()
  const sent = await one.send('T', 'later', { DELAY: '2' }, { queueId: 1 })
  assert.equal(sent.code, 0)
  clock.advance(4_900)
  assert.equal(context.store.offsetMax('T', 1), 0)
  await passUntil(clock, 100, () => context.store.offsetMax('T', 1) === 1)
  const { body } = await one.pull('T', 0, { queueId: 1 })
  const [message] = decodeRecords(body ?? Buffer.alloc(0))
  assert.equal(message?.body.toString(), 'later')
  // As from Apache's broker, the property still says how long it was delayed.
  assert.equal(decodeProperties(message.properties).get(Property.DELAY), '2')
  assert.equal(message.queueId, 1)
})

test('a delayed message outlives a restart and is delivered once', async (t) => {
  const first = await testBroker(t)
  await first.peer().send('T', 'later', { DELAY: '3' })
  await first.stop()
  first.clock.advance(3_000)
  const second = await testBroker(t, { disk: first.disk, clock: first.clock })
  assert.equal(second.context.store.offsetMax('T', 0), 0)
  await passUntil(second.clock, 500, () => second.context.store.offsetMax('T', 0) === 1)
  await second.stop()
  const third = await testBroker(t, { disk: first.disk, clock: first.clock })
  for (let i = 0; i < 40; i++) {
    third.clock.advance(500)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal(third.context.store.offsetMax('T', 0), 1)
})

test('a level that is not a number is refused, and nothing is stored', async (t) => {
  const { peer, context } = await testBroker(t)
  for (const level of ['soon', '3s', '1.5', '', ' 3', '1e1', '99999999999', 'x'.repeat(20_000)]) {
    const sent = await peer().send('T', 'b', { DELAY: level, UNIQ_KEY: 'U' })
    const isPlain = level === ''
    assert.equal(sent.code, isPlain ? ResponseCode.SUCCESS : ResponseCode.MESSAGE_ILLEGAL, level)
    if (!isPlain)
      assert.match(sent.remark ?? '', /^the level of delay is ".{0,32}", not a whole number/)
  }
  assert.equal(context.store.offsetMax('T', 0), 1)
})

test('a level above the highest is the highest', async (t) => {
  const { peer, clock, context } = await testBroker(t, { config: { messageDelayLevel: '1s 2s' } })
  await peer().send('T', 'b', { DELAY: '99' })
  const before = clock.now()
  await passUntil(clock, 100, () => context.store.offsetMax('T', 0) === 1)
  const waited = clock.now() - before
  assert.ok(waited >= 2_000 && waited < 3_500, String(waited))
})
