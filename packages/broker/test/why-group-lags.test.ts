import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Perm, ResponseCode } from '@skylarkmq/protocol'
import { mainReason, whyGroupLags } from '../src/lag/why-group-lags.ts'
import { testBroker, until, type TestBrokerOptions } from './support/broker.ts'

/** A broker with three messages in queue 0 of `T`, none of which the group `G` has consumed. */
async function behind(t: TestContext, options: TestBrokerOptions = {}) {
  const made = await testBroker(t, options)
  const { peer, context, clock } = made
  const client = peer()
  for (let i = 0; i < 3; i++) await client.send('T', `message ${i}`)
  context.groups.find('G')
  context.offsets.commit('G', 'T', 0, 0)
  const why = () => {
    const lags = whyGroupLags(context, 'G', 'T')
    return [mainReason(lags), lags[0]?.messages, lags[0]?.inFlight]
  }
  return { context, client, peer, clock, why }
}

test('a group without members is behind by all that it has not committed, and since when', async (t) => {
  const { context, clock, why } = await behind(t)
  assert.deepEqual(why(), ['no_member', 3, 0])
  clock.advance(5_000)
  const [lag] = whyGroupLags(context, 'G', 'T')
  assert.equal(clock.now() - (lag?.firstStoredMs ?? 0), 5_000)
  context.offsets.commit('G', 'T', 0, 3)
  assert.deepEqual(why(), ['none', 0, 0])
  assert.deepEqual(whyGroupLags(context, 'G', 'never'), [])
})

test('with members the reason is what keeps them from it', async (t) => {
  const { context, client, peer, why } = await behind(t)
  await client.join('c1', 'G', 'T')
  assert.deepEqual(why(), ['paused', 3, 0], 'nobody asks for the queue')
  assert.equal((await client.pull('T', 0, { maxMsgNums: 2 })).header().nextBeginOffset, 2)
  assert.deepEqual(why(), ['slow_handler', 3, 2], 'two were pulled, and none is done')
  const other = peer()
  await other.join('c2', 'G', 'T', 'tag')
  assert.deepEqual(why(), ['subscription_conflict', 3, 2])
  other.leave()
  await until(() => context.consumers.get('G')?.clients.size === 1)
  assert.deepEqual(why(), ['slow_handler', 3, 2])

  const queue = { topic: 'T', brokerName: context.config.brokerName, queueId: 0 }
  context.locks.lock('G', [queue], 'c1')
  assert.deepEqual(why(), ['slow_handler', 3, 2], 'the one that holds it is a member')
  context.locks.unlock('G', [queue], 'c1')
  context.locks.lock('G', [queue], 'gone')
  assert.deepEqual(why(), ['locked_by_another', 3, 2])
  context.locks.unlock('G', [queue], 'gone')

  const group = context.groups.find('G')
  assert.ok(group)
  context.groups.put({ ...group, consumeEnable: false })
  assert.deepEqual(why(), ['paused', 3, 2])
  context.groups.put(group)
  context.groups.setReadForbidden('G', 'T', true)
  assert.deepEqual(why(), ['no_permission', 3, 2])
  context.groups.setReadForbidden('G', 'T', false)
  const topic = context.topics.get('T')
  assert.ok(topic)
  context.topics.put({ ...topic, perm: Perm.WRITE })
  assert.deepEqual(why(), ['no_permission', 3, 2])
  context.topics.put(topic)
  await client.join('c1', 'G', 'Other')
  assert.deepEqual(why(), ['not_subscribed', 3, 2])
})

test('a group that has read its share of cold messages is behind for that', async (t) => {
  const config = {
    ...{ coldDataFlowControlEnable: true, accessMessageInMemoryHotRatio: 0 },
    cgColdReadThreshold: 1,
  }
  const { client, why } = await behind(t, { config })
  await client.join('c1', 'G', 'T')
  assert.deepEqual(why(), ['paused', 3, 0])
  assert.equal(
    (await client.pull('T', 0, { maxMsgNums: 1, sysFlag: 0 })).code,
    ResponseCode.SUCCESS,
  )
  assert.deepEqual(why(), ['cold_reads', 3, 1])
})

test('a client that has as many messages of a queue as it takes is under its own flow control', async (t) => {
  const { context, client, why } = await behind(t)
  await client.join('c1', 'G', 'T')
  const sent = Array.from({ length: 1_000 }, () => client.send('T', 'x'))
  await Promise.all(sent)
  context.offsets.pulled('G', 'T', 0, 999)
  assert.deepEqual(why(), ['slow_handler', 1_003, 999])
  context.offsets.pulled('G', 'T', 0, 1_000)
  assert.deepEqual(why(), ['flow_controlled', 1_003, 1_000])
})

test('of a broadcasting group, whose clients keep their offsets, nothing is behind', async (t) => {
  const { client, why } = await behind(t)
  await client.join('c1', 'G', 'T', '*', 'BROADCASTING')
  assert.deepEqual(why(), ['none', 0, 0])
})

test('of what waits in several queues the reason is told that the most messages have', () => {
  const lag = { queueId: 0, inFlight: 0, firstStoredMs: undefined }
  const rest = { ...lag, messages: 2, reason: 'paused' } as const
  const most = { ...lag, messages: 3, reason: 'locked_by_another' } as const
  assert.equal(mainReason([rest, most]), 'locked_by_another')
  assert.equal(mainReason([rest, most, rest]), 'paused')
  assert.equal(mainReason([]), 'none')
})
