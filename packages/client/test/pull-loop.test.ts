import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeEnv, silentEvents } from '@skylarkmq/env'
import { parseSubscription } from '@skylarkmq/protocol'
import { Held, ProcessQueue } from '../src/consumer/process-queue.ts'
import type { Pulled, Puller } from '../src/consumer/pull.ts'
import { runPullLoop, type PullLoopParts } from '../src/consumer/pull-loop.ts'
import type { PulledMessage } from '../src/consumer/pulled-message.ts'

const QUEUE = { topic: 'T', brokerName: 'b', queueId: 0 }
const LIMITS = {
  count: 1000,
  bytes: 1_000_000,
  span: 2000,
  countOfAll: 1000,
  bytesOfAll: 1_000_000,
}

const message = (queueOffset: number): PulledMessage => ({
  queueOffset,
  bytes: 1,
  read: () => assert.fail('nobody reads it'),
})

const found = (...offsets: number[]): Pulled => ({
  status: 'found',
  messages: offsets.map(message),
  nextOffset: (offsets.at(-1) ?? 0) + 1,
  endOffset: 100,
})

const moved = (nextOffset: number): Pulled => ({
  status: 'moved',
  messages: [],
  nextOffset,
  endOffset: nextOffset,
})

/** Runs the loop with these answers; `between` is called before each pull. Returns where it was to restart. */
async function loop(
  queue: ProcessQueue,
  answers: Pulled[],
  between: (asked: number) => void = () => undefined,
): Promise<{ restarts: number[]; asked: number[] }> {
  const asked: number[] = []
  const restarts: number[] = []
  const pull = ({ offset }: { offset: number }): Promise<Pulled> => {
    between(asked.length)
    asked.push(offset)
    const answer = answers.shift()
    if (answer !== undefined) return Promise.resolve(answer)
    queue.drop()
    return Promise.resolve(found())
  }
  const parts: PullLoopParts = {
    env: nodeEnv(silentEvents),
    group: 'g',
    puller: { pull } as unknown as Puller,
    limits: LIMITS as unknown as PullLoopParts['limits'],
    held: new Held(),
    countMax: 32,
    commits: true,
    isSuspended: () => false,
    subscription: (topic) => parseSubscription(topic, '*'),
    consume: () => undefined,
    unknownThere: () => undefined,
    pulled: () => undefined,
    pullFailed: () => undefined,
    offsetMoved: (of, nextOffset) => {
      restarts.push(nextOffset)
      of.drop()
      return Promise.resolve()
    },
  }
  await runPullLoop(parts, queue)
  return { restarts, asked }
}

// Apache's client commits the broker's offset and passes over what waits.
test('when the broker lost the end of a queue, what was pulled and not consumed is pulled again', async () => {
  const waiting = new ProcessQueue(QUEUE, 0)
  assert.deepEqual(await loop(waiting, [found(0, 1, 2, 3), moved(3)]), {
    restarts: [0],
    asked: [0, 4],
  })
  const partly = new ProcessQueue(QUEUE, 0)
  const consumeTwo = (pulls: number): void => {
    if (pulls === 1) for (const offset of [0, 1]) partly.done(message(offset))
  }
  assert.deepEqual((await loop(partly, [found(0, 1, 2, 3), moved(3)], consumeTwo)).restarts, [2])
  const all = new ProcessQueue(QUEUE, 0)
  const consumeAll = (pulls: number): void => {
    if (pulls === 1) for (const offset of [0, 1, 2, 3]) all.done(message(offset))
  }
  assert.deepEqual((await loop(all, [found(0, 1, 2, 3), moved(3)], consumeAll)).restarts, [3])
})

test('when retention took messages, what was pulled before is consumed first, and the offset follows', async () => {
  const queue = new ProcessQueue(QUEUE, 0)
  const seen: (number | undefined)[] = []
  const between = (pulls: number): void => {
    if (pulls === 2) {
      seen.push(queue.count, queue.commitOffset)
      for (const offset of [0, 1]) queue.done(message(offset))
      seen.push(queue.count, queue.commitOffset)
    }
  }
  const { restarts, asked } = await loop(queue, [found(0, 1), moved(50), found(50)], between)
  assert.deepEqual([restarts, asked], [[], [0, 2, 50, 51]])
  assert.deepEqual(seen, [2, undefined, 0, 2])
})
