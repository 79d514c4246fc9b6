import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { queueKey, type MessageQueue } from '@skylarkmq/protocol'
import { allocateAveragely } from '../src/rebalance/allocate-averagely.ts'
import { allocateByCircle } from '../src/rebalance/allocate-by-circle.ts'
import { allocateByConfig } from '../src/rebalance/allocate-by-config.ts'
import { allocateByConsistentHash } from '../src/rebalance/allocate-by-consistent-hash.ts'
import { allocateByMachineRoom, allocateNearby } from '../src/rebalance/allocate-by-machine-room.ts'
import { planRebalance } from '../src/rebalance/plan.ts'

const SEED = 20260131

const queueOf = (queueId: number, brokerName = 'b'): MessageQueue => ({
  topic: 'T',
  brokerName,
  queueId,
})
const ids = (queues: readonly MessageQueue[]): number[] => queues.map(({ queueId }) => queueId)
const places = (queues: readonly MessageQueue[]): string[] =>
  queues.map(({ brokerName, queueId }) => `${brokerName}:${queueId}`)

const group = fc.record({
  queues: fc.nat({ max: 40 }).map((n) => Array.from({ length: n }, (_, i) => queueOf(i))),
  clients: fc
    .uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 12 })
    .map((ids) => ids.sort()),
})

for (const [name, allocate] of Object.entries({ allocateAveragely, allocateByCircle })) {
  test(`${name} gives each queue to exactly one client, and no client two more than another (seed ${SEED})`, () => {
    fc.assert(
      fc.property(group, ({ queues, clients }) => {
        const shares = clients.map((id) => allocate(queues, clients, id))
        const given = ids(shares.flat()).sort((a, b) => a - b)
        assert.deepEqual(given, ids(queues))
        const sizes = shares.map((share) => share.length)
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1)
      }),
      { seed: SEED, numRuns: 200 },
    )
  })

  test(`${name} gives nothing to a client that is not in the list`, () => {
    assert.deepEqual(
      allocate(
        [1, 2, 3].map((id) => queueOf(id)),
        ['a', 'b'],
        'c',
      ),
      [],
    )
  })
}

// Reference: `AllocateMessageQueueAveragely.java`.
test('allocateAveragely gives runs of neighbours, the longer ones to the first clients', () => {
  const queues = [0, 1, 2, 3, 4, 5, 6, 7].map((id) => queueOf(id))
  const shares = ['a', 'b', 'c'].map((id) => ids(allocateAveragely(queues, ['a', 'b', 'c'], id)))
  assert.deepEqual(shares, [
    [0, 1, 2],
    [3, 4, 5],
    [6, 7],
  ])
})

const CLIENTS = ['10.0.0.1@a', '10.0.0.2@b', '10.0.0.3@c']
const ROOMS = ['hz@broker-a', 'sh@broker-b'].flatMap((broker) =>
  [0, 1, 2, 3, 4, 5].map((id) => ({ ...queueOf(id, broker), topic: '订单' })),
)

// Made with rocketmq-client 5.3.3: `AllocateMessageQueueConsistentHash.java`.
test('allocateByConsistentHash gives each client what Java gives it', () => {
  const allocate = allocateByConsistentHash()
  assert.deepEqual(
    CLIENTS.map((id) => places(allocate(ROOMS, CLIENTS, id))),
    [
      ['hz@broker-a:3'],
      ['hz@broker-a:5', 'sh@broker-b:0', 'sh@broker-b:3'],
      [
        'hz@broker-a:0',
        'hz@broker-a:1',
        'hz@broker-a:2',
        'hz@broker-a:4',
        'sh@broker-b:1',
        'sh@broker-b:2',
        'sh@broker-b:4',
        'sh@broker-b:5',
      ],
    ],
  )
  assert.deepEqual(allocate(ROOMS, CLIENTS, 'unknown'), [])
  assert.throws(() => allocateByConsistentHash(0), RangeError)
})

// Made with rocketmq-client 5.3.3: `AllocateMessageQueueByMachineRoom.java`.
test('allocateByMachineRoom shares out the queues of its rooms as Java does', () => {
  const allocate = allocateByMachineRoom(['hz'])
  const queues = ROOMS.filter(
    ({ brokerName, queueId }) => brokerName !== 'hz@broker-a' || queueId < 5,
  )
  assert.deepEqual(
    CLIENTS.map((id) => ids(allocate(queues, CLIENTS, id))),
    [[0, 3], [1, 4], [2]],
  )
})

test('allocateNearby keeps queues in their room, and gives those of an empty room to all', () => {
  const rooms = {
    brokerRoom: ({ brokerName }: MessageQueue) => brokerName.slice(0, 2),
    clientRoom: (id: string) => (id.endsWith('c') ? 'bj' : 'hz'),
  }
  const allocate = allocateNearby(rooms)
  assert.deepEqual(
    CLIENTS.map((id) => places(allocate(ROOMS, CLIENTS, id))),
    [
      ['hz@broker-a:0', 'hz@broker-a:1', 'hz@broker-a:2', 'sh@broker-b:0', 'sh@broker-b:1'],
      ['hz@broker-a:3', 'hz@broker-a:4', 'hz@broker-a:5', 'sh@broker-b:2', 'sh@broker-b:3'],
      ['sh@broker-b:4', 'sh@broker-b:5'],
    ],
  )
})

test('allocateByConfig takes the configured queues that exist', () => {
  const allocate = allocateByConfig([queueOf(1), queueOf(9)])
  assert.deepEqual(ids(allocate([queueOf(0), queueOf(1)], ['a'], 'a')), [1])
})

test('allocateByCircle deals queues out like cards', () => {
  const queues = [0, 1, 2, 3, 4].map((id) => queueOf(id))
  assert.deepEqual(ids(allocateByCircle(queues, ['a', 'b'], 'b')), [1, 3])
})

const queueSet = fc
  .uniqueArray(fc.nat({ max: 12 }), { maxLength: 10 })
  .map((ids) => ids.map((queueId): MessageQueue => ({ topic: 'T', brokerName: 'b', queueId })))

test(`after a plan is carried out, what is held is what was wanted (seed ${SEED})`, () => {
  fc.assert(
    fc.property(queueSet, queueSet, (held, wanted) => {
      const plan = planRebalance(held, wanted)
      const after = new Set(held.map(queueKey))
      for (const queue of plan.drop) assert.ok(after.delete(queueKey(queue)))
      for (const queue of plan.add) {
        assert.ok(!after.has(queueKey(queue)))
        after.add(queueKey(queue))
      }
      assert.deepEqual([...after].sort(), wanted.map(queueKey).sort())
    }),
    { seed: SEED, numRuns: 200 },
  )
})
