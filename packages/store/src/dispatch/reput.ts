import {
  MessageSysFlag,
  Property,
  RecordAt,
  SystemTopic,
  findProperty,
  javaHashOfBytes,
  readInt,
  readLong,
  recordSpans,
  recordStoreTimestamp,
  transactionState,
} from '@skylarkmq/protocol'
import type { RecordSpans } from '@skylarkmq/protocol'
import { isBatchRecord } from '../consumequeue/batch-unit.ts'
import type { ConsumeQueueTable } from '../consumequeue/consume-queue-table.ts'
import { dispatchSpans } from '../index/index-key.ts'
import { deliverTimestamp } from '../message/delay-levels.ts'
import type { Dispatch } from './dispatcher.ts'

const TAGS = Buffer.from(Property.TAGS)
const DELAY = Buffer.from(Property.DELAY)

/** True for a message that gets a unit in its queue: the halves and rollbacks of old transactions get none. */
export function hasQueueUnit(sysFlag: number): boolean {
  const state = transactionState(sysFlag)
  return state === 0 || state === MessageSysFlag.TRANSACTION_COMMIT
}

/**
 * The tags code of a consume queue unit: the hash of the tag, or for a delayed message the time at which it is due.
 * `properties[start, end)` are encoded.
 */
export function tagsCodeOf(
  topic: string,
  storeTimestamp: number,
  properties: Buffer,
  start: number,
  end: number,
  delayLevels: readonly number[],
): number {
  if (topic === SystemTopic.SCHEDULE) {
    const level = findProperty(properties, DELAY, start, end)
    const number =
      level === undefined ? 0 : Number(properties.toString('latin1', level.start, level.end))
    const due = deliverTimestamp(delayLevels, number, storeTimestamp)
    if (due !== undefined) return due
  }
  const tags = findProperty(properties, TAGS, start, end)
  return tags === undefined ? 0 : javaHashOfBytes(properties, tags.start, tags.end)
}

/**
 * Decodes from a record in the log what the dispatcher needs. Undefined for a record whose lengths are inconsistent.
 * Valid until the next call. Apache: `CommitLog.java`, checkMessageAndReturnSize.
 */
export function dispatchOfRecord(
  queues: ConsumeQueueTable,
  buffer: Buffer,
  at: number,
  delayLevels: readonly number[],
): Dispatch | undefined {
  const spans = recordSpans(buffer, at, buffer.length - at)
  if (typeof spans === 'string') return undefined
  const sysFlag = readInt(buffer, at + RecordAt.sysFlag)
  const { topicStart, topicEnd, propertiesStart, propertiesEnd } = spans
  const queueId = readInt(buffer, at + RecordAt.queueId)
  const queue = !hasQueueUnit(sysFlag)
    ? undefined
    : isBatchRecord(sysFlag)
      ? queues.ofBatch(buffer.toString('utf8', topicStart, topicEnd), queueId)
      : queues.ofRecord(buffer, topicStart, topicEnd, queueId)
  const topic = queue?.topic ?? buffer.toString('utf8', topicStart, topicEnd)
  const storeTimestamp = recordStoreTimestamp(buffer, at)
  const keys = dispatchSpans(buffer, propertiesStart, propertiesEnd)
  const { tagsStart, tagsEnd } = keys
  const tagsHash = tagsStart < 0 ? 0 : javaHashOfBytes(buffer, tagsStart, tagsEnd)
  return {
    queue,
    topic,
    queueOffset: readLong(buffer, at + RecordAt.queueOffset),
    physicalOffset: readLong(buffer, at + RecordAt.physicalOffset),
    sizeBytes: spans.sizeBytes,
    tagsCode:
      topic === SystemTopic.SCHEDULE
        ? tagsCodeOf(topic, storeTimestamp, buffer, propertiesStart, propertiesEnd, delayLevels)
        : tagsHash,
    storeTimestamp,
    buffer,
    propertiesStart,
    propertiesEnd,
    keys,
    isIndexed: transactionState(sysFlag) !== MessageSysFlag.TRANSACTION_ROLLBACK,
  }
}

/** The hash of a record's tag, for units that have none. */
export function tagsCodeOfRecord(record: Buffer): number {
  const spans: RecordSpans | string = recordSpans(record, 0, record.length)
  if (typeof spans === 'string') return 0
  const tags = findProperty(record, TAGS, spans.propertiesStart, spans.propertiesEnd)
  return tags === undefined ? 0 : javaHashOfBytes(record, tags.start, tags.end)
}
