import type { Env } from '@skylarkmq/env'
import { hostErrorCode, ifRoom } from '@skylarkmq/env'
import { RecordAt, RecordMagic, readInt } from '@skylarkmq/protocol'
import { safeTimestamp, withdrawPoint } from '../checkpoint/checkpoint.ts'
import type { CheckpointValues } from '../checkpoint/checkpoint.ts'
import type { ConsumeQueueTable } from '../consumequeue/consume-queue-table.ts'
import { clearBehindEnds, cutQueues, loadQueues } from './recover-queues.ts'
import type { Dispatcher } from '../dispatch/dispatcher.ts'
import { dispatchOfRecord } from '../dispatch/reput.ts'
import { commitLogTorn, storeRecovered } from '../events.ts'
import type { IndexUpkeep } from './index-upkeep.ts'
import type { MessageIndex } from '../index/message-index.ts'
import { isPointOf } from '../checkpoint/recovery-point.ts'
import type { RecoveryPoint } from '../checkpoint/recovery-point.ts'
import type { CommitLog } from '../commitlog/commit-log.ts'
import { scanLog } from '../commitlog/scan-log.ts'
import type { ScanEnd } from '../commitlog/scan-log.ts'
import { filesOf, rewriteAsRead } from '../segment/rewrite-segments.ts'
import { markUnsynced } from './unsynced-mark.ts'

/** What a recovery works on. */
export interface RecoveryParts {
  readonly log: CommitLog
  readonly queues: ConsumeQueueTable
  readonly index: MessageIndex | undefined
  readonly upkeep: IndexUpkeep | undefined
  readonly dispatcher: Dispatcher
  readonly checkpoint: CheckpointValues
  /** The process id in the abort file; undefined after a clean stop. */
  readonly abortedProcess: number | undefined
  readonly checkCrc: boolean
  /** Whether to complete the index even after an unclean stop of another broker. */
  readonly indexSafe: boolean
  readonly delayLevels: readonly number[]
  /** Called when the queues could not be written; they stay in memory. */
  readonly queuesFailed: (error: unknown) => void
  /** Directory of the store. */
  readonly root: string
  readonly checkpointPath: string
}

/** The offsets from which the parts of the store must be rebuilt. */
interface Starts {
  /** The log is read from here on. */
  readonly scan: number
  /** Records before this offset are in the queues. */
  readonly dispatch: number
  /** Messages before this offset are in the index, or were given up. */
  readonly index: number
}

const WRITE_EVERY_RECORDS = 20_000
/** Without a recovery point, as in a young store, no more than this is rewritten. */
const REWRITTEN_BYTES_MAX = 64 * 1024 * 1024

/**
 * Makes log, queues and index consistent after a stop: finds the end of the log, cuts what is not intact, and adds
 * what queues and index lack. Invariant: everything before the recovery point is on disk and is not read; the first
 * damaged record behind it ends the log, as in Apache. Returns the offset from which the log was read. Throws the
 * host's error. Apache: `CommitLog.java`, recoverNormally and recoverAbnormally.
 */
export function recover(env: Env, parts: RecoveryParts): number {
  const { log, queues, index, dispatcher, abortedProcess } = parts
  const clean = abortedProcess === undefined
  const startedAt = env.clock.monotonic()
  const point = loadParts(env, parts)
  parts.checkpoint.point = point
  const resized = index?.load(clean ? undefined : point)
  const starts =
    point === undefined ? startsOfFiles(parts, resized) : startsOfPoint(parts, point, resized)
  dispatcher.dispatchedRecord = point?.lastRecord ?? -1
  dispatcher.dispatchedEnd = point?.physicalEnd ?? log.offsetMin
  if (starts.index < starts.dispatch) reindex(parts, starts.index, starts.dispatch)
  let dispatched = 0
  const end = scanLog(log.segments, starts.scan, parts, (buffer, at, offset, sizeBytes) => {
    dispatcher.dispatchedRecord = offset
    dispatcher.dispatchedEnd = offset + sizeBytes
    // The queues have everything before this; the index checks for itself.
    if (offset < starts.dispatch) return
    const message = dispatchOfRecord(queues, buffer, at, parts.delayLevels)
    if (message !== undefined && dispatcher.dispatch(message)) dispatched++
    if (dispatched % WRITE_EVERY_RECORDS === WRITE_EVERY_RECORDS - 1) writeQueues(parts)
  })
  cutAll(env, parts, starts.scan, end)
  if (!clean && point === undefined) queues.markUnsynced()
  parts.checkpoint.confirmPhyOffset = Math.max(0, dispatcher.dispatchedRecord)
  env.events.emit(storeRecovered, {
    clean,
    scanFrom: starts.scan,
    offsetMax: log.offsetMax,
    records: end.records,
    dispatched,
    ms: Math.round(env.clock.monotonic() - startedAt),
  })
  return starts.scan
}

