import type { CommitLog } from './commitlog/commit-log.ts'
import { isFiller, unitPhysicalOffset } from './consumequeue/consume-queue-unit.ts'
import type { ConsumeQueue } from './consumequeue/consume-queue.ts'

/** Store time in ms of a queue's message; −1 when the queue or the log does not have it. */
export function storeTimeAt(queue: ConsumeQueue, log: CommitLog, offset: number): number {
  const span = queue.units(offset, 1)
  if (span === undefined || isFiller(span.buffer, span.at)) return -1
  return log.storeTimestampAt(unitPhysicalOffset(span.buffer, span.at))
}

/**
 * Where a store time is in a queue. `lower`: the first offset not before it, the queue's end when all are
 * before. `upper`: the last offset not after it, the queue's first when all are after.
 * Apache: `ConsumeQueue.java`, binarySearchInQueueByTime.
 */
export function offsetByTime(
  queue: ConsumeQueue,
  log: CommitLog,
  timestampMs: number,
  boundary: 'lower' | 'upper',
): number {
  const limit = boundary === 'lower' ? timestampMs : timestampMs + 1
  let low = queue.offsetMin
  let high = queue.offsetMax
  // Looks for the first message that was stored at `limit` or later.
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (storeTimeAt(queue, log, middle) >= limit) high = middle
    else low = middle + 1
  }
  return boundary === 'lower' ? low : Math.max(queue.offsetMin, low - 1)
}
