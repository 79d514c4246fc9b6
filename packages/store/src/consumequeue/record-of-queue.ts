import { RecordAt, isLmqTopic, readInt, readLong, recordSpans } from '@skylarkmq/protocol'
import { lightPlaces } from '../message/multi-dispatch.ts'
import type { ConsumeQueue } from './consume-queue.ts'

/**
 * The queue offset that a record states, `other` for a record of another queue or size, and `none` where there is no
 * record. `record` holds its beginning; `size` is the expected length in bytes.
 */
export function offsetIn(
  queue: ConsumeQueue,
  record: Buffer,
  size: number,
): number | 'other' | 'none' {
  const spans = recordSpans(record, 0, size)
  if (typeof spans === 'string') return 'none'
  if (spans.sizeBytes !== size) return 'other'
  if (isLmqTopic(queue.topic)) {
    const places = lightPlaces(record, spans.propertiesStart, spans.propertiesEnd)
    return places.find(({ name }) => name === queue.topic)?.queueOffset ?? 'other'
  }
  const topic = record.subarray(spans.topicStart, spans.topicEnd)
  const isOfQueue =
    readInt(record, RecordAt.queueId) === queue.queueId && topic.equals(queue.topicBytes)
  return isOfQueue ? readLong(record, RecordAt.queueOffset) : 'other'
}
