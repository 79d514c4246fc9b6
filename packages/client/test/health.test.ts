import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProcessQueue } from '../src/consumer/process-queue.ts'
import { pulledOf, type PulledMessage } from '../src/consumer/pulled-message.ts'
import { Sharing } from '../src/consumer/sharing.ts'
import { consumerHealth, type ConsumerHealthParts } from '../src/health/consumer-health.ts'
import { healthLimits } from '../src/health/health.ts'
import { producerHealth } from '../src/health/producer-health.ts'
import type { ReceivedMessage } from '../src/message.ts'

const LIMITS = healthLimits({})
const MINUTE = 60_000
const QUEUE = { topic: 'T', brokerName: 'b', queueId: 0 }

function message(queueOffset: number): PulledMessage {
  return pulledOf({ queueOffset, body: Buffer.from('x') } as ReceivedMessage)
}

/** A queue with so many messages, pulled at a time. */
function queueWith(count: number, pulledMs: number, queueId = 0): ProcessQueue {
  const queue = new ProcessQueue({ ...QUEUE, queueId }, 0)
  queue.pulledMs = pulledMs
  queue.endOffset = 10
  queue.put(Array.from({ length: count }, (_, at) => message(at)))
  queue.nextOffset = count
  return queue
}

function parts(more: Partial<ConsumerHealthParts> = {}): ConsumerHealthParts {
  const sharing = new Sharing()
  sharing.shared('T', true)
  return {
    ...{ group: 'g', clientId: 'c', namespace: undefined, state: 'running', sinceMs: 0 },
    ...{ isSuspended: false, queues: [], topics: ['T'], sharing, running: 0, oldestMs: undefined },
    ...{ nowMs: MINUTE, ...more },
  }
}

test('a consumer is well once it has shared out its topics, with queues or without', () => {
  assert.deepEqual(consumerHealth(parts(), LIMITS).reasons, [])
  const joining = consumerHealth(parts({ topics: ['T', 'U'] }), LIMITS)
  assert.equal(joining.state, 'joining')
  assert.deepEqual(joining.reasons, ['it has not joined its group yet, for 60 s'])
  for (const state of ['new', 'starting', 'closed'] as const)
    assert.equal(consumerHealth(parts({ state }), LIMITS).ok, false)
})

test('a topic that does not exist yet is listed, and is not a reason', () => {
  const sharing = new Sharing()
  sharing.shared('T', false)
  const { ok, missingTopics } = consumerHealth(parts({ sharing }), LIMITS)
  assert.deepEqual([ok, missingTopics], [true, ['T']])
})

test('a group whose queues nobody shares out is not well after half a minute', () => {
  const sharing = new Sharing()
  sharing.shared('T', true)
  sharing.failed('T', 0)
  sharing.failed('T', 5_000)
  assert.equal(consumerHealth(parts({ sharing, nowMs: 29_000 }), LIMITS).ok, true)
  const { reasons } = consumerHealth(parts({ sharing, nowMs: 31_000 }), LIMITS)
  assert.deepEqual(reasons, ['the queues of T could not be shared out for 31 s'])
  sharing.shared('T', true)
  assert.equal(consumerHealth(parts({ sharing, nowMs: 99_000 }), LIMITS).ok, true)
})

test('a queue is stuck when messages wait and nothing moves for five minutes', () => {
  const queue = queueWith(3, 1_000)
  const at = (nowMs: number) => consumerHealth(parts({ queues: [queue], nowMs }), LIMITS)
  assert.equal(at(5 * MINUTE).ok, true)
  const [reason] = at(5 * MINUTE + 1_000).reasons
  assert.equal(reason, 'T, queue 0 of b: nothing was consumed for 300 s, and 3 wait')
  queue.consumedMs = 4 * MINUTE
  queue.done(message(0))
  const later = at(6 * MINUTE)
  assert.equal(later.ok, true)
  assert.deepEqual(
    later.queues.map(({ offset, endOffset, lag, waiting }) => ({
      offset,
      endOffset,
      lag,
      waiting,
    })),
    [{ offset: 1, endOffset: 10, lag: 9, waiting: 2 }],
  )
})

test('a queue whose turn has not come is not stuck while others move; one that was tried in vain is', () => {
  const [still, moving] = [queueWith(3, 0), queueWith(3, 0, 1)]
  moving.consumedMs = 9 * MINUTE
  moving.done(message(0))
  const queues = [still, moving]
  assert.equal(consumerHealth(parts({ queues, nowMs: 10 * MINUTE }), LIMITS).ok, true)
  still.consumedMs = 9.5 * MINUTE
  const { reasons, queues: told } = consumerHealth(parts({ queues, nowMs: 10 * MINUTE }), LIMITS)
  assert.equal(reasons.length, 1)
  assert.deepEqual(
    told.map(({ isMoving }) => isMoving),
    [false, true],
  )
})

test('a paused queue is not stuck, nor those of a suspended consumer', () => {
  const queue = queueWith(3, 0)
  const nowMs = 60 * MINUTE
  queue.setPaused(true, nowMs)
  assert.equal(consumerHealth(parts({ queues: [queue], nowMs }), LIMITS).ok, true)
  queue.setPaused(false, 0)
  assert.equal(consumerHealth(parts({ queues: [queue], nowMs }), LIMITS).ok, false)
  const suspended = parts({ queues: [queue], nowMs, isSuspended: true })
  assert.equal(consumerHealth(suspended, LIMITS).ok, true)
})

test('pulls that fail for half a minute are a reason, and so is a handler of five minutes', () => {
  const queue = queueWith(0, 0)
  queue.failingMs = 10_000
  queue.failedTookMs = 30_000
  queue.failedMs = 40_000
  assert.equal(consumerHealth(parts({ queues: [queue], nowMs: 39_000 }), LIMITS).ok, true)
  const failing = consumerHealth(parts({ queues: [queue], nowMs: 41_000 }), LIMITS)
  assert.deepEqual(failing.reasons, ['T, queue 0 of b: pulls have failed for 31 s'])
  const held = parts({ queues: [queue], nowMs: 74_000 })
  assert.deepEqual(consumerHealth(held, LIMITS).reasons, [])
  const slow = consumerHealth(parts({ running: 1, oldestMs: 0, nowMs: 5 * MINUTE }), LIMITS)
  assert.deepEqual(slow.reasons, ['a handler has been running for 300 s'])
})

test('a producer is not well while sends fail, and well again when none was tried for a while', () => {
  const known = { group: 'g', namespace: undefined, isClosed: false }
  const at = (nowMs: number, sinceMs?: number, lastMs?: number) =>
    producerHealth({ ...known, sinceMs, lastMs, nowMs }, LIMITS)
  assert.equal(at(MINUTE).ok, true)
  assert.equal(at(20_000, 0, 20_000).ok, true)
  assert.deepEqual(at(31_000, 0, 31_000).reasons, ['all sends have failed for 31 s'])
  assert.equal(at(62_000, 0, 31_000).ok, true)
  assert.equal(at(40_000, undefined, 39_000).ok, true)
  assert.equal(
    producerHealth(
      { ...known, isClosed: true, sinceMs: undefined, lastMs: undefined, nowMs: 0 },
      LIMITS,
    ).ok,
    false,
  )
})
