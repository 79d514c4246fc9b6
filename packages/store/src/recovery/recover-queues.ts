import type { Disk, Env } from '@skylarkmq/env'
import { RECORD_BYTES_MIN, RecordAt, RecordMagic, readInt, readLong } from '@skylarkmq/protocol'
import type { CommitLog } from '../commitlog/commit-log.ts'
import { consumeQueueCut } from '../events.ts'
import { listSegments } from '../segment/segment-queue.ts'
import type { FoundSegment } from '../segment/segment-queue.ts'
import { BatchConsumeQueue } from '../consumequeue/batch-consume-queue.ts'
import { readBatchPart } from '../consumequeue/batch-unit.ts'
import { offsetIn } from '../consumequeue/record-of-queue.ts'
import { isFiller, unitPhysicalOffset, unitSize } from '../consumequeue/consume-queue-unit.ts'
import type { ConsumeQueue, UnitSpan } from '../consumequeue/consume-queue.ts'
import type { ConsumeQueueTable } from '../consumequeue/consume-queue-table.ts'
import type { QueueFiles } from '../consumequeue/queue-files.ts'

const SCANNED_FILES = 3
// The first units of a file are read in one call, because most queues are short.
const FIRST_UNITS = 200

/** How to find the ends of queues. */
export interface QueueLoading {
  /** Whether the last stop was clean. */
  readonly isClean: boolean
  /**
   * Units of all records before this offset are on disk, even if later pages are missing. Units of records that end
   * behind it are dropped and rebuilt from the log.
   */
  readonly upTo: number
  /** Whether a Skylark broker wrote the queues last and stopped cleanly: nothing lies behind their ends. */
  readonly isOwn: boolean
  /**
   * Whether `upTo` is a recovery point: every record that an earlier unit names is on disk, and is exactly the right
   * one.
   */
  readonly isProven: boolean
}

/**
 * Finds all queues on disk and the end of each. After an unclean stop without a recovery point it reads the last
 * three files of a queue, because any of their pages may be missing; otherwise a few units are enough.
 * Apache: `ConsumeQueue.java`, recover.
 */
export function loadQueues(
  env: Env,
  queues: ConsumeQueueTable,
  log: CommitLog,
  loading: QueueLoading,
): void {
  for (const files of queues.folders) loadFolder(env, queues, files, log, loading)
}

function loadFolder(
  env: Env,
  queues: ConsumeQueueTable,
  files: QueueFiles,
  log: CommitLog,
  loading: QueueLoading,
): void {
  for (const topic of env.disk.list(files.directory)) {
    // A folder with another name does not belong to the store.
    if (!topic.isDirectory || !queues.mayHold(topic.name)) continue
    if (!queues.hasTopicIn(topic.name, files)) continue
    for (const entry of env.disk.list(`${files.directory}/${topic.name}`)) {
      if (!entry.isDirectory || !/^\d{1,10}$/.test(entry.name)) continue
      const queue = queues.getOrCreate(topic.name, Number(entry.name))
      adoptFiles(env, files, queue, loading.isClean)
      findEnd(queue, log, loading)
      // Done here because with very many queues the file will have been closed by a later loop.
      queue.correctMin(log.offsetMin)
      if (loading.isClean && !loading.isOwn && queue.hasMoreInFile()) queue.clearBehindEnd()
    }
  }
}

function findEnd(queue: ConsumeQueue, log: CommitLog, { upTo, isProven }: QueueLoading): void {
  if (endByPlaces(queue, upTo, log)) return
  endByReading(queue, upTo)
  stepBackFromStale(queue, log, isProven)
}

/**
 * Size of the queue files of a directory: the configured one if any file has it, otherwise the largest. After an
 * unclean stop all files may be short, because a cut truncates the file and then extends it: then the configured size
 * counts, unless a file is larger or begins where a file of that size cannot begin. Undefined when there is no file.
 */
export function queueFileBytes(
  disk: Disk,
  directory: string,
  configuredBytes: number,
  isClean: boolean,
): number | undefined {
  let largest = 0
  let isAsConfigured = true
  for (const topic of disk.list(directory)) {
    if (!topic.isDirectory) continue
    for (const queue of disk.list(`${directory}/${topic.name}`)) {
      const found = listSegments(disk, `${directory}/${topic.name}/${queue.name}`)
      const sizeBytes = found[0]?.sizeBytes
      if (sizeBytes === configuredBytes) return sizeBytes
      largest = Math.max(largest, sizeBytes ?? 0)
      isAsConfigured &&= found.every(({ firstOffset }) => firstOffset % configuredBytes === 0)
    }
  }
  if (largest === 0) return undefined
  return !isClean && isAsConfigured && largest < configuredBytes ? configuredBytes : largest
}

