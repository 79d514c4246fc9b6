import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EndTransaction, ResponseCode } from '@skylarkmq/protocol'
import { testBroker, until } from './support/broker.ts'

// Reference: `BrokerController.java`, changeSpecialServiceStatus, changeScheduleServiceStatus.
test('a broker that becomes a slave accepts and delivers nothing, and continues when it is a master again', async (t) => {
  const { peer, clock, context } = await testBroker(t)
  const client = peer()
  const delays: Record<string, string>[] = [
    { DELAY: '2' },
    { TIMER_DELIVER_MS: String(clock.now() + 5_000) },
  ]
  for (const properties of delays)
    assert.equal((await client.send('T', 'later', properties)).code, 0)
  const { role, store } = context
  role.change('SLAVE')
  assert.equal((await client.send('T', 'refused')).code, ResponseCode.SERVICE_NOT_AVAILABLE)
  const end = { producerGroup: 'P', tranStateTableOffset: 0, commitLogOffset: 0, msgId: 'M' }
  const ended = await client.ask(EndTransaction, { ...end, commitOrRollback: 8 })
  assert.equal(ended.code, ResponseCode.SLAVE_NOT_AVAILABLE)
  clock.advance(10_000)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(store.offsetMax('T', 0), 0, 'nothing was delivered')
  role.change('ASYNC_MASTER')
  await until(() => {
    clock.advance(100)
    return store.offsetMax('T', 0) === 2
  })
  assert.equal((await client.send('T', 'taken')).code, 0)
  clock.advance(60_000)
  assert.equal(store.offsetMax('T', 0), 3, 'each came once')
})

test('a broker that starts as a slave has timers once it is a master', async (t) => {
  const config = { brokerRole: 'SLAVE' as const, brokerId: 1 }
  const { peer, clock, context } = await testBroker(t, { config })
  const { role, store, stats } = context
  assert.equal(store.timers, undefined)
  role.change('SYNC_MASTER')
  const client = peer()
  const at = String(clock.now() + 3_000)
  assert.equal((await client.send('T', 'timed', { TIMER_DELIVER_MS: at })).code, 0)
  const putBefore = stats.putTotal
  await until(() => {
    clock.advance(100)
    return store.offsetMax('T', 0) === 1
  })
  assert.ok(stats.putTotal > putBefore, 'its delivery is counted')
})
