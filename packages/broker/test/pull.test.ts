import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  brokerStatsDataBody,
  decodeRecords,
  GetBrokerRuntimeInfo,
  GetConsumerListByGroup,
  consumerIdListBody,
  kvTableBody,
  lockBatchRequestBody,
  lockBatchAnswerBody,
  LockBatchMq,
  QueryConsumerOffset,
  ResponseCode,
  UpdateConsumerOffset,
  ViewBrokerStatsData,
} from '@skylarkmq/protocol'
import { passUntil, testBroker } from './support/broker.ts'

const bodies = (body: Buffer | undefined): string[] =>
  decodeRecords(body ?? Buffer.alloc(0)).map((each) => each.body.toString())
const NEXT_TURNS = 5

async function turns(): Promise<void> {
  for (let i = 0; i < NEXT_TURNS; i++) await new Promise((resolve) => setImmediate(resolve))
}

// Reference: `DefaultMessageStore.java`, getMessage; `PullMessageProcessor.java`.
test('a pull answers by where its offset lies: code, remark and next offset as Apache', async (t) => {
  const { peer } = await testBroker(t)
  const one = peer()
  for (const body of ['zero', 'one', 'two']) await one.send('T', body)
  const cases: [queueId: number, offset: number, code: number, remark: string, next: number][] = [
    [0, 0, ResponseCode.SUCCESS, 'FOUND', 3],
    [0, 2, ResponseCode.SUCCESS, 'FOUND', 3],
    [0, 3, ResponseCode.PULL_NOT_FOUND, 'OFFSET_OVERFLOW_ONE', 3],
    [0, 9, ResponseCode.PULL_OFFSET_MOVED, 'OFFSET_OVERFLOW_BADLY', 3],
    [1, 0, ResponseCode.PULL_NOT_FOUND, 'NO_MESSAGE_IN_QUEUE', 0],
    [1, 7, ResponseCode.PULL_OFFSET_MOVED, 'NO_MESSAGE_IN_QUEUE', 0],
  ]
  for (const [queueId, offset, code, remark, next] of cases) {
    const answer = await one.pull('T', offset, { queueId })
    const what = `queue ${queueId}, offset ${offset}: ${answer.remark ?? ''}`
    assert.equal(answer.code, code, what)
    assert.equal(answer.header().nextBeginOffset, next, what)
    if (queueId === 0) assert.equal(answer.remark, remark, what)
  }
})

test('a pull reads no more than it asks for, and its tags only', async (t) => {
  const { peer } = await testBroker(t)
  const one = peer()
  for (const tag of ['a', 'b', 'a', 'c']) await one.send('T', tag, { TAGS: tag })
  assert.deepEqual(bodies((await one.pull('T', 0, { maxMsgNums: 2 })).body), ['a', 'b'])
  const some = await one.pull('T', 0, { subscription: 'a || c' })
  assert.deepEqual(bodies(some.body), ['a', 'a', 'c'])
  const none = await one.pull('T', 0, { subscription: 'x' })
  assert.equal(none.code, ResponseCode.PULL_RETRY_IMMEDIATELY)
  assert.equal(none.header().nextBeginOffset, 4)
})

test('a pull that may not be is refused with the code of Apache', async (t) => {
  const { peer } = await testBroker(t)
  const one = peer()
  await one.send('T', 'b')
  assert.equal((await one.pull('Nope', 0)).code, ResponseCode.TOPIC_NOT_EXIST)
  assert.equal((await one.pull('T', 0, { queueId: 4 })).code, ResponseCode.INVALID_PARAMETER)
  assert.equal((await one.pull('T', 0, { queueId: -1 })).code, ResponseCode.INVALID_PARAMETER)
  const unregistered = await one.pull('T', 0, { sysFlag: 0, consumerGroup: 'Stranger' })
  assert.equal(unregistered.code, ResponseCode.SUBSCRIPTION_NOT_EXIST)
  await one.join('c', 'Member', 'Other')
  const otherTopic = await one.pull('T', 0, { sysFlag: 0, consumerGroup: 'Member' })
  assert.equal(otherTopic.code, ResponseCode.SUBSCRIPTION_NOT_EXIST)
  await one.join('c', 'Member', 'T')
  const newer = await one.pull('T', 0, { sysFlag: 0, consumerGroup: 'Member', subVersion: 2 })
  assert.equal(newer.code, ResponseCode.SUBSCRIPTION_NOT_LATEST)
})

