import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Turn } from '@skylarkmq/env'
import { manualClock } from '@skylarkmq/env/sim'
import { parseSubscription, type ConsumerData } from '@skylarkmq/protocol'
import type { Connection } from '@skylarkmq/remoting'
import { ConsumerTable } from '../src/consumer/consumer-table.ts'
import { GroupNotices } from '../src/consumer/group-notices.ts'
import { ProducerTable } from '../src/producer/producer-table.ts'

/** A turn that ends when the test says so. */
function handTurn(): Turn & { end: () => void } {
  let writes: (() => void)[] = []
  return {
    writes: (f) => writes.push(f),
    sends: () => undefined,
    next: () => undefined,
    end: () => {
      const now = writes
      writes = []
      for (const each of now) each()
    },
  }
}

/** A table of consumers whose clients count what they are told. */
function table() {
  const clock = manualClock()
  const turn = handTurn()
  const notices = new GroupNotices(clock, turn)
  const consumers = new ConsumerTable(clock, {
    changed: (group) => {
      notices.changed(group)
    },
    gone: (group) => {
      notices.gone(group)
    },
    conflict: () => undefined,
  })
  let told = 0
  const last = new Map<number, number>()
  const connectionOf = (id: number): Connection =>
    ({
      oneway: () => {
        told++
        last.set(id, clock.monotonic())
      },
    }) as unknown as Connection
  const join = (connection: Connection, clientId: string, groupName = 'G'): void => {
    const data: ConsumerData = {
      groupName,
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      subscriptionDataSet: [parseSubscription('T', '*', 'TAG', 1)],
      unitMode: false,
    }
    consumers.register(data, { clientId, connection, language: 0, version: 1 }, true)
  }
  return { clock, turn, consumers, connectionOf, join, last, told: () => told }
}

/** What is told while so many clients join one group, one in each turn, and then leave it. */
function notices(clients: number): number {
  const { clock, turn, consumers, connectionOf, join, told } = table()
  const connections = Array.from({ length: clients }, (_, i) => connectionOf(i))
  for (const [i, connection] of connections.entries()) {
    join(connection, `c${i}`)
    turn.end()
    clock.advance(1)
    turn.end()
  }
  for (const connection of connections) {
    consumers.closed(connection)
    turn.end()
    clock.advance(1)
    turn.end()
  }
  return told()
}

test('twice as many clients of one group hear twice as much, not four times', () => {
  const [few, many] = [notices(1000), notices(2000)]
  assert.ok(few > 1000)
  assert.ok(many < 2.5 * few, `${few} notices to 1000 clients, ${many} to 2000`)
})

test('changes of one turn are one notice to each client', () => {
  const { turn, connectionOf, join, told } = table()
  for (let i = 0; i < 500; i++) join(connectionOf(i), `c${i}`)
  assert.equal(told(), 0)
  turn.end()
  assert.equal(told(), 500)
})

test('every client hears of the last change', () => {
  const { clock, turn, consumers, connectionOf, join, last } = table()
  const connections = Array.from({ length: 2500 }, (_, i) => connectionOf(i))
  for (const [i, connection] of connections.entries()) join(connection, `c${i}`)
  turn.end()
  clock.advance(1)
  consumers.closed(connections[0] as Connection)
  const changedMs = clock.monotonic()
  for (let i = 0; i < 100; i++) {
    turn.end()
    clock.advance(10)
  }
  for (let i = 1; i < 2500; i++) {
    const heardMs = last.get(i) ?? -1
    assert.ok(heardMs >= changedMs && heardMs <= changedMs + 1000, `client ${i} at ${heardMs}`)
  }
})

test('a client is found by its id, also when two connections have it, and not when they are gone', () => {
  const { consumers, connectionOf, join } = table()
  const [first, second] = [connectionOf(1), connectionOf(2)]
  join(first, 'same')
  join(second, 'same')
  assert.equal(consumers.client('G', 'same')?.connection, first)
  consumers.closed(first)
  assert.equal(consumers.client('G', 'same')?.connection, second)
  join(second, 'renamed')
  assert.equal(consumers.client('G', 'same'), undefined)
  assert.equal(consumers.client('G', 'renamed')?.connection, second)
  consumers.closed(second)
  assert.equal(consumers.get('G'), undefined)
})

test('a connection that ends leaves its own groups, without a look at those of others', () => {
  const { consumers, connectionOf, join } = table()
  for (let i = 0; i < 100; i++) join(connectionOf(i), `c${i}`, `G${i}`)
  const own = connectionOf(200)
  join(own, 'own', 'mine')
  join(own, 'own', 'G7')
  for (const [name, group] of consumers.all) {
    if (name === 'mine' || name === 'G7') continue
    group.clients.delete = () => assert.fail(`looked at ${name}`)
  }
  consumers.closed(own)
  assert.equal(consumers.get('mine'), undefined)
  assert.equal(consumers.get('G7')?.clients.size, 1)
})

test('producers are asked each in turn, and found by their id in whatever group', () => {
  const producers = new ProducerTable(manualClock())
  const connections = ['a', 'b', 'c'].map((clientId) => ({ clientId }) as unknown as Connection)
  const client = (i: number) => ({
    clientId: `c${i}`,
    connection: connections[i] as Connection,
    language: 0,
    version: 1,
  })
  for (const i of [0, 1, 2]) producers.register('P', client(i))
  producers.register('Q', client(1))
  const asked = [1, 2, 3, 4].map(() => producers.next('P')?.clientId)
  assert.deepEqual(asked, ['c0', 'c1', 'c2', 'c0'])
  producers.unregister('P', connections[1] as Connection)
  assert.equal(producers.client('c1')?.connection, connections[1])
  producers.closed(connections[1] as Connection)
  assert.equal(producers.client('c1'), undefined)
  assert.deepEqual([...producers.groups], ['P'])
})
