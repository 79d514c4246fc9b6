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
import { CheckedQueue } from './checked-queue.ts'
import { isFiller, unitPhysicalOffset, unitSize } from './consumequeue/consume-queue-unit.ts'
import { hasQueueUnit } from './dispatch/reput.ts'
import { IndexFile } from './index/index-file.ts'
import type { IndexSizes } from './index/index-file.ts'
import { forEachKeyHash, keySpans, topicHash } from './index/index-key.ts'
import { OpenFiles } from './segment/open-files.ts'
import { SegmentFile } from './segment/segment-file.ts'
import { SegmentQueue, listSegments } from './segment/segment-queue.ts'
import type { FoundSegment } from './segment/segment-queue.ts'

const INDEX_SIZES: IndexSizes = { slots: 5_000_000, entries: 20_000_000 }
const CHECKPOINT_BYTES = 4096
const OPEN_FILES_MAX = 64

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
  const open = new OpenFiles(disk, OPEN_FILES_MAX)
  const segments = openLog(disk, `${directory}/commitlog`, report)
  try {
    const queues = openQueues(disk, open, `${directory}/consumequeue`, report)
    const end = checkLog(segments, queues, report)
    for (const queue of queues.values()) checkQueue(queue, segments, end, report)
    checkIndex(disk, `${directory}/index`, sizes, segments, end, report)
    const checkpoint = disk.stat(`${directory}/checkpoint`)
    if (checkpoint !== undefined && checkpoint.sizeBytes !== CHECKPOINT_BYTES) {
      report('checkpoint', `${checkpoint.sizeBytes} bytes instead of ${CHECKPOINT_BYTES}`)
    }
  } finally {
    segments.close()
    open.closeAll()
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

function openQueues(
  disk: Disk,
  open: OpenFiles,
  directory: string,
  report: Report,
): Map<string, CheckedQueue> {
  const queues = new Map<string, CheckedQueue>()
  for (const topic of disk.list(directory)) {
    if (!topic.isDirectory) continue
    for (const entry of disk.list(`${directory}/${topic.name}`)) {
      const queue = new CheckedQueue(disk, open, directory, topic.name, Number(entry.name))
      checkNames(queue.files, `consumequeue/${queue.name}`, report)
      queues.set(queue.name, queue)
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
    if (queue === undefined || offset < queue.firstPhysical) return
    const queueOffset = readLong(buffer, at + RecordAt.queueOffset)
    if (queueOffset < queue.first) return
    const named = queue.physicalOffsetOf(queueOffset)
    if (named === undefined) report(`record ${offset}`, `no unit in ${queue.name}`)
    else if (named < offset) {
      report(`record ${offset}`, `unit ${queueOffset} of ${queue.name} is not its own`)
    }
  })
  if (end.reason !== undefined) report(`commitlog ${end.offset}`, end.reason)
  return end.offset
}

function checkQueue(
  queue: CheckedQueue,
  segments: SegmentQueue,
  logEnd: number,
  report: Report,
): void {
  let physicalEnd = -1
  for (const [offset, units, at] of queue.units()) {
    if (isFiller(units, at)) continue
    const where = `unit ${offset} of ${queue.name}`
    const physical = unitPhysicalOffset(units, at)
    const size = unitSize(units, at)
    if (physical < physicalEnd) report(where, `goes back to ${physical}`)
    physicalEnd = physical + size
    if (physical < segments.firstOffset) continue
    if (physicalEnd > logEnd) report(where, `names ${physical}, behind the end of the log`)
    else checkUnit(queue, offset, readBytes(segments, physical, size), where, report)
  }
  if (!queue.endsInZeros()) report(queue.name, `units behind the end at ${queue.end}`)
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
  const keys = keySpans(record, propertiesStart, propertiesEnd)
  forEachKeyHash(topicHash(topic), record, propertiesStart, keys, (hash) => {
    isFound ||= hash === keyHash
  })
  if (!isFound) report(where, `has the hash of no key of the message at ${physicalOffset}`)
}
