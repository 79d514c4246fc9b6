import type { Env, Timer } from '@skylarkmq/env'
import { hostErrorCode, textOfThrown } from '@skylarkmq/env'
import type { CheckpointValues } from '../checkpoint/checkpoint.ts'
import type { CommitLog } from '../commitlog/commit-log.ts'
import type { ConsumeQueue } from '../consumequeue/consume-queue.ts'
import type { ConsumeQueueTable } from '../consumequeue/consume-queue-table.ts'
import { diskNotMeasured, segmentDeleted, segmentNotDeleted } from '../events.ts'
import type { MessageIndex } from '../index/message-index.ts'
import { localTime } from '../message/local-time.ts'
import type { StoreConfig } from '../options.ts'
import type { WriteHealth } from '../segment/write-health.ts'
import { diskPressure, diskUsedRatio } from './disk-watch.ts'
import type { DiskPressure } from './disk-watch.ts'

const HOUR_MS = 3_600_000
const MANUAL_RUNS = 20
// Finding the first message of a queue takes some reads, so very many queues are spread over turns.
const QUEUES_PER_TURN = 256
const NEXT_TURN_MS = 1

/** What cleaning works on. */
export interface CleanParts {
  readonly log: CommitLog
  readonly queues: ConsumeQueueTable
  readonly index: MessageIndex | undefined
  readonly health: WriteHealth
  /** Up to where queues and index are on disk. */
  readonly checkpoint: Pick<CheckpointValues, 'point'>
}

/**
 * Deletes expired files, or the oldest ones to make room. Deletion starts at the oldest file and stops at the first
 * one that is not due; the last file stays. Other work may run between two deletions.
 * Apache: `DefaultMessageStore.java`, CleanCommitLogService and CleanConsumeQueueService.
 */
export class CleanFiles {
  readonly #env: Env
  readonly #config: StoreConfig
  readonly #parts: CleanParts
  #manualRuns = 0
  #retryAt = -Infinity
  #cleanedUpTo: number
  #deleting: Timer | undefined
  #cleaning: Timer | undefined

  constructor(env: Env, config: StoreConfig, parts: CleanParts) {
    this.#env = env
    this.#config = config
    this.#parts = parts
    this.#cleanedUpTo = parts.log.offsetMin
  }

  /** One regular check. Returns how many commit log files were deleted at once; others may follow one by one. */
  run(): number {
    const pressure = this.watchDisk()
    const isManual = this.#manualRuns > 0
    if (isManual) this.#manualRuns--
    const isDue = this.#isHour() || pressure.cleansAtAnyHour || isManual
    this.#deleting?.cancel()
    this.#deleting = undefined
    const removed = isDue
      ? this.#removeSegments(pressure.cleansForcibly, this.#config.deleteFileBatchMax)
      : 0
    this.#followLog()
    return removed
  }

  /** Cleans queues and index once no more files of the log are about to be deleted. */
  #followLog(): void {
    if (this.#deleting === undefined) this.cleanQueues()
  }

  /** Makes this check and the next ones act as in the hour of deletion. Returns what `run` returns. */
  runManually(): number {
    this.#manualRuns = MANUAL_RUNS
    return this.run()
  }

