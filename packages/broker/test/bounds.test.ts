import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryDisk, nodeEnv, silentEvents } from '@skylarkmq/env'
import { manualClock } from '@skylarkmq/env/sim'
import {
  consumeStatsBody,
  consumeStatsListBody,
  consumeTimeSpansBody,
  GetBrokerConsumeStats,
  GetConsumeStats,
  GetTopicStatsInfo,
  InvokeBrokerToResetOffset,
  LockBatchMq,
  lockBatchAnswerBody,
  lockBatchRequestBody,
  QueryConsumeTimeSpan,
  ResponseCode,
  SetMessageRequestMode,
  topicStatsTableBody,
  UpdateAndCreateSubscriptiongroup,
  UpdateAndCreateTopic,
  UpdateAndCreateTopicList,
  UpdateAndGetGroupForbidden,
  UpdateColdDataFlowCtrConfig,
  UpdateConsumerOffset,
  type MessageQueue,
} from '@skylarkmq/protocol'
import { ConsumerOffsetTable } from '../src/consumer/consumer-offset-table.ts'
import { QueueLockTable } from '../src/consumer/queue-lock-table.ts'
import { BrokerStats } from '../src/stats/broker-stats.ts'
import { allocateQueues, allocateToPop } from '../src/subscription/allocate-queues.ts'
import { TopicConfigTable, topicConfig } from '../src/topic/topic-config-table.ts'
import { passUntil, testBroker, type Peer } from './support/broker.ts'

const MANY = 2_147_483_647

