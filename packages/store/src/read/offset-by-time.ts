import type { CommitLog } from '../commitlog/commit-log.ts'
import { BatchConsumeQueue } from '../consumequeue/batch-consume-queue.ts'
import { isFiller, unitPhysicalOffset } from '../consumequeue/consume-queue-unit.ts'
import type { ConsumeQueue } from '../consumequeue/consume-queue.ts'

/** Store time in ms of a queue's message; −1 when the queue or the log does not have it. */
export function storeTimeAt(queue: ConsumeQueue, log: CommitLog, offset: number): number {
  return timeOfPlace(queue, log, queue.placeOf(offset))
}

function timeOfPlace(queue: ConsumeQueue, log: CommitLog, place: number): number {
  const span = queue.units(place, 1)
  if (span === undefined || isFiller(span.buffer, span.at)) return -1
  return log.storeTimestampAt(unitPhysicalOffset(span.buffer, span.at))
}

/**
 * Finds an offset by store time. `lower`: the first offset not before it, or the end of the queue when all are
 * before. `upper`: the last offset not after it, or the first of the queue when all are after.
 * Apache: `ConsumeQueue.java`, binarySearchInQueueByTime; `BatchConsumeQueue.java`, getOffsetInQueueByTime.
 */
export function offsetByTime(
  queue: ConsumeQueue,
  log: CommitLog,
  timestampMs: number,
  boundary: 'lower' | 'upper',
): number {
  const limit = boundary === 'lower' ? timestampMs : timestampMs + 1
  let low = queue.placeMin
  let high = queue.placeEnd
  // Binary search for the first message that was stored at `limit` or later.
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (timeOfPlace(queue, log, middle) >= limit) high = middle
    else low = middle + 1
  }
  // In a queue of batches Apache returns the last batch when all are before.
  const last = queue instanceof BatchConsumeQueue ? queue.placeEnd - 1 : queue.placeEnd
  const place = boundary === 'lower' ? Math.min(low, last) : low - 1
  return queue.offsetAt(Math.max(queue.placeMin, place))
}
