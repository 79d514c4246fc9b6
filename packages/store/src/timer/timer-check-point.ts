import type { Disk } from '@skylarkmq/env'
import {
  decodeTimerCheckPoint,
  encodeTimerCheckPoint,
  offsetsOf,
  readInt,
  readLong,
  writeInt,
  writeLong,
  type TimerCheckPoint,
} from '@skylarkmq/protocol'

/**
 * What Skylark appends to config/timercheck behind Apache's fields: the offset of the commit log from which to search
 * for deliveries after a crash. The copies show whether another broker has written the file since.
 *
 * | at | field       | bytes | what it is                                                 |
 * | -- | ----------- | ----- | ---------------------------------------------------------- |
 * |  0 | magic       | 4     | `SKYT`                                                     |
 * |  4 | logOffset   | 8     | physical offset before the first delivery not saved here    |
 * | 12 | readTimeMs  | 8     | copy of lastReadTimeMs                                     |
 * | 20 | queueOffset | 8     | copy of lastTimerQueueOffset                               |
 * | 28 | counter     | 8     | copy of the counter of the dataVersion                     |
 * | 36 | rebuildEnd  | 8     | while a lost wheel is rebuilt: its end in the timer queue  |
 * | 44 | deliveredMs | 8     | … when the last check point of the lost wheel was written  |
 */
const deliveryMarkLayout = offsetsOf([
  { name: 'magic', bytes: 4, doc: 'SKYT.' },
  { name: 'logOffset', bytes: 8, doc: 'Before the first delivery not accounted for.' },
  { name: 'readTimeMs', bytes: 8, doc: 'Copy of lastReadTimeMs.' },
  { name: 'queueOffset', bytes: 8, doc: 'Copy of lastTimerQueueOffset.' },
  { name: 'counter', bytes: 8, doc: "Copy of the dataVersion's counter." },
  { name: 'rebuildEnd', bytes: 8, doc: 'While a lost wheel is made anew: its end in the queue.' },
  {
    name: 'deliveredMs',
    bytes: 8,
    doc: 'When the last check point of the lost wheel was written.',
  },
])

const MAGIC = 0x534b5954
// In one sector with the rest, so that both are written or neither.
const MARK_AT = 64
const FILE_BYTES = 4096

/** Skylark's part of the check point. */
export interface DeliveryMark {
  /** Physical offset before the first delivery that the check point does not include. */
  readonly logOffset: number
  /** Messages before this offset of the timer queue were in a lost wheel and may not be in the new one; 0 otherwise. */
  readonly rebuildEnd: number
  /** Messages due by then were delivered from the lost wheel; 0 otherwise. */
  readonly deliveredMs: number
}

/** The content of config/timercheck. Apache: `TimerCheckpoint.java`. */
export interface TimerCheckFile extends TimerCheckPoint, Omit<DeliveryMark, 'logOffset'> {
  /** Undefined when another broker wrote the file. */
  readonly logOffset: number | undefined
}

/** Reads config/timercheck; undefined when it is missing or empty. Throws the host's error. */
export function readTimerCheck(disk: Disk, path: string): TimerCheckFile | undefined {
  const bytes = disk.readFile(path)
  if (bytes === undefined || bytes.length < 56) return undefined
  const point = decodeTimerCheckPoint(bytes)
  // A power cut may keep the name of a file and lose its content.
  if (point.lastReadTimeMs === 0) return undefined
  const isOurs =
    bytes.length >= MARK_AT + deliveryMarkLayout.sizeBytes &&
    readInt(bytes, MARK_AT) === MAGIC &&
    readLong(bytes, MARK_AT + deliveryMarkLayout.readTimeMs) === point.lastReadTimeMs &&
    readLong(bytes, MARK_AT + deliveryMarkLayout.queueOffset) === point.lastTimerQueueOffset &&
    readLong(bytes, MARK_AT + deliveryMarkLayout.counter) === point.dataVersion.counter
  if (!isOurs) return { ...point, logOffset: undefined, rebuildEnd: 0, deliveredMs: 0 }
  return {
    ...point,
    logOffset: readLong(bytes, MARK_AT + deliveryMarkLayout.logOffset),
    rebuildEnd: readLong(bytes, MARK_AT + deliveryMarkLayout.rebuildEnd),
    deliveredMs: readLong(bytes, MARK_AT + deliveryMarkLayout.deliveredMs),
  }
}

/** The file's content for these values. */
export function encodeTimerCheck(point: TimerCheckPoint, mark: DeliveryMark): Buffer {
  const bytes = Buffer.alloc(FILE_BYTES)
  encodeTimerCheckPoint(point).copy(bytes)
  writeInt(bytes, MARK_AT, MAGIC)
  writeLong(bytes, MARK_AT + deliveryMarkLayout.logOffset, mark.logOffset)
  writeLong(bytes, MARK_AT + deliveryMarkLayout.readTimeMs, point.lastReadTimeMs)
  writeLong(bytes, MARK_AT + deliveryMarkLayout.queueOffset, point.lastTimerQueueOffset)
  writeLong(bytes, MARK_AT + deliveryMarkLayout.counter, point.dataVersion.counter)
  writeLong(bytes, MARK_AT + deliveryMarkLayout.rebuildEnd, mark.rebuildEnd)
  writeLong(bytes, MARK_AT + deliveryMarkLayout.deliveredMs, mark.deliveredMs)
  return bytes
}