test('a held pull is answered by the next message of its queue, not by others or by other tags', async (t) => {
  const { peer } = await testBroker(t)
  const one = peer()
  await one.send('T', 'first')
  let answered = false
  const held = one.pull('T', 1, { sysFlag: 6, subscription: 'want' }).finally(() => {
    answered = true
  })
  const sender = peer()
  await sender.send('T', 'other queue', { TAGS: 'want' }, { queueId: 1 })
  await sender.send('T', 'other tag', { TAGS: 'no' })
  await turns()
  assert.equal(answered, false)
  await sender.send('T', 'wanted', { TAGS: 'want' })
  const answer = await held
  assert.equal(answer.code, ResponseCode.SUCCESS)
  assert.deepEqual(bodies(answer.body), ['wanted'])
})

test('a held pull ends with nothing when its time is up', async (t) => {
  const { peer, clock } = await testBroker(t)
  const one = peer()
  await one.send('T', 'first')
  let answered = false
  const held = one.pull('T', 1, { sysFlag: 6, suspendTimeoutMillis: 15_000 }).finally(() => {
    answered = true
  })
  await turns()
  const before = clock.monotonic()
  await passUntil(clock, 500, () => answered)
  const answer = await held
  assert.equal(answer.code, ResponseCode.PULL_NOT_FOUND)
  assert.equal(answer.header().nextBeginOffset, 1)
  assert.ok(clock.monotonic() - before >= 14_000, String(clock.monotonic() - before))
})

test('a pull commits on the way only when it says so', async (t) => {
  const { peer, context } = await testBroker(t)
  const one = peer()
  await one.send('T', 'b')
  await one.pull('T', 0, { commitOffset: 1 })
  assert.equal(context.offsets.committed('G', 'T', 0), undefined)
  await one.pull('T', 0, { sysFlag: 5, commitOffset: 1 })
  assert.equal(context.offsets.committed('G', 'T', 0), 1)
})

// Reference: `ConsumerManageProcessor.java`.
test('offsets are stored for groups and topics that are known, and a group of a young topic begins at 0', async (t) => {
  const { peer } = await testBroker(t)
  const one = peer()
  await one.send('T', 'b')
  const at = { topic: 'T', queueId: 0, consumerGroup: 'G' }
  const commit = (more: object): ReturnType<typeof one.ask<typeof UpdateConsumerOffset>> =>
    one.ask(UpdateConsumerOffset, { ...at, commitOffset: 1, ...more })
  assert.equal((await commit({})).code, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST)
  await one.join('c', 'G', 'T')
  assert.equal((await commit({ topic: 'Nope' })).code, ResponseCode.TOPIC_NOT_EXIST)
  assert.equal((await one.ask(QueryConsumerOffset, at)).header().offset, 0)
  // A queue that never had a message; who asks must not have to ask where it ends, as a message may come between.
  assert.equal((await one.ask(QueryConsumerOffset, { ...at, queueId: 1 })).header().offset, 0)
  const beyond = await one.ask(QueryConsumerOffset, { ...at, queueId: 99 })
  assert.equal(beyond.code, ResponseCode.QUERY_NOT_FOUND)
  const strict = await one.ask(QueryConsumerOffset, { ...at, setZeroIfNotFound: false })
  assert.equal(strict.code, ResponseCode.QUERY_NOT_FOUND)
  assert.equal((await commit({})).code, 0)
  assert.equal((await one.ask(QueryConsumerOffset, at)).header().offset, 1)
})