function adoptFiles(env: Env, files: QueueFiles, queue: ConsumeQueue, isClean: boolean): void {
  const perFile = files.unitsPerFile
  const directory = files.queueDirectory(queue.topic, queue.queueId)
  const found = listSegments(env.disk, directory)
  const fileBytes = perFile * files.unitBytes
  const kept = isClean ? newestRow(found, fileBytes) : oldestRow(found, fileBytes)
  for (const each of found) {
    const path = files.path(queue.topic, queue.queueId, each.firstOffset / files.unitBytes)
    if (!kept.includes(each)) files.removeDurably(path)
    // A crash during a cut leaves the last file short; its content is valid.
    else if (each.sizeBytes < fileBytes) files.lengthen(path)
  }
  const fileFirst = (kept[0]?.firstOffset ?? 0) / files.unitBytes
  // Counted as full, so that units can be read while searching for the end.
  queue.adopt(fileFirst, fileFirst + kept.length * perFile)
}

/**
 * After a crash the newest files may be short, or a file between them may be missing: keeps the leading files that
 * are certain.
 */
function oldestRow(found: readonly FoundSegment[], fileBytes: number): FoundSegment[] {
  const kept: FoundSegment[] = []
  for (const each of found) {
    const before = kept.at(-1)
    if (each.sizeBytes > fileBytes) break
    if (before !== undefined && each.firstOffset !== before.firstOffset + fileBytes) break
    kept.push(each)
    if (each.sizeBytes < fileBytes) break
  }
  return kept
}

/**
 * Drops all files before a gap or a file of another size, as a queue can be rebuilt from the log. The last file may
 * be short if a start truncated it before the stop, because the extension need not be on disk.
 */
function newestRow(found: readonly FoundSegment[], fileBytes: number): FoundSegment[] {
  // An empty last file was just being created.
  if (found.at(-1)?.sizeBytes === 0) return newestRow(found.slice(0, -1), fileBytes)
  let start = 0
  for (const [i, each] of found.entries()) {
    const before = found[i - 1]
    const follows = before === undefined || each.firstOffset === before.firstOffset + fileBytes
    const isCut = i === found.length - 1 && each.sizeBytes < fileBytes
    if (each.sizeBytes !== fileBytes && !isCut) start = i + 1
    else if (!follows) start = Math.max(start, i)
  }
  return found.slice(start)
}

/**
 * Finds the end of a queue whose units up to the end are known to be complete, by looking at a few. False when the
 * last one does not name a matching record: then the files hold something else.
 */
function endByPlaces(queue: ConsumeQueue, upTo: number, log: CommitLog): boolean {
  const { fileFirst, fileEnd } = queue
  let low = fileFirst
  const first = queue.units(fileFirst, FIRST_UNITS)
  const count = first?.count ?? 0
  while (low < fileFirst + count && isUnit(queue, first as UnitSpan, low - fileFirst, upTo)) low++
  if (low === fileFirst + count) {
    let high = fileEnd
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const span = queue.units(middle, 1)
      if (span !== undefined && isUnit(queue, span, 0, upTo)) low = middle + 1
      else high = middle
    }
  }
  queue.endAt(low)
  return low === fileFirst || nameOf(queue, low - 1, log) === 'same'
}

function isUnit(queue: ConsumeQueue, span: UnitSpan, i: number, upTo: number): boolean {
  const at = span.at + i * queue.unitBytes
  if (isFiller(span.buffer, at)) return true
  const size = unitSize(span.buffer, at)
  const physical = unitPhysicalOffset(span.buffer, at)
  return size > 0 && physical >= 0 && physical + size <= upTo && hasAllParts(queue, span.buffer, at)
}

/** Whether all pages of a unit are present. */
function hasAllParts(queue: ConsumeQueue, buffer: Buffer, at: number): boolean {
  return !(queue instanceof BatchConsumeQueue) || readBatchPart(buffer, at) !== undefined
}

/** Finds the end of a queue by reading its last files up to the first place without a unit. */
function endByReading(queue: ConsumeQueue, upTo: number): void {
  const { fileFirst, fileEnd } = queue
  queue.adopt(fileFirst, fileEnd)
  const from = Math.max(fileFirst, fileEnd - SCANNED_FILES * queue.unitsPerFile)
  queue.endAt(endOfUnits(queue, from, fileEnd, upTo))
}

