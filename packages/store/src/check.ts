import type { Disk } from '@skylarkmq/env'
import {
  MessageSysFlag,
  RecordAt,
  readInt,
  readLong,
  recordSpans,
  transactionState,
} from '@skylarkmq/protocol'
import { scanLog } from './commitlog/scan-log.ts'
import {
  UNIT_BYTES,
  isFiller,
  unitPhysicalOffset,
  unitSize,
} from './consumequeue/consume-queue-unit.ts'
import { hasQueueUnit } from './dispatch/reput.ts'
import { IndexFile } from './index/index-file.ts'
import type { IndexSizes } from './index/index-file.ts'
import { forEachKeyHash, topicHash } from './index/index-key.ts'
import { SegmentFile } from './segment/segment-file.ts'
import { SegmentQueue, listSegments } from './segment/segment-queue.ts'
import type { FoundSegment } from './segment/segment-queue.ts'

const INDEX_SIZES: IndexSizes = { slots: 5_000_000, entries: 20_000_000 }
const CHECKPOINT_BYTES = 4096

/** One thing in a store that does not agree with the rest. */
export interface Problem {
  /** File, queue or record. */
  readonly where: string
  readonly what: string
}

type Report = (where: string, what: string) => void

/**
 * Compares all parts of a store that nobody has open with each other: files without gaps, sound records, a unit
 * for each message and a message for each unit, index entries with the hash of a key. Empty when all agrees.
 * `sizes` are those that the index files were made with. Throws the host's error.
 */
export function checkStore(disk: Disk, directory: string, sizes = INDEX_SIZES): Problem[] {
  const problems: Problem[] = []
  const report: Report = (where, what) => problems.push({ where, what })
  const segments = openLog(disk, `${directory}/commitlog`, report)
  try {
    const queues = openQueues(disk, `${directory}/consumequeue`, report)
    const end = checkLog(segments, queues, report)
    for (const queue of queues.values()) checkQueue(queue, segments, end, report)
    checkIndex(disk, `${directory}/index`, sizes, segments, end, report)
    const checkpoint = disk.stat(`${directory}/checkpoint`)
    if (checkpoint !== undefined && checkpoint.sizeBytes !== CHECKPOINT_BYTES) {
      report('checkpoint', `${checkpoint.sizeBytes} bytes instead of ${CHECKPOINT_BYTES}`)
    }
  } finally {
    segments.close()
  }
  return problems
}

function openLog(disk: Disk, directory: string, report: Report): SegmentQueue {
  const found = listSegments(disk, directory)
  checkNames(found, 'commitlog', report)
  const sizeBytes = found[0]?.sizeBytes ?? 0
  const files = found.map((each) => new SegmentFile(disk, directory, each.firstOffset, sizeBytes))
  return new SegmentQueue(disk, directory, sizeBytes, files)
}

function checkNames(found: readonly FoundSegment[], where: string, report: Report): void {
  for (const [i, each] of found.entries()) {
    const before = found[i - 1]
    if (before === undefined) continue
    if (each.sizeBytes !== before.sizeBytes) {
      report(where, `file ${each.firstOffset} has ${each.sizeBytes} bytes`)
    }
    if (each.firstOffset !== before.firstOffset + before.sizeBytes) {
      report(where, `a file is missing before ${each.firstOffset}`)
    }
  }
}

/** The units of one queue on disk, read whole. */
interface CheckedQueue {
  readonly topic: string
  readonly queueId: number
  readonly name: string
  /** Offset of the first unit in `units`. */
  readonly first: number
  readonly units: Buffer
  /** Offset after the last unit. */
  readonly end: number
}

function openQueues(disk: Disk, directory: string, report: Report): Map<string, CheckedQueue> {
  const queues = new Map<string, CheckedQueue>()
  for (const topic of disk.list(directory)) {
    if (!topic.isDirectory) continue
    for (const entry of disk.list(`${directory}/${topic.name}`)) {
      const name = `${topic.name}/${entry.name}`
      const found = listSegments(disk, `${directory}/${name}`)
      checkNames(found, `consumequeue/${name}`, report)
      const units = Buffer.concat(
        found.map((each) => {
          const digits = String(each.firstOffset).padStart(20, '0')
          return disk.readFile(`${directory}/${name}/${digits}`) ?? Buffer.alloc(0)
        }),
      )
      let end = 0
      while ((end + 1) * UNIT_BYTES <= units.length && unitSize(units, end * UNIT_BYTES) > 0) end++
      const first = (found[0]?.firstOffset ?? 0) / UNIT_BYTES
      const queueId = Number(entry.name)
      queues.set(name, { topic: topic.name, queueId, name, first, units, end: first + end })
    }
  }
  return queues
}