test('offsets outlive a restart', async (t) => {
  const first = await testBroker(t)
  const one = first.peer()
  await one.send('T', 'b')
  await one.join('c', 'G', 'T')
  const at = { topic: 'T', queueId: 0, consumerGroup: 'G' }
  await one.ask(UpdateConsumerOffset, { ...at, commitOffset: 1 })
  await first.stop()
  const second = await testBroker(t, { disk: first.disk, clock: first.clock })
  assert.equal((await second.peer().ask(QueryConsumerOffset, at)).header().offset, 1)
})

test('a reset offset wins over commits until the group has pulled it', async (t) => {
  const { peer, context } = await testBroker(t)
  const one = peer()
  for (const body of ['zero', 'one']) await one.send('T', body)
  await one.join('c', 'G', 'T')
  const at = { topic: 'T', queueId: 0, consumerGroup: 'G' }
  context.offsets.reset('G', 'T', 0, 0)
  const ignored = await one.ask(UpdateConsumerOffset, { ...at, commitOffset: 2 })
  assert.equal(ignored.code, 0)
  assert.equal(ignored.remark, 'Offset has been previously reset')
  assert.equal((await one.ask(QueryConsumerOffset, at)).header().offset, 0)
  const moved = await one.pull('T', 2)
  assert.equal(moved.code, ResponseCode.PULL_OFFSET_MOVED)
  assert.equal(moved.header().nextBeginOffset, 0)
  assert.deepEqual(bodies((await one.pull('T', 0)).body), ['zero', 'one'])
})

test('members of a group hear of each other, when one joins and when one is gone', async (t) => {
  const { peer, clock } = await testBroker(t)
  const [one, other] = [peer(), peer()]
  await one.join('one', 'G', 'T')
  const before = one.asked.length
  await other.join('other', 'G', 'T')
  await passUntil(clock, 10, () => one.asked.length > before)
  assert.ok(one.asked.every((code) => code === 40))
  const list = await one.ask(GetConsumerListByGroup, { consumerGroup: 'G' })
  const ids = consumerIdListBody.decode(list.body).consumerIdList
  assert.deepEqual([...ids].sort(), ['one', 'other'])
  const joined = one.asked.length
  other.leave()
  await passUntil(clock, 10, () => one.asked.length > joined)
  const left = await one.ask(GetConsumerListByGroup, { consumerGroup: 'G' })
  assert.deepEqual(consumerIdListBody.decode(left.body).consumerIdList, ['one'])
})

// Reference: `RebalanceLockManager.java`.
test('a queue is locked for one client, renewed by it, and free for others 60 s after the last renewal', async (t) => {
  const { peer, clock } = await testBroker(t)
  const queue = { topic: 'T', brokerName: 'broker-a', queueId: 0 }
  const one = peer()
  const lock = async (clientId: string): Promise<number> => {
    const body = lockBatchRequestBody.encode({
      consumerGroup: 'G',
      clientId,
      onlyThisBroker: false,
      mqSet: [queue],
    })
    const answer = await one.ask(LockBatchMq, {}, body)
    return lockBatchAnswerBody.decode(answer.body).lockOKMQSet.length
  }
  assert.equal(await lock('a'), 1)
  assert.equal(await lock('b'), 0)
  clock.advance(50_000)
  assert.equal(await lock('a'), 1)
  clock.advance(50_000)
  assert.equal(await lock('b'), 0)
  clock.advance(10_001)
  assert.equal(await lock('b'), 1)
})

test('a wall clock that is set on by a day ends neither locks nor the membership of clients', async (t) => {
  const { peer, clock, context } = await testBroker(t)
  const one = peer()
  await one.join('one', 'G', 'T')
  const body = lockBatchRequestBody.encode({
    consumerGroup: 'G',
    clientId: 'one',
    onlyThisBroker: false,
    mqSet: [{ topic: 'T', brokerName: 'broker-a', queueId: 0 }],
  })
  await one.ask(LockBatchMq, {}, body)
  clock.jump(86_400_000)
  clock.advance(20_000)
  assert.equal(context.locks.isHeldBy('G'), true)
  const left = await one.ask(GetConsumerListByGroup, { consumerGroup: 'G' })
  assert.deepEqual(consumerIdListBody.decode(left.body).consumerIdList, ['one'])
})

