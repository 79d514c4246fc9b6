import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '@skylarkmq/env/sim'
import { parseSubscription, type ConsumerData } from '@skylarkmq/protocol'
import type { Connection } from '@skylarkmq/remoting'
import { ConsumerTable } from '../src/consumer/consumer-table.ts'
import type { SubscriptionConflict } from '../src/consumer/subscription-conflict.ts'

/** A table of consumers, and who differed. */
function table() {
  const conflicts: SubscriptionConflict[] = []
  const consumers = new ConsumerTable(manualClock(), {
    changed: () => undefined,
    gone: () => undefined,
    conflict: (conflict) => conflicts.push(conflict),
  })
  const connections = new Map<string, Connection>()
  let version = 0
  const beat = (clientId: string, wants: Record<string, string>, type = 'TAG'): void => {
    const connection = connections.get(clientId) ?? (Object.create(null) as Connection)
    connections.set(clientId, connection)
    version++
    const data: ConsumerData = {
      groupName: 'G',
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      subscriptionDataSet: Object.entries(wants).map(([topic, expression]) =>
        parseSubscription(topic, expression, type, version),
      ),
      unitMode: false,
    }
    consumers.register(data, { clientId, connection, language: 0, version: 1 }, false)
  }
  return { beat, conflicts }
}

test('members that want the same in another spelling do not differ', () => {
  const { beat, conflicts } = table()
  beat('a', { T: 'x || y', U: '*' })
  beat('b', { U: '*', T: 'y||x' })
  beat('a', { T: 'x || y', U: '*' })
  assert.deepEqual(conflicts, [])
})

test('a member that wants something else is named with one that does not, once', () => {
  const { beat, conflicts } = table()
  beat('a', { T: 'x' })
  beat('b', { T: 'y' })
  beat('a', { T: 'x' })
  beat('b', { T: 'y' })
  assert.deepEqual(conflicts, [{ group: 'G', topic: 'T', one: 'b: y', other: 'a: x' }])
})

test('a member that changes its mind, or lacks a topic, is found too', () => {
  const { beat, conflicts } = table()
  beat('a', { T: '*' })
  beat('b', { T: '*' })
  assert.deepEqual(conflicts, [])
  beat('b', { T: '*', U: 'x' })
  beat('a', { T: 'a > 1' }, 'SQL92')
  assert.deepEqual(conflicts, [
    { group: 'G', topic: 'U', one: 'b: x', other: 'a: nothing' },
    { group: 'G', topic: 'T', one: 'a: SQL92 a > 1', other: 'b: *' },
  ])
})
