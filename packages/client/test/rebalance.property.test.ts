import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { queueKey, type MessageQueue } from '@skylarkmq/protocol'
import { allocateAveragely } from '../src/rebalance/allocate-averagely.ts'
import { allocateByCircle } from '../src/rebalance/allocate-by-circle.ts'
import { planRebalance } from '../src/rebalance/plan.ts'

const SEED = 20260131

const group = fc.record({
  queues: fc.nat({ max: 40 }).map((n) => Array.from({ length: n }, (_, i) => i)),
  clients: fc
    .uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 12 })
    .map((ids) => ids.sort()),
})

for (const [name, allocate] of Object.entries({ allocateAveragely, allocateByCircle })) {
  test(`${name} gives each queue to exactly one client, and no client two more than another (seed ${SEED})`, () => {
    fc.assert(
      fc.property(group, ({ queues, clients }) => {
        const shares = clients.map((id) => allocate(queues, clients, id))
        const given = shares.flat().sort((a, b) => a - b)
        assert.deepEqual(given, queues)
        const sizes = shares.map((share) => share.length)
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1)
      }),
      { seed: SEED, numRuns: 200 },
    )
  })

  test(`${name} gives nothing to a client that is not in the list`, () => {
    assert.deepEqual(allocate([1, 2, 3], ['a', 'b'], 'c'), [])
  })
}

// Reference: `AllocateMessageQueueAveragely.java`.
test('allocateAveragely gives runs of neighbours, the longer ones to the first clients', () => {
  const queues = [0, 1, 2, 3, 4, 5, 6, 7]
  const shares = ['a', 'b', 'c'].map((id) => allocateAveragely(queues, ['a', 'b', 'c'], id))
  assert.deepEqual(shares, [
    [0, 1, 2],
    [3, 4, 5],
    [6, 7],
  ])
})

test('allocateByCircle deals queues out like cards', () => {
  assert.deepEqual(allocateByCircle([0, 1, 2, 3, 4], ['a', 'b'], 'b'), [1, 3])
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
