import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  brokerStatsDataBody,
  GetBrokerConfig,
  GetBrokerRuntimeInfo,
  GetConsumeStats,
  GetSystemTopicListFromBroker,
  groupListBody,
  HeartBeat,
  heartbeatDataBody,
  kvTableBody,
  QueryTopicConsumeByWho,
  ResponseCode,
  topicListBody,
  UpdateAndCreateTopic,
  ViewBrokerStatsData,
  type HeaderOf,
} from '@skylarkmq/protocol'
import { BrokerStats } from '../src/stats/broker-stats.ts'
import { testBroker, type Peer } from './support/broker.ts'

async function runtimeOf(peer: Peer): Promise<ReadonlyMap<string, string>> {
  const { body } = await peer.ask(GetBrokerRuntimeInfo, {})
  return kvTableBody.decode(body).table
}

// Reference: `AdminBrokerProcessor.java`, getTopicsForCollectingConsumeStats, findSubscriptionDataCount.
test('a group that is connected without subscriptions has its lag shown', async (t) => {
  const { peer, context } = await testBroker(t)
  const one = peer()
  for (let i = 0; i < 7; i++) await one.send('T', 'b')
  context.offsets.commit('G', 'T', 0, 2)
  const body = heartbeatDataBody.encode({
    clientID: 'c',
    producerDataSet: [],
    consumerDataSet: [
      {
        groupName: 'G',
        consumeType: 'CONSUME_ACTIVELY',
        messageModel: 'CLUSTERING',
        consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
        subscriptionDataSet: [],
        unitMode: false,
      },
    ],
    heartbeatFingerprint: 0,
    withoutSub: false,
  })
  await one.ask(HeartBeat, {}, body)
  assert.ok(context.consumers.get('G') !== undefined, 'the group is connected')
  const stats = await one.ask(GetConsumeStats, { consumerGroup: 'G' })
  assert.match(stats.body?.toString() ?? '', /"brokerOffset":7,"consumerOffset":2/)
})

test('counts of the hour and the day advance with each sample', () => {
  let ms = 1_000
  const clock = { now: () => 0, monotonic: () => ms } as never
  const stats = new BrokerStats(clock, 'C')
  const item = stats.item('TOPIC_PUT_NUMS', 'T')
  for (let i = 1; i <= 30; i++) {
    item.add(5)
    ms += 10_000
    stats.sample()
    assert.deepEqual([item.lastHour.sum, item.lastDay.sum], [5 * i, 5 * i])
  }
  assert.equal(item.lastMinute.sum, 30)
})

test('a wall clock that is set back stops no statistics', async (t) => {
  const { peer, context, clock } = await testBroker(t)
  await peer().send('T', 'b')
  context.stats.sample()
  clock.jump(-86_400_000)
  await peer().send('T', 'b')
  clock.advance(10_000)
  context.stats.sample()
  const header = { statsName: 'TOPIC_PUT_NUMS', statsKey: 'T' }
  const { body } = await peer().ask(ViewBrokerStatsData, header)
  const { statsMinute } = brokerStatsDataBody.decode(body)
  assert.equal(statsMinute.sum, 2)
  assert.ok(statsMinute.tps > 0)
})

// Reference: `ScheduleMessageService.java`, executeOnTimeUp: the offset is noted while the first message waits.
test('what waits, how far behind and how many buffers are left is shown as it is', async (t) => {
  const { peer, clock } = await testBroker(t)
  const one = peer()
  await one.send('T', 'b', { DELAY: '5' })
  clock.advance(30_000)
  const runtime = await runtimeOf(one)
  assert.equal(runtime.get('scheduleMessageOffset_5'), '0,1')
  assert.equal(runtime.get('scheduleMessageOffset_6'), undefined)
  assert.equal(runtime.get('timerReadBehind'), '0')
  assert.equal(runtime.get('remainTransientStoreBufferNumbs'), '2147483647')
  assert.equal(runtime.get('getTransferedTps'), runtime.get('getTransferredTps'))
})

// Reference: `StoreStatsService.java`, printTps: every minute begins at 0, and the one before is shown.
test('how long puts took is that of the last minute', async (t) => {
  const { peer, clock } = await testBroker(t)
  const one = peer()
  const counted = async (): Promise<number> => {
    const text = (await runtimeOf(one)).get('putMessageDistributeTime') ?? ''
    return [...text.matchAll(/:(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0)
  }
  for (let i = 0; i < 3; i++) await one.send('T', 'b')
  for (let i = 0; i < 60; i++) clock.advance(1_000)
  assert.equal(await counted(), 3)
  for (let i = 0; i < 60; i++) clock.advance(1_000)
  assert.equal(await counted(), 0)
})

// Reference: `AdminBrokerProcessor.java`, updateAndCreateTopic.
test('a topic of mixed messages is made only where that is allowed', async (t) => {
  const wanted: HeaderOf<typeof UpdateAndCreateTopic> = {
    topic: 'Mixed',
    defaultTopic: 'TBW102',
    readQueueNums: 4,
    writeQueueNums: 4,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: '+message.type=MIXED',
  }
  const refused = await (await testBroker(t)).peer().ask(UpdateAndCreateTopic, wanted)
  assert.equal(refused.code, ResponseCode.INVALID_PARAMETER)
  assert.equal(refused.remark, 'MIXED message type is not supported.')
  const open = await testBroker(t, { config: { enableMixedMessageType: true } })
  assert.equal((await open.peer().ask(UpdateAndCreateTopic, wanted)).code, 0)
})

test('lists of groups and of system topics are those of Apache', async (t) => {
  const { peer, context } = await testBroker(t)
  const one = peer()
  await one.send('T', 'b')
  for (const group of ['G', 'B@broadcast']) context.offsets.commit(group, 'T', 0, 1)
  const groups = await one.ask(QueryTopicConsumeByWho, { topic: 'T' })
  assert.deepEqual(groupListBody.decode(groups.body).groupList, ['G'])
  const system = await one.ask(GetSystemTopicListFromBroker, {})
  const { topicList } = topicListBody.decode(system.body)
  for (const topic of ['CHECKPOINT_TOPIC', 'TRANS_CHECK_MAX_TIME_TOPIC']) {
    assert.ok(topicList.includes(topic), topic)
  }
})

test('the configuration has a value for each key that Apache has one for', async (t) => {
  const { peer, context } = await testBroker(t, {
    config: { brokerIP1: '', storePathCommitLog: '' },
  })
  const { body } = await peer().ask(GetBrokerConfig, {})
  const lines = new Map(
    (body?.toString() ?? '').split('\n').map((line) => line.split('=') as [string, string]),
  )
  for (const key of [
    'brokerIP1',
    'brokerIP2',
    'rocketmqHome',
    'serverSocketBacklog',
    'connectTimeoutMillis',
  ]) {
    assert.notEqual(lines.get(key), '', key)
  }
  assert.equal(lines.get('brokerIP1'), '127.0.0.1')
  assert.equal(lines.get('storePathCommitLog'), '/memory/commitlog')
  assert.equal(lines.get('haListenPort'), String(context.config.listenPort + 1))
})