// Reference: `PullMessageProcessor.java`, isRejectPullConsumerEnable.
test('with rejectPullConsumerEnable only members of a group of push consumers pull', async (t) => {
  const { peer } = await testBroker(t, { config: { rejectPullConsumerEnable: true } })
  const client = peer()
  await client.send('T', 'x')
  const refused = await client.pull('T', 0)
  assert.equal(refused.code, ResponseCode.SUBSCRIPTION_NOT_EXIST)
  assert.match(refused.remark ?? '', /the pull consumer is rejected by server\./)
  assert.equal((await client.pull('T', 0, { consumerGroup: 'TOOLS_CONSUMER' })).code, 0)
  await client.join('c', 'G', 'T')
  assert.equal((await client.pull('T', 0)).code, 0)
})

// Reference: `BroadcastOffsetManager.java`.
test('the least offset of broadcasting clients is committed for their group, while they are there', async (t) => {
  const { peer, clock, context } = await testBroker(t)
  const committed = () => context.offsets.committed('G@broadcast', 'T', 0)
  const [one, two] = [peer(), peer()]
  for (let i = 0; i < 5; i++) await one.send('T', `m${i}`)
  const at = { suspendTimeoutMillis: 0 }
  await one.join('c1', 'G', 'T', '*', 'BROADCASTING')
  await two.join('c2', 'G', 'T', '*', 'BROADCASTING')
  await one.pull('T', 4, at)
  await two.pull('T', 2, at)
  await peer().pull('T', 1, at)
  clock.advance(5_000)
  assert.equal(committed(), 2)
  await two.pull('T', 9, at)
  clock.advance(5_000)
  assert.equal(committed(), 4)
  context.config.enableBroadcastOffsetStore = false
  await one.pull('T', 5, at)
  clock.advance(5_000)
  assert.equal(committed(), 4)
})

test('a group of the broker is made though others are not, unless enableCreateSysGroup is off', async (t) => {
  const { peer, context } = await testBroker(t, { config: { autoCreateSubscriptionGroup: false } })
  await peer().send('T', 'm')
  const code = async (consumerGroup: string): Promise<number> =>
    (await peer().pull('T', 0, { consumerGroup })).code
  assert.equal(await code('CID_RMQ_SYS_one'), 0)
  assert.equal(await code('G'), ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST)
  context.config.enableCreateSysGroup = false
  assert.equal(await code('CID_RMQ_SYS_two'), ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST)
})

test('what a topic, a group and the broker counted is seen with the first sample, but for system topics in the totals', async (t) => {
  const { peer, clock, context } = await testBroker(t)
  const one = peer()
  for (let i = 0; i < 20; i++) await one.send('T', 'b')
  await one.send('BenchmarkTest', 'b')
  await one.pull('T', 0)
  const sampled = () => context.stats.find('TOPIC_PUT_NUMS', 'T')?.lastMinute.sum === 20
  await passUntil(clock, 1000, sampled)
  const { brokerClusterName } = context.config
  for (const [statsName, statsKey, sum] of [
    ['TOPIC_PUT_NUMS', 'T', 20],
    ['GROUP_GET_NUMS', 'T@G', 20],
    ['BROKER_PUT_NUMS', brokerClusterName, 21],
    ['BROKER_GET_NUMS', brokerClusterName, 20],
  ] as const) {
    const { body } = await one.ask(ViewBrokerStatsData, { statsName, statsKey })
    const { statsMinute, statsDay } = brokerStatsDataBody.decode(body)
    assert.deepEqual([statsMinute.sum, statsMinute.tps], [sum, sum / 10], statsName)
    assert.equal(statsDay.sum, sum, statsName)
  }
  const { table } = kvTableBody.decode((await one.ask(GetBrokerRuntimeInfo, {})).body)
  assert.equal(table.get('msgPutTotalTodayNow'), '20')
  assert.equal(table.get('msgGetTotalTodayNow'), '20')
  assert.equal(table.get('msgPutTotalTodayMorning'), '0')
})
