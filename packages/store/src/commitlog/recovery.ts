import type { Env } from '@skylarkmq/env'
import { RecordAt, RecordMagic, readInt } from '@skylarkmq/protocol'
import { safeTimestamp } from '../checkpoint.ts'
import type { CheckpointValues } from '../checkpoint.ts'
import type { ConsumeQueueTable } from '../consumequeue/consume-queue-table.ts'
import { cutQueues, loadQueues } from '../consumequeue/recover-queues.ts'
import type { Dispatcher } from '../dispatch/dispatcher.ts'
import { dispatchOfRecord } from '../dispatch/reput.ts'
import { commitLogTorn, storeRecovered } from '../events.ts'
import type { MessageIndex } from '../index/message-index.ts'
import type { CommitLog } from './commit-log.ts'
import { scanLog } from './scan-log.ts'
import type { ScanEnd } from './scan-log.ts'

/** What a start has to put right, and with what. */
export interface RecoveryParts {
  readonly log: CommitLog
  readonly queues: ConsumeQueueTable
  readonly index: MessageIndex | undefined
  readonly dispatcher: Dispatcher
  readonly checkpoint: CheckpointValues
  /** Whether the last stop was orderly. */
  readonly clean: boolean
  readonly checkCrc: boolean
  /** Whether the index is to be complete after an unclean stop, too. */
  readonly indexSafe: boolean
  readonly delayLevels: readonly number[]
}

const WRITE_EVERY_RECORDS = 20_000

/**
 * Brings log, queues and index to one state after a stop: finds the end of the log, cuts what is not sound,
 * and puts into the queues and the index what they lack. Sound records behind one that is not are given up,
 * as Apache does: nothing in the log proves where the next one begins. Throws the host's error.
 * Apache: `CommitLog.java`, recoverNormally and recoverAbnormally.
 */
export function recover(env: Env, parts: RecoveryParts): void {
  const { log, queues, index, clean } = parts
  const startedAt = env.clock.monotonic()
  loadQueues(env, queues, log, clean)
  const resized = index?.load()
  const untrusted = dropUntrustedIndex(parts)
  const queuesEnd = queues.physicalEnd()
  const scanFrom = clean ? cleanStart(log, queuesEnd) : uncleanStart(parts)
  let dispatched = 0
  const dispatchFrom = clean ? queuesEnd : 0
  const early = leastOf([resized, parts.indexSafe ? untrusted : undefined])
  if (early !== undefined) reindex(parts, early, clean ? dispatchFrom : scanFrom)
  const end = scanLog(log.segments, scanFrom, parts, (buffer, at, offset) => {
    // After a clean stop the queues have all before their end; the index looks itself.
    if (offset < dispatchFrom) return
    const message = dispatchOfRecord(queues, buffer, at, parts.delayLevels)
    if (message !== undefined && parts.dispatcher.dispatch(message)) dispatched++
    if (dispatched % WRITE_EVERY_RECORDS === WRITE_EVERY_RECORDS - 1) queues.write(Infinity)
  })
  cutLog(env, log, end)
  cutQueues(env, queues, log.offsetMax)
  const cut = index?.drop(
    (file) => file.endOffset >= log.offsetMax && !file.isEmpty,
    'the log was cut',
  )
  if (cut !== undefined) reindex(parts, cut, log.offsetMax)
  queues.correctMin(log.offsetMin)
  queues.write(Infinity)
  index?.write()
  parts.checkpoint.confirmPhyOffset = Math.max(0, end.lastRecord)
  env.events.emit(storeRecovered, {
    clean,
    scanFrom,
    offsetMax: log.offsetMax,
    records: end.records,
    dispatched,
    ms: Math.round(env.clock.monotonic() - startedAt),
  })
}

/**
 * After a crash only index files that were full and flushed are whole. Returns from where the log has to be
 * read to have the others again.
 */
function dropUntrustedIndex(parts: RecoveryParts): number | undefined {
  if (parts.clean) return undefined
  const { indexMsgTimestamp } = parts.checkpoint
  const isUntrusted = (file: { endTimestamp: number }): boolean =>
    file.endTimestamp > indexMsgTimestamp
  return parts.index?.drop(isUntrusted, 'the last stop was not orderly')
}

/** The newest file that begins no later than the queues end. */
function cleanStart(log: CommitLog, queuesEnd: number): number {
  return log.segments.at(queuesEnd)?.firstOffset ?? lastStartBefore(log, queuesEnd)
}

function lastStartBefore(log: CommitLog, offset: number): number {
  const files = log.segments.files
  return files.findLast((file) => file.firstOffset <= offset)?.firstOffset ?? log.offsetMin
}

/** The newest file whose first message was stored before all was surely on disk. */
function uncleanStart(parts: RecoveryParts): number {
  const { log } = parts
  const safe = safeTimestamp(parts.checkpoint, parts.indexSafe && parts.index !== undefined)
  for (let i = log.segments.files.length - 1; i >= 0; i--) {
    const offset = log.segments.files[i]?.firstOffset ?? 0
    const magic = log.peek(offset + RecordAt.magicCode, 4)
    const first = magic === undefined ? 0 : readInt(magic, 0)
    if (first !== RecordMagic.V1 && first !== RecordMagic.V2) continue
    const storeTimestamp = log.storeTimestampAt(offset)
    if (storeTimestamp > 0 && storeTimestamp <= safe) return offset
  }
  return log.offsetMin
}

function cutLog(env: Env, log: CommitLog, end: ScanEnd): void {
  if (end.reason !== undefined) {
    env.events.emit(commitLogTorn, { offset: end.offset, reason: end.reason })
    log.truncate(end.offset)
    return
  }
  // Only zeros follow, or a file that was made ahead: nothing is written, so times of change stay.
  const files = log.segments.files
  while (files.length > 1 && (files.at(-1)?.firstOffset ?? 0) > end.offset) files.pop()?.remove()
  log.startAt(end.offset)
}

function leastOf(offsets: readonly (number | undefined)[]): number | undefined {
  const known = offsets.filter((offset) => offset !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}

/** Reads a part of the log for the index alone. */
function reindex(parts: RecoveryParts, from: number, to: number): void {
  const { log, queues, dispatcher } = parts
  const start = Math.max(from, log.offsetMin)
  scanLog(log.segments, start, { checkCrc: false, to }, (buffer, at) => {
    const message = dispatchOfRecord(queues, buffer, at, parts.delayLevels)
    if (message?.isIndexed === true) dispatcher.addToIndex(message)
  })
}
