import {
  findProperty,
  MessageSysFlag,
  offsetsOf,
  Property,
  readInt,
  readLong,
  readShort,
  writeInt,
  writeLong,
  writeShort,
} from '@skylarkmq/protocol'
import { UNIT_BYTES } from './consume-queue-unit.ts'

/**
 * One record in a queue of batches: a batch or a single message. Big-endian. The first 20 bytes are those of a normal
 * unit.
 * Apache: `BatchConsumeQueue.java`.
 *
 * | at | field           | bytes | what it is                                                         |
 * | -- | --------------- | ----- | ------------------------------------------------------------------ |
 * |  0 | physicalOffset  | 8     | where the record starts in the commit log                          |
 * |  8 | size            | 4     | length of the record                                               |
 * | 12 | tagsCode        | 8     | hash of the record's tag; a batch seldom has one                   |
 * | 20 | storeTimestamp  | 8     | of the record, ms                                                  |
 * | 28 | baseOffset      | 8     | queue offset of its first message                                  |
 * | 36 | count           | 2     | number of messages in it                                           |
 * | 38 | compactedOffset | 4     | −1; used by compacted topics only                                  |
 * | 42 | reserved        | 4     | 0                                                                  |
 */
const batchUnit = offsetsOf([
  { name: 'physicalOffset', bytes: 8, doc: 'Where the record starts in the commit log.' },
  { name: 'size', bytes: 4, doc: 'Length of the record in bytes.' },
  { name: 'tagsCode', bytes: 8, doc: "Hash of the record's tag." },
  { name: 'storeTimestamp', bytes: 8, doc: 'When the record was stored, ms.' },
  { name: 'baseOffset', bytes: 8, doc: 'Queue offset of its first message.' },
  { name: 'count', bytes: 2, doc: 'How many messages it has.' },
  { name: 'compactedOffset', bytes: 4, doc: 'Of use to compacted topics alone; −1.' },
  { name: 'reserved', bytes: 4, doc: '0.' },
])

/** Length of a unit in a queue of batches. */
export const BATCH_UNIT_BYTES = batchUnit.sizeBytes
/** The most messages that a batch stored as one record can have. */
const BATCH_COUNT_MAX = 0x7fff

const INNER_NUM = Buffer.from(Property.INNER_NUM)

/** The fields that a batch unit has beyond a normal unit. */
export interface BatchPart {
  readonly storeTimestamp: number
  readonly baseOffset: number
  readonly count: number
}

/** Writes the batch fields of the unit at `target[at …]`. */
export function writeBatchPart(target: Buffer, at: number, part: BatchPart): void {
  writeLong(target, at + batchUnit.storeTimestamp, part.storeTimestamp)
  writeLong(target, at + batchUnit.baseOffset, part.baseOffset)
  writeShort(target, at + batchUnit.count, part.count)
  writeInt(target, at + batchUnit.compactedOffset, -1)
  writeInt(target, at + batchUnit.reserved, 0)
}

/** Reads them; undefined where a page is missing, or where a unit of the other format is. */
export function readBatchPart(buffer: Buffer, at: number): BatchPart | undefined {
  const baseOffset = readLong(buffer, at + batchUnit.baseOffset)
  const count = readShort(buffer, at + batchUnit.count)
  if (count <= 0 || baseOffset < 0 || readInt(buffer, at + batchUnit.reserved) !== 0)
    return undefined
  return { storeTimestamp: readLong(buffer, at + batchUnit.storeTimestamp), baseOffset, count }
}

/** Whether a record is a batch. */
export function isBatchRecord(sysFlag: number): boolean {
  return (sysFlag & MessageSysFlag.INNER_BATCH) !== 0
}

/**
 * How many messages a record in a queue of batches has; its properties are `buffer[start, end)`.
 * Apache: `CommitLog.java`, setBatchSizeIfNeeded.
 */
export function batchCount(buffer: Buffer, start: number, end: number): number {
  const span = findProperty(buffer, INNER_NUM, start, end)
  if (span === undefined) return 1
  const count = Number(buffer.toString('latin1', span.start, span.end))
  return Number.isInteger(count) && count >= 1 && count <= BATCH_COUNT_MAX ? count : 1
}

/** Length of a unit in either format. */
export function unitBytesOf(isBatch: boolean): number {
  return isBatch ? BATCH_UNIT_BYTES : UNIT_BYTES
}