/** Loads the queues. Returns the recovery point, if log and queues confirm it. */
function loadParts(env: Env, parts: RecoveryParts): RecoveryPoint | undefined {
  const { log, queues, abortedProcess } = parts
  const point = trustedPoint(parts)
  const isClean = abortedProcess === undefined
  // Queues and index are about to be rebuilt: the next start must not match the new files with the old point.
  if (point === undefined && parts.checkpoint.point !== undefined) withdraw(env, parts)
  // What was derived from the log since the last sync is rebuilt, because pages of it may be missing.
  const upTo = point?.physicalEnd ?? (isClean ? Infinity : uncleanStart(parts))
  queues.files.areNamesAtRisk = !isClean
  const isProven = point !== undefined
  loadQueues(env, queues, log, { isClean, upTo, isOwn: isClean && isProven, isProven })
  // An operator removed the queues to have them rebuilt.
  const areGone = point !== undefined && point.lastRecord >= 0 && queues.physicalEnd() === 0
  if (!areGone) return point
  withdraw(env, parts)
  return undefined
}

function withdraw(env: Env, { checkpoint, checkpointPath }: RecoveryParts): void {
  withdrawPoint(env.disk, checkpointPath)
  checkpoint.point = undefined
}

/** Writes units; if the host refuses, they stay in memory for the next try. */
function writeQueues(parts: RecoveryParts): void {
  try {
    parts.queues.write(Infinity)
  } catch (error) {
    if (hostErrorCode(error) === undefined) throw error
    parts.queuesFailed(error)
  }
}

/** Cuts everything that the log does not have, and writes all files. */
function cutAll(env: Env, parts: RecoveryParts, from: number, end: ScanEnd): void {
  if (parts.abortedProcess === undefined) cutLog(env, parts, end)
  else cutAndSync(env, parts, from, end)
  cutCaches(env, parts)
  writeQueues(parts)
  if (parts.abortedProcess !== undefined) clearBehindEnds(parts.queues)
  parts.upkeep?.writeAll()
}

/** The recovery point of the broker that stopped last, if the log confirms it. */
function trustedPoint(parts: RecoveryParts): RecoveryPoint | undefined {
  const { log, checkpoint, abortedProcess } = parts
  const { point } = checkpoint
  if (point === undefined) return undefined
  // Another broker ran in between and may have changed anything.
  if (abortedProcess !== undefined && !isPointOf(point, abortedProcess)) return undefined
  if (point.lastRecord < 0) return point.physicalEnd === log.offsetMin ? point : undefined
  const record = log.recordAt(point.lastRecord)
  return record !== undefined && point.lastRecord + record.length === point.physicalEnd
    ? point
    : undefined
}

function startsOfPoint(
  parts: RecoveryParts,
  point: RecoveryPoint,
  resized: number | undefined,
): Starts {
  const { index } = parts
  const { physicalEnd } = point
  const isAsLeft = parts.abortedProcess === undefined && index?.isAt(point) === true
  const restored = isAsLeft ? point.indexEnd : index?.restore(point)
  const indexFrom = leastOf([resized, restored]) ?? physicalEnd
  return { scan: physicalEnd, dispatch: physicalEnd, index: indexFrom }
}

/** Where to start without a recovery point: by files, as Apache does. */
function startsOfFiles(parts: RecoveryParts, resized: number | undefined): Starts {
  const { log, queues } = parts
  if (parts.abortedProcess === undefined) {
    const queuesEnd = queues.physicalEnd()
    const scan = cleanStart(log, queues, queuesEnd)
    return { scan, dispatch: queuesEnd, index: resized ?? queuesEnd }
  }
  const untrusted = dropUntrustedIndex(parts)
  const scan = uncleanStart(parts)
  const early = leastOf([resized, parts.indexSafe ? untrusted : undefined])
  return { scan, dispatch: scan, index: early ?? scan }
}

/**
 * After a crash only index files that were full and synced are complete. Drops the others and returns the offset from
 * which the log must be read to rebuild them.
 */
function dropUntrustedIndex(parts: RecoveryParts): number | undefined {
  const { indexMsgTimestamp } = parts.checkpoint
  const isUntrusted = (file: { endTimestamp: number; isFull: boolean }): boolean =>
    !file.isFull || file.endTimestamp > indexMsgTimestamp
  return parts.index?.drop(isUntrusted, 'the last stop was not orderly')
}

