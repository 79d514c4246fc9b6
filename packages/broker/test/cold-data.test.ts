import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  GetColdDataFlowCtrInfo,
  RemoveColdDataFlowCtrConfig,
  ResponseCode,
  SetCommitlogReadMode,
  UpdateColdDataFlowCtrConfig,
} from '@skylarkmq/protocol'
import { testBroker, until, type Peer } from './support/broker.ts'

/** Everything but the last message of the log is cold. */
const config = { coldDataFlowControlEnable: true, accessMessageInMemoryHotRatio: 0 }

const info = async (peer: Peer) => {
  const { body } = await peer.ask(GetColdDataFlowCtrInfo, {})
  return JSON.parse(String(body)) as Record<string, unknown>
}

// Reference: `ColdDataCgCtrService.java`, `PullMessageProcessor.java`.
test('a push consumer that has read its share of cold messages is asked to retry until the counts restart', async (t) => {
  const { peer, clock } = await testBroker(t, { config })
  const client = peer()
  for (let i = 0; i < 3; i++) await client.send('T', `message ${i}`)
  await client.join('c', 'G', 'T')
  const limit = Buffer.from('G=1\nother=many\n')
  assert.equal((await client.ask(UpdateColdDataFlowCtrConfig, {}, limit)).code, 0)
  const registered = { sysFlag: 0 }
  assert.equal((await client.pull('T', 0, registered)).code, 0)
  const refused = await client.pull('T', 0, registered)
  assert.equal(refused.code, ResponseCode.SYSTEM_BUSY)
  assert.equal(refused.remark, 'This consumer group is reading cold data. It has been flow control')
  const other = await client.pull('T', 0, { consumerGroup: 'free' })
  assert.equal(other.code, 0, 'another group is as before')
  assert.deepEqual((await info(client))['configTable'], { G: 1 })
  clock.advance(5000)
  assert.equal((await client.pull('T', 0, registered)).code, 0)
  assert.equal((await client.ask(RemoveColdDataFlowCtrConfig, {}, Buffer.from('G'))).code, 0)
  assert.equal((await client.pull('T', 0, registered)).code, 0)
  assert.deepEqual((await info(client))['configTable'], {})
})

test('a pull consumer beyond its share gets one message after three seconds, and what is warm at once', async (t) => {
  const { peer, clock, context } = await testBroker(t, { config })
  const client = peer()
  for (let i = 0; i < 3; i++) await client.send('T', `message ${i}`)
  await client.ask(UpdateColdDataFlowCtrConfig, {}, Buffer.from('G=1'))
  assert.equal((await client.pull('T', 0)).code, 0)
  const held = client.pull('T', 0)
  const lane = context.lanes.of('pull')
  await until(() => lane.unanswered === 1)
  clock.advance(3000)
  const answer = await held
  assert.equal(answer.header().nextBeginOffset, 1)
  context.config.accessMessageInMemoryHotRatio = 100
  assert.equal((await client.pull('T', 0)).header().nextBeginOffset, 3)
})

test('all groups together have a limit, and a group that reads nothing cold is forgotten after a minute', async (t) => {
  const { peer, clock, context } = await testBroker(t, {
    config: { ...config, globalColdReadThreshold: 1 },
  })
  const client = peer()
  for (let i = 0; i < 3; i++) await client.send('T', `message ${i}`)
  await client.join('a', 'A', 'T')
  await client.join('b', 'B', 'T')
  assert.equal((await client.pull('T', 0, { sysFlag: 0, consumerGroup: 'A' })).code, 0)
  assert.equal((await client.pull('T', 0, { sysFlag: 0, consumerGroup: 'B' })).code, 0)
  clock.advance(5000)
  assert.equal((await client.pull('T', 0, { sysFlag: 0, consumerGroup: 'A' })).code, 0)
  const both = await client.pull('T', 0, { sysFlag: 0, consumerGroup: 'B' })
  assert.equal(both.code, ResponseCode.SYSTEM_BUSY, 'what A has read counts for B')
  assert.deepEqual(Object.keys((await info(client))['runtimeTable'] as object).sort(), ['A', 'B'])
  clock.advance(65_000)
  assert.deepEqual((await info(client))['runtimeTable'], {})
  assert.equal(context.coldData.isHeldBack('A'), false)
})

test('the mode of reading ahead is kept, and a wrong one refused in the words of Apache', async (t) => {
  const { peer, context } = await testBroker(t)
  const client = peer()
  const set = (readAheadMode: string) => client.ask(SetCommitlogReadMode, { readAheadMode })
  const done = await set('1')
  assert.deepEqual(
    [done.code, done.remark, context.config.dataReadAheadEnable],
    [0, 'set commitlog readahead mode success, mode: 1', false],
  )
  assert.equal((await set('7')).code, ResponseCode.INVALID_PARAMETER)
  assert.equal((await set('x')).remark, 'set commitlog readahead mode failed')
})
