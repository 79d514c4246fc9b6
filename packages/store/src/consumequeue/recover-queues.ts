import type { Disk, Env } from '@skylarkmq/env'
import { RecordAt, readInt, recordSpans } from '@skylarkmq/protocol'
import type { CommitLog } from '../commitlog/commit-log.ts'
import { consumeQueueCut } from '../events.ts'
import { listSegments, removeEmptyLast } from '../segment/segment-queue.ts'
import { UNIT_BYTES, isFiller, unitPhysicalOffset, unitSize } from './consume-queue-unit.ts'
import type { ConsumeQueue } from './consume-queue.ts'
import type { ConsumeQueueTable } from './consume-queue-table.ts'

const SCANNED_FILES_CLEAN = 1
const SCANNED_FILES_UNCLEAN = 3

/**
 * Finds all queues on disk and the end of each. After an unclean stop the last three files of a queue are
 * looked through, because pages of any of them may be missing. Apache: `ConsumeQueue.java`, recover.
 */
export function loadQueues(
  env: Env,
  queues: ConsumeQueueTable,
  log: CommitLog,
  clean: boolean,
): void {
  for (const topic of env.disk.list(queues.files.directory)) {
    if (!topic.isDirectory) continue
    for (const entry of env.disk.list(`${queues.files.directory}/${topic.name}`)) {
      if (!entry.isDirectory || !/^\d{1,10}$/.test(entry.name)) continue
      const queue = queues.getOrCreate(topic.name, Number(entry.name))
      loadQueue(env, queues, queue, clean)
      stepBackFromStale(queue, log)
    }
  }
}

/** Size of the queue files that a directory has; undefined when it has none. */
export function queueFileBytes(disk: Disk, directory: string): number | undefined {
  for (const topic of disk.list(directory)) {
    if (!topic.isDirectory) continue
    for (const queue of disk.list(`${directory}/${topic.name}`)) {
      const first = listSegments(disk, `${directory}/${topic.name}/${queue.name}`)[0]
      if (first !== undefined && first.sizeBytes > 0) return first.sizeBytes
    }
  }
  return undefined
}

function loadQueue(env: Env, queues: ConsumeQueueTable, queue: ConsumeQueue, clean: boolean): void {
  const { files } = queues
  const perFile = files.unitsPerFile
  const directory = files.queueDirectory(queue.topic, queue.queueId)
  removeEmptyLast(env.disk, directory)
  const found = listSegments(env.disk, directory)
  const firsts = found.map((each) => each.firstOffset / UNIT_BYTES)
  // A queue is made from the log, so what comes before a gap or a file of another size is given up.
  let start = 0
  for (let i = 0; i < firsts.length; i++) {
    const follows = i === 0 || firsts[i] === (firsts[i - 1] as number) + perFile
    const isWhole = found[i]?.sizeBytes === perFile * UNIT_BYTES
    if (!isWhole) start = i + 1
    else if (!follows) start = Math.max(start, i)
  }
  for (const first of firsts.slice(0, start))
    files.remove(files.path(queue.topic, queue.queueId, first))
  const kept = firsts.slice(start)
  const fileFirst = kept[0] ?? 0
  const fileEnd = fileFirst + kept.length * perFile
  const scanned = clean ? SCANNED_FILES_CLEAN : SCANNED_FILES_UNCLEAN
  const scanFrom = Math.max(fileFirst, fileEnd - scanned * perFile)
  // Seen as full first, so that its units can be read while its end is looked for.
  queue.adopt({ fileFirst, fileEnd, offsetMax: fileEnd })
  queue.adopt({ fileFirst, fileEnd, offsetMax: endOfUnits(queue, scanFrom, fileEnd) })
}

/** The first place from `from` on that no unit is in. */
function endOfUnits(queue: ConsumeQueue, from: number, fileEnd: number): number {
  let offset = from
  let physicalEnd = -1
  while (offset < fileEnd) {
    const span = queue.units(offset, fileEnd - offset)
    if (span === undefined) break
    for (let i = 0; i < span.count; i++, offset++) {
      const at = span.at + i * UNIT_BYTES
      const size = unitSize(span.buffer, at)
      if (isFiller(span.buffer, at)) continue
      const physical = unitPhysicalOffset(span.buffer, at)
      // Records are named in the order of the log: what goes back is left from before a cut.
      if (size <= 0 || physical < 0 || physical < physicalEnd) return offset
      physicalEnd = physical + size
    }
  }
  return offset
}

/**
 * Apache leaves the bytes behind a cut where they are, and a unit that is left may point at a record that was
 * written over since. The last unit has to name a record that agrees.
 */
function stepBackFromStale(queue: ConsumeQueue, log: CommitLog): void {
  const found = queue.offsetMax
  let end = found
  while (end > queue.fileFirst && isStale(queue, end - 1, log)) end--
  if (end < found) queue.truncate(end)
}

function isStale(queue: ConsumeQueue, offset: number, log: CommitLog): boolean {
  const span = queue.units(offset, 1)
  if (span === undefined || isFiller(span.buffer, span.at)) return false
  const physical = unitPhysicalOffset(span.buffer, span.at)
  const size = unitSize(span.buffer, span.at)
  const record = log.peek(physical, size)
  const spans = record === undefined ? '' : recordSpans(record, 0, size)
  // A place without a record is not this queue's fault: the log is read later and cuts what it must.
  if (record === undefined || typeof spans === 'string') return false
  const topic = record.subarray(spans.topicStart, spans.topicEnd)
  const queueId = readInt(record, RecordAt.queueId)
  return spans.sizeBytes !== size || queueId !== queue.queueId || !topic.equals(queue.topicBytes)
}

/** Cuts off units of records that end behind `logEnd`. */
export function cutQueues(env: Env, queues: ConsumeQueueTable, logEnd: number): void {
  for (const queue of queues.all()) {
    if (queue.physicalEnd <= logEnd) continue
    let low = queue.fileFirst
    let high = queue.offsetMax
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (endOfUnit(queue, middle) > logEnd) high = middle
      else low = middle + 1
    }
    const { topic, queueId } = queue
    const units = queue.offsetMax - low
    queue.truncate(low)
    env.events.emit(consumeQueueCut, { topic, queueId, offsetMax: queue.offsetMax, units })
  }
}

function endOfUnit(queue: ConsumeQueue, offset: number): number {
  const span = queue.units(offset, 1)
  if (span === undefined || isFiller(span.buffer, span.at)) return 0
  return unitPhysicalOffset(span.buffer, span.at) + unitSize(span.buffer, span.at)
}