/** The last record that a queue names, or the start of the newest file that begins no later than the queues end. */
function cleanStart(log: CommitLog, queues: ConsumeQueueTable, queuesEnd: number): number {
  const last = queues.lastRecord()
  const record = last === undefined ? undefined : log.recordAt(last)
  if (last !== undefined && record !== undefined && last + record.length === queuesEnd) return last
  return log.segments.at(queuesEnd)?.firstOffset ?? lastStartBefore(log, queuesEnd)
}

function lastStartBefore(log: CommitLog, offset: number): number {
  const files = log.segments.files
  return files.findLast((file) => file.firstOffset <= offset)?.firstOffset ?? log.offsetMin
}

/**
 * The newest file whose first message was stored before the safe timestamp. If a clock was set back, later timestamps
 * prove nothing.
 */
function uncleanStart(parts: RecoveryParts): number {
  const { log } = parts
  const safe = safeTimestamp(parts.checkpoint, parts.indexSafe && parts.index !== undefined)
  let start = log.offsetMin
  let newest = 0
  for (const { firstOffset } of log.segments.files) {
    const magic = log.peek(firstOffset + RecordAt.magicCode, 4)
    const first = magic === undefined ? 0 : readInt(magic, 0)
    if (first !== RecordMagic.V1 && first !== RecordMagic.V2) continue
    const storeTimestamp = log.storeTimestampAt(firstOffset)
    if (storeTimestamp < newest) break
    newest = storeTimestamp
    if (storeTimestamp > 0 && storeTimestamp <= safe) start = firstOffset
  }
  return start
}

/** Cuts queues and index at the end of the log. Throws the host's error. */
export function cutCaches(env: Env, parts: RecoveryParts): void {
  const { log, queues, index } = parts
  cutQueues(env, queues, log.offsetMax)
  if (index?.behindFrom !== undefined) index.behindFrom = Math.min(index.behindFrom, log.offsetMax)
  const cut = index?.drop(
    (file) => file.endOffset >= log.offsetMax && !file.isEmpty,
    'the log was cut',
  )
  if (index === undefined || cut === undefined) return
  try {
    reindex(parts, cut, log.offsetMax)
  } catch (error) {
    // The log cannot be read now; the index upkeep adds what is missing later.
    index.behindFrom = Math.min(cut, index.behindFrom ?? cut)
    throw error
  }
}

/**
 * Syncs what is about to be served. Pages that a killed process wrote may be in the page cache only; if a sync had
 * failed before, the host counts them as written, so they are written again, at least behind a recovery point. Throws
 * the host's error; the part then stays marked for the next open. On a full disk whose file system needs room even
 * for this, the store opens all the same: only reading it and deleting old files makes room.
 */
function cutAndSync(env: Env, parts: RecoveryParts, from: number, end: ScanEnd): void {
  const { log, root, checkpoint } = parts
  try {
    const isShort = checkpoint.point !== undefined || end.offset - from <= REWRITTEN_BYTES_MAX
    const isRewritten =
      !isShort ||
      ifRoom(() => {
        rewriteAsRead(log.segments, from, end.offset)
      })
    cutLog(env, parts, end)
    for (const file of filesOf(log.segments, from, log.offsetMax)) file.file.syncNow()
    env.disk.syncDirectoryNow(log.segments.directory)
    if (!isRewritten) markUnsynced(env.disk, root, from, end.offset)
  } catch (error) {
    if (hostErrorCode(error) !== undefined) markUnsynced(env.disk, root, from)
    throw error
  }
}

function cutLog(env: Env, { log, abortedProcess }: RecoveryParts, end: ScanEnd): void {
  if (end.reason !== undefined) {
    env.events.emit(commitLogTorn, { offset: end.offset, reason: end.reason })
  }
  // Pages far behind the end may have reached the disk when earlier ones did not.
  if (end.reason !== undefined || abortedProcess !== undefined) {
    log.truncate(end.offset)
    return
  }
  // Only zeros or a preallocated file follow: nothing is written, so modification times stay.
  const files = log.segments.files
  while (files.length > 1 && (files.at(-1)?.firstOffset ?? 0) > end.offset) files.pop()?.remove()
  log.startAt(end.offset)
}

function leastOf(offsets: readonly (number | undefined)[]): number | undefined {
  const known = offsets.filter((offset) => offset !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}

/** Reads a part of the log for the index only. */
function reindex(parts: RecoveryParts, from: number, to: number): void {
  const { log, queues, dispatcher } = parts
  const start = Math.max(from, log.offsetMin)
  scanLog(log.segments, start, { checkCrc: false, to }, (buffer, at) => {
    const message = dispatchOfRecord(queues, buffer, at, parts.delayLevels)
    if (message?.isIndexed === true) dispatcher.addToIndex(message)
  })
}
