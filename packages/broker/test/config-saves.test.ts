import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryDisk, type Disk } from '@skylarkmq/env'
import {
  GetSubscriptiongroupConfig,
  HeartBeat,
  heartbeatDataBody,
  parseSubscription,
  UpdateAndCreateSubscriptiongroup,
  UpdateAndCreateTopic,
} from '@skylarkmq/protocol'
import { calm } from './support/wire.ts'
import { passUntil, testBroker, until, type TestBrokerOptions } from './support/broker.ts'
import type { TestContext } from 'node:test'

const TOPICS = '/memory/config/topics.json'
const GROUPS = '/memory/config/subscriptionGroup.json'
const MODES = '/memory/config/messageRequestMode.json'
const SPACE_MS = 100

/** A broker whose files of config/ are written as often as by default, and how often each was. */
async function savingBroker(t: TestContext, options: TestBrokerOptions = {}) {
  const disk = memoryDisk(() => 0)
  const writes = new Map<string, number>()
  let failure: Error | undefined
  const counted: Disk = {
    ...disk,
    writeFile: (path, data) => {
      if (failure !== undefined) throw failure
      const file = path.replace(/\.tmp$/, '')
      writes.set(file, (writes.get(file) ?? 0) + 1)
      disk.writeFile(path, data)
    },
  }
  const started = await testBroker(t, {
    ...options,
    disk: counted,
    config: { configSaveInterval: SPACE_MS, ...options.config },
  })
  const saved = (path: string): string => disk.readFile(path)?.toString() ?? ''
  const failWith = (error: Error | undefined): void => void (failure = error)
  return { ...started, saved, failWith, writesOf: (path: string) => writes.get(path) ?? 0 }
}

function heartbeatOf(groups: readonly string[]): Buffer {
  return heartbeatDataBody.encode({
    clientID: 'c',
    producerDataSet: [],
    consumerDataSet: groups.map((groupName) => ({
      groupName,
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      subscriptionDataSet: [parseSubscription('T', '*', 'TAG', 1)],
      unitMode: false,
    })),
    heartbeatFingerprint: 0,
    withoutSub: false,
  })
}

test('a heartbeat with 800 new groups writes each table twice at most, and is answered when both have all of them', async (t) => {
  const { peer, clock, saved, writesOf } = await savingBroker(t)
  const groups = Array.from({ length: 800 }, (_, i) => `G${i}`)
  let isAnswered = false
  const answer = peer()
    .ask(HeartBeat, {}, heartbeatOf(groups))
    .then((reply) => {
      isAnswered = true
      assert.ok(saved(GROUPS).includes('"G799"'))
      assert.ok(saved(TOPICS).includes('"%RETRY%G799"'))
      return reply
    })
  await until(() => writesOf(TOPICS) === 1)
  await calm()
  assert.equal(isAnswered, false, 'what is not saved yet is not acknowledged')
  await passUntil(clock, 10, () => isAnswered)
  assert.equal((await answer).code, 0)
  assert.equal(writesOf(GROUPS), 2)
  assert.equal(writesOf(TOPICS), 2)
})

test('topics and groups that are made one after the other are written once in 100 ms, and each is there when it is answered', async (t) => {
  const { peer, clock, saved, writesOf } = await savingBroker(t)
  const before = clock.monotonic()
  let answered = 0
  const topic = (name: string) =>
    peer()
      .ask(UpdateAndCreateTopic, {
        topic: name,
        defaultTopic: 'TBW102',
        readQueueNums: 1,
        writeQueueNums: 1,
        perm: 6,
        topicFilterType: 'SINGLE_TAG',
        topicSysFlag: 0,
        order: false,
      })
      .then(({ code }) => {
        assert.equal(code, 0)
        assert.ok(saved(TOPICS).includes(`"${name}"`), name)
        answered++
      })
  const group = (groupName: string) =>
    peer()
      .ask(UpdateAndCreateSubscriptiongroup, {}, Buffer.from(JSON.stringify({ groupName })))
      .then(({ code }) => {
        assert.equal(code, 0)
        assert.ok(saved(GROUPS).includes(`"${groupName}"`), groupName)
        answered++
      })
  const all = Array.from({ length: 20 }, (_, i) => [topic(`T${i}`), group(`G${i}`)]).flat()
  await passUntil(clock, 10, () => answered === all.length)
  await Promise.all(all)
  const spaces = (clock.monotonic() - before) / SPACE_MS
  for (const file of [TOPICS, GROUPS]) {
    assert.ok(writesOf(file) <= spaces + 1, `${writesOf(file)} writes in ${spaces} pauses`)
  }
})

test('a table that cannot be saved is answered with the reason, at once and after a pause alike', async (t) => {
  const { peer, clock, failWith } = await savingBroker(t)
  const one = peer()
  failWith(Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' }))
  const group = (groupName: string) =>
    one.ask(UpdateAndCreateSubscriptiongroup, {}, Buffer.from(JSON.stringify({ groupName })))
  const first = await group('A')
  assert.match(first.remark ?? '', /no space left/)
  let isAnswered = false
  const second = group('B').finally(() => (isAnswered = true))
  await passUntil(clock, 10, () => isAnswered)
  assert.match((await second).remark ?? '', /no space left/)
  // A group that a client brings is there all the same.
  isAnswered = false
  const joined = one
    .ask(GetSubscriptiongroupConfig, { group: 'C' })
    .finally(() => (isAnswered = true))
  await passUntil(clock, 10, () => isAnswered)
  assert.equal((await joined).code, 0)
  failWith(undefined)
})

test('what waits to be saved is saved by an orderly stop', async (t) => {
  const { context, saved, stop } = await savingBroker(t)
  for (const group of ['A', 'B']) context.groups.find(group)
  context.requestModes.set({ topic: 'T', consumerGroup: 'A', mode: 'POP', popShareQueueNum: 1 })
  context.requestModes.set({ topic: 'T', consumerGroup: 'B', mode: 'POP', popShareQueueNum: 1 })
  assert.equal(saved(GROUPS).includes('"B"'), false)
  await stop()
  assert.ok(saved(GROUPS).includes('"B"'))
  assert.ok(saved(MODES).includes('"B"'))
})
