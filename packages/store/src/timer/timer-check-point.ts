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
 * What Skylark adds to config/timercheck, behind Apache's numbers: from where on in the commit log to look for what
 * was delivered before a crash. The copies tell whether another broker wrote the file since.
 *
 * | at | field       | bytes | what it is                                                 |
 * | -- | ----------- | ----- | ---------------------------------------------------------- |
 * |  0 | magic       | 4     | `SKYT`                                                     |
 * |  4 | logOffset   | 8     | physical offset before the first delivery not accounted for |
 * | 12 | readTimeMs  | 8     | copy of lastReadTimeMs                                     |
 * | 20 | queueOffset | 8     | copy of lastTimerQueueOffset                               |
 * | 28 | counter     | 8     | copy of the counter of the dataVersion                     |
 */
export const deliveryMarkLayout = offsetsOf([
  { name: 'magic', bytes: 4, doc: 'SKYT.' },
  { name: 'logOffset', bytes: 8, doc: 'Before the first delivery not accounted for.' },
  { name: 'readTimeMs', bytes: 8, doc: 'Copy of lastReadTimeMs.' },
  { name: 'queueOffset', bytes: 8, doc: 'Copy of lastTimerQueueOffset.' },
  { name: 'counter', bytes: 8, doc: "Copy of the dataVersion's counter." },
])

const MAGIC = 0x534b5954
// In one sector with the rest, so that both are written or neither.
const MARK_AT = 64
const FILE_BYTES = 4096

/** What config/timercheck says. Apache: `TimerCheckpoint.java`. */
export interface TimerCheckFile extends TimerCheckPoint {
  /** Undefined when another broker wrote the file. */
  readonly logOffset: number | undefined
}

/** Reads config/timercheck; undefined when there is none, or nothing in it. Throws the host's error. */
export function readTimerCheck(disk: Disk, path: string): TimerCheckFile | undefined {
  const bytes = disk.readFile(path)
  if (bytes === undefined || bytes.length < 56) return undefined
  const point = decodeTimerCheckPoint(bytes)
  // A power cut may keep the name of a file and lose what is in it.
  if (point.lastReadTimeMs === 0) return undefined
  const isOurs =
    bytes.length >= MARK_AT + deliveryMarkLayout.sizeBytes &&
    readInt(bytes, MARK_AT) === MAGIC &&
    readLong(bytes, MARK_AT + deliveryMarkLayout.readTimeMs) === point.lastReadTimeMs &&
    readLong(bytes, MARK_AT + deliveryMarkLayout.queueOffset) === point.lastTimerQueueOffset &&
    readLong(bytes, MARK_AT + deliveryMarkLayout.counter) === point.dataVersion.counter
  const logOffset = isOurs ? readLong(bytes, MARK_AT + deliveryMarkLayout.logOffset) : undefined
  return { ...point, logOffset }
}

/** The file with these values. */
export function encodeTimerCheck(point: TimerCheckPoint, logOffset: number): Buffer {
  const bytes = Buffer.alloc(FILE_BYTES)
  encodeTimerCheckPoint(point).copy(bytes)
  writeInt(bytes, MARK_AT, MAGIC)
  writeLong(bytes, MARK_AT + deliveryMarkLayout.logOffset, logOffset)
  writeLong(bytes, MARK_AT + deliveryMarkLayout.readTimeMs, point.lastReadTimeMs)
  writeLong(bytes, MARK_AT + deliveryMarkLayout.queueOffset, point.lastTimerQueueOffset)
  writeLong(bytes, MARK_AT + deliveryMarkLayout.counter, point.dataVersion.counter)
  return bytes
}