  /** Measures the disks of log and queues, and reports to the write health. */
  watchDisk(): DiskPressure {
    const { log, queues, health } = this.#parts
    const paths = [log.segments.directory, queues.files.directory]
    let [fullest, used] = [paths[0] as string, 0]
    for (const path of paths) {
      try {
        const ratio = diskUsedRatio(this.#env.disk, path)
        if (ratio > used) [fullest, used] = [path, ratio]
      } catch (error) {
        if (hostErrorCode(error) === undefined) throw error
        this.#env.events.emit(diskNotMeasured, { path, reason: textOfThrown(error) })
      }
    }
    const pressure = diskPressure(used, this.#config)
    health.disk(fullest, used, pressure.isTooFull)
    return pressure
  }

  /** Cancels pending work. */
  stop(): void {
    this.#deleting?.cancel()
    this.#cleaning?.cancel()
  }

  #isHour(): boolean {
    const { hour } = localTime(this.#env.clock.now())
    return this.#config.deleteWhen
      .split(';')
      .some((each) => each.trim() !== '' && Number(each) === hour)
  }

  /** Deletes a file that is due, and schedules the next one after a pause. Returns how many were deleted at once. */
  #removeSegments(forcibly: boolean, countMax: number): number {
    const { clock } = this.#env
    const pauseMs = this.#config.deleteCommitLogFilesInterval
    let removed = 0
    while (removed < countMax && clock.monotonic() >= this.#retryAt) {
      if (!this.#removeFirst(forcibly)) break
      removed++
      if (pauseMs > 0 && removed < countMax) {
        this.#deleting = clock.after(pauseMs, () => {
          this.#deleting = undefined
          this.#removeSegments(forcibly, countMax - 1)
          this.#followLog()
        })
        break
      }
    }
    return removed
  }

  #removeFirst(forcibly: boolean): boolean {
    const { segments, unsynced } = this.#parts.log
    const file = segments.files[0]
    if (file === undefined || segments.files.length < 2) return false
    // A power cut would take the numbering of queues with it: nothing else says which offsets were given. Where the disk
    // is too full, even the recovery point may find no room.
    const { point } = this.#parts.checkpoint
    if (!forcibly && (point === undefined || point.physicalEnd < file.endOffset)) return false
    let isExpired = false
    try {
      const modifiedMs = this.#env.disk.stat(file.path)?.modifiedMs ?? 0
      const reservedMs = this.#config.fileReservedTime * HOUR_MS
      isExpired = this.#env.clock.now() >= modifiedMs + reservedMs
      if (!isExpired && !forcibly) return false
      segments.removeFirst()
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.#env.events.emit(segmentNotDeleted, { path: file.path, reason: textOfThrown(error) })
      this.#retryAt = this.#env.clock.monotonic() + this.#config.redeleteHangedFileInterval
      return false
    }
    unsynced.delete(file)
    const why = isExpired ? 'expired' : 'the disk is full'
    this.#env.events.emit(segmentDeleted, { path: file.path, why })
    return true
  }

  /**
   * Moves the queues' first offsets behind the deleted part, and deletes old files of queues and index. Returns how
   * many were deleted at once; with very many queues the others follow in later turns.
   */
  cleanQueues(): number {
    const { log, queues, index } = this.#parts
    const logMin = log.offsetMin
    if (logMin === this.#cleanedUpTo) return 0
    // A unit that is lost for now would look older than everything in the log.
    if (queues.areInDoubt) return 0
    this.#cleanedUpTo = logMin
    this.#cleaning?.cancel()
    let removed = 0
    this.#unlessRefused(log.segments.directory, () => {
      removed += index?.removeExpired(logMin) ?? 0
    })
    return removed + this.#cleanSome(queues.all()[Symbol.iterator](), logMin)
  }

  #cleanSome(queues: Iterator<ConsumeQueue>, logMin: number): number {
    if (this.#parts.queues.areInDoubt) {
      this.#cleanedUpTo = -1
      return 0
    }
    let removed = 0
    for (let i = 0; i < QUEUES_PER_TURN; i++) {
      const next = queues.next()
      if (next.done === true) return removed
      const queue = next.value
      if (queue.isGone) continue
      this.#unlessRefused(`${queue.topic}/${queue.queueId}`, () => {
        queue.correctMin(logMin)
        removed += queue.removeExpiredFiles()
      })
    }
    this.#cleaning = this.#env.clock.after(NEXT_TURN_MS, () => {
      this.#cleanSome(queues, logMin)
    })
    return removed
  }

  /** Ignores a refusal of the host: the next check retries. */
  #unlessRefused(path: string, clean: () => void): void {
    try {
      clean()
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.#env.events.emit(segmentNotDeleted, { path, reason: textOfThrown(error) })
      this.#cleanedUpTo = -1
    }
  }
}