/** Reads every record and looks for its unit; returns the end of the log. */
function checkLog(
  segments: SegmentQueue,
  queues: ReadonlyMap<string, CheckedQueue>,
  report: Report,
): number {
  const options = { checkCrc: true }
  const end = scanLog(segments, segments.firstOffset, options, (buffer, at, offset) => {
    const sysFlag = readInt(buffer, at + RecordAt.sysFlag)
    if (!hasQueueUnit(sysFlag) || (sysFlag & MessageSysFlag.INNER_BATCH) !== 0) return
    const spans = recordSpans(buffer, at, buffer.length - at)
    if (typeof spans === 'string') return
    const topic = buffer.toString('utf8', spans.topicStart, spans.topicEnd)
    const queue = queues.get(`${topic}/${readInt(buffer, at + RecordAt.queueId)}`)
    // A topic without queues was deleted; so was one whose queue begins later in the log.
    if (queue === undefined || offset < firstPhysical(queue)) return
    const queueOffset = readLong(buffer, at + RecordAt.queueOffset)
    if (queueOffset < queue.first) return
    const unit = (queueOffset - queue.first) * UNIT_BYTES
    if (queueOffset >= queue.end) report(`record ${offset}`, `no unit in ${queue.name}`)
    else if (unitPhysicalOffset(queue.units, unit) < offset) {
      report(`record ${offset}`, `unit ${queueOffset} of ${queue.name} is not its own`)
    }
  })
  if (end.reason !== undefined) report(`commitlog ${end.offset}`, end.reason)
  return end.offset
}

function firstPhysical(queue: CheckedQueue): number {
  for (let at = 0; at < (queue.end - queue.first) * UNIT_BYTES; at += UNIT_BYTES) {
    if (!isFiller(queue.units, at)) return unitPhysicalOffset(queue.units, at)
  }
  return Infinity
}

function checkQueue(
  queue: CheckedQueue,
  segments: SegmentQueue,
  logEnd: number,
  report: Report,
): void {
  let physicalEnd = -1
  for (let offset = queue.first; offset < queue.end; offset++) {
    const at = (offset - queue.first) * UNIT_BYTES
    if (isFiller(queue.units, at)) continue
    const where = `unit ${offset} of ${queue.name}`
    const physical = unitPhysicalOffset(queue.units, at)
    const size = unitSize(queue.units, at)
    if (physical < physicalEnd) report(where, `goes back to ${physical}`)
    physicalEnd = physical + size
    if (physical < segments.firstOffset) continue
    if (physicalEnd > logEnd) report(where, `names ${physical}, behind the end of the log`)
    else checkUnit(queue, offset, readBytes(segments, physical, size), where, report)
  }
  const rest = queue.units.subarray((queue.end - queue.first) * UNIT_BYTES)
  if (!rest.every((byte) => byte === 0)) report(queue.name, `units behind the end at ${queue.end}`)
}

function checkUnit(
  queue: CheckedQueue,
  offset: number,
  record: Buffer,
  where: string,
  report: Report,
): void {
  const spans = recordSpans(record, 0, record.length)
  if (typeof spans === 'string') {
    report(where, `names no record: ${spans}`)
    return
  }
  const topic = record.toString('utf8', spans.topicStart, spans.topicEnd)
  const queueId = readInt(record, RecordAt.queueId)
  const queueOffset = readLong(record, RecordAt.queueOffset)
  if (topic === queue.topic && queueId === queue.queueId && queueOffset === offset) return
  report(where, `names offset ${queueOffset} of ${topic}/${queueId}`)
}

function readBytes(segments: SegmentQueue, offset: number, sizeBytes: number): Buffer {
  const file = segments.at(offset)
  if (file === undefined || offset + sizeBytes > file.endOffset) return Buffer.alloc(0)
  const bytes = Buffer.alloc(sizeBytes)
  file.file.readNow(bytes, offset - file.firstOffset)
  return bytes
}

function checkIndex(
  disk: Disk,
  directory: string,
  sizes: IndexSizes,
  segments: SegmentQueue,
  logEnd: number,
  report: Report,
): void {
  for (const { name } of disk.list(directory)) {
    const file = IndexFile.open(disk, `${directory}/${name}`, sizes)
    try {
      if (!file.hasRightSize) report(`index ${name}`, 'has another size than it should')
      else for (let i = 1; i < file.indexCount; i++) checkEntry(file, i, segments, logEnd, report)
    } finally {
      file.close()
    }
  }
}

function checkEntry(
  file: IndexFile,
  number: number,
  segments: SegmentQueue,
  logEnd: number,
  report: Report,
): void {
  const where = `entry ${number} of index ${file.name}`
  const { keyHash, physicalOffset, previous } = file.entry(number)
  if (previous >= number) report(where, `follows entry ${previous}`)
  if (physicalOffset < segments.firstOffset) return
  if (physicalOffset >= logEnd) {
    report(where, `names ${physicalOffset}, behind the end of the log`)
    return
  }
  const size = readInt(readBytes(segments, physicalOffset, 4), 0)
  const record = readBytes(segments, physicalOffset, size)
  const spans = recordSpans(record, 0, record.length)
  if (typeof spans === 'string') {
    report(where, `names no record: ${spans}`)
    return
  }
  const topic = record.toString('utf8', spans.topicStart, spans.topicEnd)
  const sysFlag = readInt(record, RecordAt.sysFlag)
  let isFound = transactionState(sysFlag) === MessageSysFlag.TRANSACTION_ROLLBACK
  const { propertiesStart, propertiesEnd } = spans
  forEachKeyHash(topicHash(topic), record, propertiesStart, propertiesEnd, (hash) => {
    isFound ||= hash === keyHash
  })
  if (!isFound) report(where, `has the hash of no key of the message at ${physicalOffset}`)
}