function createTopic(peer: Peer, topic: string, queues: number) {
  return peer.ask(UpdateAndCreateTopic, {
    topic,
    defaultTopic: 'TBW102',
    readQueueNums: queues,
    writeQueueNums: queues,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
  })
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

test('a topic has no more queues than is allowed, however it comes', async (t) => {
  const { peer, context } = await testBroker(t, { config: { maxQueuesPerTopic: 16 } })
  const one = peer()
  assert.equal((await createTopic(one, 'good', 16)).code, 0)
  const refused = await createTopic(one, 'many', MANY)
  assert.equal(refused.code, ResponseCode.INVALID_PARAMETER)
  assert.match(refused.remark ?? '', /from 0 to 16 queues, as maxQueuesPerTopic allows/)
  for (const queues of [17, MANY, -1, 1.5, 1e300]) {
    const topicConfigList = [{ topicName: 'a' }, { topicName: 'b', writeQueueNums: queues }]
    const answer = await one.ask(UpdateAndCreateTopicList, {}, json({ topicConfigList }))
    // What is no 32-bit number is refused where the body is read.
    const code = queues === 1e300 ? ResponseCode.SYSTEM_ERROR : ResponseCode.INVALID_PARAMETER
    assert.equal(answer.code, code, String(queues))
  }
  assert.equal(context.topics.get('a'), undefined)
  const group = await one.ask(
    UpdateAndCreateSubscriptiongroup,
    {},
    json({ groupName: 'g', retryQueueNums: MANY }),
  )
  assert.match(group.remark ?? '', /maxQueuesPerTopic=16/)
  await one.send('made', 'b', {}, { defaultTopicQueueNums: MANY })
  assert.ok((context.topics.get('made')?.writeQueueNums ?? MANY) <= 16)
})

test('of a topic that a file gives more queues, those are served that are allowed', () => {
  const disk = memoryDisk(() => 0)
  disk.makeDirectory('/config')
  const saved = { topicConfigTable: { T: { readQueueNums: MANY, writeQueueNums: 3, perm: 6 } } }
  disk.writeFile('/config/topics.json', json(saved))
  const told: unknown[] = []
  const events = { emit: (_definition: unknown, fields: unknown) => void told.push(fields) }
  const topics = new TopicConfigTable(
    { ...nodeEnv(silentEvents), disk, events },
    {
      path: '/config/topics.json',
      clusterName: 'C',
      brokerName: 'b',
      defaultTopicQueueNums: 8,
      autoCreateTopicEnable: true,
      traceTopicEnable: false,
      traceTopicName: 'TRACE',
      maxQueuesPerTopic: 2000,
    },
  )
  assert.equal(topics.get('T')?.readQueueNums, 2000)
  assert.equal(topics.get('T')?.writeQueueNums, 3)
  assert.deepEqual(told, [{ topic: 'T', queues: MANY, limit: 2000 }])
})

test('tables that clients make grow have bounds, whose options a refusal names', async (t) => {
  const { peer, context } = await testBroker(t, {
    config: {
      maxTopics: 30,
      maxSubscriptionGroups: 20,
      maxConsumerOffsets: 100,
      maxQueueLocks: 100,
      maxClientBytes: 8 * 1024,
      maxForbiddenTopics: 5,
      maxMessageRequestModes: 1,
      maxColdDataGroups: 3,
    },
  })
  const one = peer()
  const remarks: string[] = []
  const refused = async (asked: Promise<{ code: number; remark?: string | undefined }>) => {
    const { code, remark = '' } = await asked
    if (code !== 0) remarks.push(remark)
    return code !== 0
  }
  await createTopic(one, 'T', 4)
  await one.ask(UpdateAndCreateSubscriptiongroup, {}, json({ groupName: 'G' }))
  for (let queueId = 0; queueId < 200; queueId++) {
    const at = { consumerGroup: 'G', topic: 'T', queueId, commitOffset: 1 }
    assert.equal(await refused(one.ask(UpdateConsumerOffset, at)), queueId >= 100)
  }
  // What is there continues.
  const known = { consumerGroup: 'G', topic: 'T', queueId: 3, commitOffset: 9 }
  assert.equal((await one.ask(UpdateConsumerOffset, known)).code, 0)
  assert.equal(context.offsets.committed('G', 'T', 3), 9)
  for (let i = 0; i < 10; i++) {
    const forbidden = { group: 'G', topic: `f${i}`, readable: false }
    assert.equal(await refused(one.ask(UpdateAndGetGroupForbidden, forbidden)), i >= 5)
  }
  const mode = (consumerGroup: string) =>
    one.ask(SetMessageRequestMode, {}, json({ topic: 'T', consumerGroup, mode: 'POP' }))
  assert.equal(await refused(mode('G')), false)
  assert.equal(await refused(mode('TOOLS_CONSUMER')), true)
  const lines = ['a=1', 'b=1', 'c=1', 'd=1'].join('\n')
  assert.equal(await refused(one.ask(UpdateColdDataFlowCtrConfig, {}, Buffer.from(lines))), true)
  const mqSet = Array.from({ length: 200 }, (_, queueId) => ({
    topic: 'T',
    brokerName: 'b',
    queueId,
  }))
  const locked = lockBatchRequestBody.encode({
    consumerGroup: 'G',
    clientId: 'c',
    onlyThisBroker: false,
    mqSet,
  })
  assert.equal(await refused(one.ask(LockBatchMq, {}, locked)), true)
  for (let i = 0; i < 40; i++) await refused(one.join(`c${i}`, `G${i}`, 'T') as never)
  for (let i = 0; i < 40; i++) await refused(peer().produce(`p${i}`, 'P') as never)
  for (let i = 0; i < 40; i++) await refused(createTopic(one, `t${i}`, 1))
  for (let i = 0; i < 40; i++) {
    await refused(one.ask(UpdateAndCreateSubscriptiongroup, {}, json({ groupName: `n${i}` })))
  }
  const named = new Set(remarks.map((remark) => /max[A-Z]\w+/.exec(remark)?.[0]))
  assert.deepEqual(
    [...named].sort(),
    [
      'maxClientBytes',
      'maxColdDataGroups',
      'maxConsumerOffsets',
      'maxForbiddenTopics',
      'maxMessageRequestModes',
      'maxQueueLocks',
      'maxSubscriptionGroups',
      'maxTopics',
    ],
    remarks.join('\n'),
  )
  assert.ok(context.topics.all.size <= 30 && context.groups.all.size <= 20)
})

test('locks that have ended make room, and a queue that is not locked leaves nothing', () => {
  const clock = manualClock()
  const locks = new QueueLockTable(clock)
  const queueOf = (queueId: number): MessageQueue => ({ topic: 'T', brokerName: 'b', queueId })
  const queues = Array.from({ length: 50_000 }, (_, i) => queueOf(i))
  locks.lock('G', queues, 'a')
  locks.lock('other', [queueOf(0)], 'a')
  clock.advance(60_001)
  for (let i = 0; i < 5; i++) locks.sweep()
  locks.lock('G', [queueOf(1)], 'b')
  assert.equal(locks.isHeldBy('G'), true)
  assert.equal(locks.isHeldBy('other'), false)
  locks.unlock('G', [queueOf(1)], 'b')
  assert.equal(locks.isHeldBy('G'), false)
})

test('a sweep looks at each lock once, however few there are', () => {
  let looks = 0
  const clock = manualClock()
  const counting = {
    ...clock,
    monotonic: () => {
      looks++
      return clock.monotonic()
    },
  }
  const locks = new QueueLockTable(counting)
  for (const group of ['g1', 'g2']) {
    locks.lock(group, [{ topic: 'T', brokerName: 'b', queueId: 0 }], 'client')
  }
  looks = 0
  locks.sweep()
  assert.equal(looks, 2)
})

test('offsets are found by group and by topic, and what is deleted is gone from both', () => {
  const env = { ...nodeEnv(silentEvents), disk: memoryDisk(() => 0) }
  env.disk.makeDirectory('/config')
  const offsets = new ConsumerOffsetTable(env, '/config/consumerOffset.json')
  for (const group of ['a', 'b']) {
    for (const topic of ['T', 'U']) offsets.commit(group, topic, 0, 1)
  }
  assert.deepEqual([...offsets.groupsOf('T')], ['a', 'b'])
  assert.deepEqual([...offsets.topicsOf('a')], ['T', 'U'])
  offsets.deleteTopic('T')
  assert.deepEqual([...offsets.groupsOf('T')], [])
  assert.deepEqual([...offsets.topicsOf('a')], ['U'])
  offsets.clone('a', 'c', 'U')
  assert.deepEqual([...offsets.groupsOf('U')], ['a', 'b', 'c'])
  offsets.deleteGroup('a')
  assert.deepEqual([...offsets.groupsOf('U')], ['b', 'c'])
  offsets.save()
  const again = new ConsumerOffsetTable(env, '/config/consumerOffset.json')
  assert.deepEqual([...again.groupsOf('U')], ['b', 'c'])
})

test('counters are sampled some at a time, all of them once, and those of a topic go with it', () => {
  const clock = manualClock()
  const stats = new BrokerStats(clock, 'C')
  for (let i = 0; i < 100; i++) stats.topicPut(`T${i}`, 1, 1)
  stats.groupGet('G', 'T7', 1, 1)
  let calls = 1
  while (!stats.sampleSome(30)) calls++
  assert.ok(calls > 5, `${calls} calls`)
  for (let i = 0; i < 100; i++) {
    assert.equal(stats.find('TOPIC_PUT_NUMS', `T${i}`)?.lastMinute.sum, 1)
  }
  stats.topicDeleted('T7')
  assert.equal(stats.find('TOPIC_PUT_NUMS', 'T7'), undefined)
  assert.equal(stats.find('GROUP_GET_NUMS', 'T7@G'), undefined)
  assert.notEqual(stats.find('TOPIC_PUT_NUMS', 'T70'), undefined)
})

test('the answer about a topic with many queues is built in turns, and has the same form as that of a small one', async (t) => {
  const { peer, clock, context } = await testBroker(t)
  const one = peer()
  const QUEUES = 1500
  await createTopic(one, 'wide', QUEUES)
  await one.ask(UpdateAndCreateSubscriptiongroup, {}, json({ groupName: 'G' }))
  await one.send('wide', 'b', {}, { queueId: 1499 })
  context.offsets.commit('G', 'wide', 1499, 1)
  const answered = async <A>(asked: Promise<A>): Promise<A> => {
    let isDone = false
    const whole = asked.finally(() => (isDone = true))
    await passUntil(clock, 1, () => isDone)
    return whole
  }
  const stats = await answered(one.ask(GetTopicStatsInfo, { topic: 'wide' }))
  const { offsetTable } = topicStatsTableBody.decode(stats.body)
  assert.equal(offsetTable.size, QUEUES)
  const group = await answered(one.ask(GetConsumeStats, { consumerGroup: 'G', topic: 'wide' }))
  assert.equal(consumeStatsBody.decode(group.body).offsetTable.size, QUEUES)
  const spans = await answered(one.ask(QueryConsumeTimeSpan, { topic: 'wide', group: 'G' }))
  assert.equal(consumeTimeSpansBody.decode(spans.body).consumeTimeSpanSet.length, QUEUES)
  const all = await answered(one.ask(GetBrokerConsumeStats, { isOrder: false }))
  const texts = [
    [stats.body, topicStatsTableBody.encode(topicStatsTableBody.decode(stats.body))],
    [group.body, consumeStatsBody.encode(consumeStatsBody.decode(group.body))],
    [spans.body, consumeTimeSpansBody.encode(consumeTimeSpansBody.decode(spans.body))],
    [all.body, consumeStatsListBody.encode(consumeStatsListBody.decode(all.body))],
  ]
  for (const [told, written] of texts) assert.equal(told?.toString(), written?.toString())
  const reset = { topic: 'wide', group: 'G', timestamp: -1, isForce: true }
  assert.equal((await answered(one.ask(InvokeBrokerToResetOffset, reset))).code, 0)
  assert.equal(context.offsets.committed('G', 'wide', 1499), 1)
  assert.equal(context.offsets.committed('G', 'wide', 700), 0)
})

test('an answer about more queues than a client could read is refused in words', async (t) => {
  const { peer, context } = await testBroker(t, { config: { maxQueuesPerTopic: 50_000 } })
  await peer().ask(UpdateAndCreateSubscriptiongroup, {}, json({ groupName: 'G' }))
  for (const topic of ['a', 'b', 'c']) {
    context.topics.put(topicConfig(topic, 50_000, 6))
    context.offsets.commit('G', topic, 0, 1)
  }
  const answer = await peer().ask(GetConsumeStats, { consumerGroup: 'G' })
  assert.equal(answer.code, ResponseCode.SYSTEM_ERROR)
  assert.match(answer.remark ?? '', /more than 100000 queues/)
})

test('a locked queue that another wants is left out of the answer', async (t) => {
  const { peer } = await testBroker(t)
  const lock = async (clientId: string, queueIds: readonly number[]): Promise<number[]> => {
    const mqSet = queueIds.map((queueId) => ({ topic: 'T', brokerName: 'b', queueId }))
    const body = lockBatchRequestBody.encode({
      consumerGroup: 'G',
      clientId,
      onlyThisBroker: false,
      mqSet,
    })
    const answer = await peer().ask(LockBatchMq, {}, body)
    return lockBatchAnswerBody.decode(answer.body).lockOKMQSet.map((each) => each.queueId)
  }
  assert.deepEqual(await lock('a', [0, 1]), [0, 1])
  assert.deepEqual(await lock('b', [1, 2]), [2])
})

test('ten thousand clients that pop share queues as few do', () => {
  const queues = Array.from({ length: 20_000 }, (_, queueId) => ({ queueId }))
  const clientIds = Array.from({ length: 10_000 }, (_, i) => `c${String(i).padStart(5, '0')}`)
  const own = allocateQueues('AVG', queues, clientIds, 'c00003')
  assert.deepEqual(own, [{ queueId: 6 }, { queueId: 7 }])
  const shared = allocateToPop('AVG', queues, clientIds, 'c00003', 9_000)
  assert.equal(shared?.length, 18_002)
  assert.equal(allocateToPop('AVG_BY_CIRCLE', queues, clientIds, 'c00003', 9_000)?.length, 18_002)
  assert.deepEqual(allocateToPop('AVG', queues, clientIds, 'nobody', 9_000), [])
  assert.equal(allocateToPop('OTHER', queues, clientIds, 'c00003', 1), undefined)
})