/** The first place from `from` on without a unit. */
function endOfUnits(queue: ConsumeQueue, from: number, fileEnd: number, upTo: number): number {
  let offset = from
  let physicalEnd = -1
  while (offset < fileEnd) {
    const span = queue.units(offset, fileEnd - offset)
    if (span === undefined) break
    for (let i = 0; i < span.count; i++, offset++) {
      const at = span.at + i * queue.unitBytes
      const size = unitSize(span.buffer, at)
      if (isFiller(span.buffer, at)) continue
      const physical = unitPhysicalOffset(span.buffer, at)
      // Units name records in log order: a lower offset is a remnant from before a cut.
      if (size <= 0 || physical < 0 || physical < physicalEnd) return offset
      if (!hasAllParts(queue, span.buffer, at)) return offset
      physicalEnd = physical + size
      if (physicalEnd > upTo) return offset
    }
  }
  return offset
}

/**
 * Steps back over stale units. Apache leaves the bytes behind a cut in place, and a remaining unit may point to an
 * offset where another record was written since; a power cut may also bring back a unit that was zeroed. The last
 * unit must name a matching record; before a recovery point, exactly its own.
 */
function stepBackFromStale(queue: ConsumeQueue, log: CommitLog, isProven: boolean): void {
  const found = queue.placeEnd
  let end = found
  while (end > queue.fileFirst && isStale(queue, end - 1, log, isProven)) end--
  // A filler was followed by a unit when it was written.
  while (isProven && end < found && end > queue.fileFirst && isFillerAt(queue, end - 1)) end--
  if (end < found) queue.truncate(end)
}

function isStale(queue: ConsumeQueue, offset: number, log: CommitLog, isProven: boolean): boolean {
  const name = nameOf(queue, offset, log)
  return name === 'other' || (isProven && (name === 'moved' || name === 'none'))
}

function isFillerAt(queue: ConsumeQueue, offset: number): boolean {
  const span = queue.units(offset, 1)
  return span !== undefined && isFiller(span.buffer, span.at)
}

/**
 * What a unit names: the record of this place in this queue, a record of another place in this queue, a record of
 * another queue, or none. `gone`: it can no longer be determined.
 */
function nameOf(
  queue: ConsumeQueue,
  offset: number,
  log: CommitLog,
): 'same' | 'moved' | 'other' | 'none' | 'gone' {
  const span = queue.units(offset, 1)
  if (span === undefined) return 'none'
  if (isFiller(span.buffer, span.at)) return 'same'
  const physical = unitPhysicalOffset(span.buffer, span.at)
  const size = unitSize(span.buffer, span.at)
  if (physical < log.offsetMin) return 'gone'
  const record = log.peek(physical, size)
  if (record === undefined) return 'none'
  const queueOffset = offsetIn(queue, record, size)
  // The log is read later, and its recovery makes the necessary cuts; readers skip a damaged record.
  if (queueOffset === 'none') {
    if (log.recordAt(physical) !== undefined) return 'other'
    return isDamaged(record, physical, size) ? 'gone' : 'none'
  }
  if (queueOffset === 'other') return 'other'
  return queueOffset === queue.offsetAt(offset) ? 'same' : 'moved'
}

/** Whether bytes that are not a record were one once: a flipped bit does not change every field. */
function isDamaged(record: Buffer, physical: number, size: number): boolean {
  if (record.length < RECORD_BYTES_MIN) return false
  const magic = readInt(record, RecordAt.magicCode)
  return (
    magic === RecordMagic.V1 ||
    magic === RecordMagic.V2 ||
    readInt(record, 0) === size ||
    readLong(record, RecordAt.physicalOffset) === physical
  )
}

/** Zeroes the bytes behind the ends, for each queue once it is written. Throws the host's error. */
export function clearBehindEnds(queues: ConsumeQueueTable): void {
  for (const queue of queues.all()) queue.clearOnceWritten()
}

/** Drops units of records that end behind `logEnd`. */
export function cutQueues(env: Env, queues: ConsumeQueueTable, logEnd: number): void {
  for (const queue of queues.all()) {
    if (queue.physicalEnd <= logEnd) {
      // The host refused in the middle of an earlier cut.
      if (queue.hasLeftovers) queue.clearOnceWritten()
      continue
    }
    let low = queue.fileFirst
    let high = queue.placeEnd
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (endOfUnit(queue, middle) > logEnd) high = middle
      else low = middle + 1
    }
    const { topic, queueId } = queue
    const units = queue.placeEnd - low
    queue.truncate(low)
    env.events.emit(consumeQueueCut, { topic, queueId, offsetMax: queue.offsetMax, units })
  }
}

function endOfUnit(queue: ConsumeQueue, offset: number): number {
  const span = queue.units(offset, 1)
  if (span === undefined || isFiller(span.buffer, span.at)) return 0
  return unitPhysicalOffset(span.buffer, span.at) + unitSize(span.buffer, span.at)
}
