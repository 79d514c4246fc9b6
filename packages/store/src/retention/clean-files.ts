import type { Env } from '@skylarkmq/env'
import { hostErrorCode } from '@skylarkmq/env'
import type { CommitLog } from '../commitlog/commit-log.ts'
import type { ConsumeQueueTable } from '../consumequeue/consume-queue-table.ts'
import { segmentDeleted, segmentNotDeleted } from '../events.ts'
import type { MessageIndex } from '../index/message-index.ts'
import { localTime } from '../local-time.ts'
import type { StoreConfig } from '../options.ts'
import { reasonOf } from '../write-health.ts'
import type { WriteHealth } from '../write-health.ts'
import { diskPressure, diskUsedRatio } from './disk-watch.ts'

const HOUR_MS = 3_600_000
const MANUAL_RUNS = 20

/** What cleaning works on. */
export interface CleanParts {
  readonly log: CommitLog
  readonly queues: ConsumeQueueTable
  readonly index: MessageIndex | undefined
  readonly health: WriteHealth
}

/**
 * Deletes what is too old, or what has to make room. Files go from the oldest on, up to the first that is not
 * due, and the last one stays. Apache: `DefaultMessageStore.java`, CleanCommitLogService.
 */
export class CleanFiles {
  readonly #env: Env
  readonly #config: StoreConfig
  readonly #parts: CleanParts
  #manualRuns = 0
  #retryAtMs = 0
  #cleanedUpTo: number

  constructor(env: Env, config: StoreConfig, parts: CleanParts) {
    this.#env = env
    this.#config = config
    this.#parts = parts
    this.#cleanedUpTo = parts.log.offsetMin
  }

  /** One regular look. Returns how many commit log files went. */
  run(): number {
    const { log, health } = this.#parts
    const path = log.segments.directory
    const used = diskUsedRatio(this.#env.disk, path)
    const pressure = diskPressure(used, this.#config)
    health.disk(path, used, pressure.isTooFull)
    const isManual = this.#manualRuns > 0
    if (isManual) this.#manualRuns--
    const isDue = this.#isHour() || pressure.cleansAtAnyHour || isManual
    const removed = isDue ? this.#removeSegments(pressure.cleansForcibly) : 0
    this.cleanQueues()
    return removed
  }

  /** Lets this look and the next ones act as in the hour of deletion. */
  runManually(): number {
    this.#manualRuns = MANUAL_RUNS
    return this.run()
  }

  #isHour(): boolean {
    const { hour } = localTime(this.#env.clock.now())
    return this.#config.deleteWhen
      .split(';')
      .some((each) => each.trim() !== '' && Number(each) === hour)
  }

  #removeSegments(forcibly: boolean): number {
    const { segments, unsynced } = this.#parts.log
    const now = this.#env.clock.now()
    if (now < this.#retryAtMs) return 0
    let removed = 0
    while (segments.files.length > 1 && removed < this.#config.deleteFileBatchMax) {
      const file = segments.files[0]
      if (file === undefined) break
      const modifiedMs = this.#env.disk.stat(file.path)?.modifiedMs ?? 0
      const isExpired = now >= modifiedMs + this.#config.fileReservedTime * HOUR_MS
      if (!isExpired && !forcibly) break
      try {
        segments.removeFirst()
      } catch (error) {
        if (hostErrorCode(error) === undefined) throw error
        this.#env.events.emit(segmentNotDeleted, { path: file.path, reason: reasonOf(error) })
        this.#retryAtMs = now + this.#config.redeleteHangedFileInterval
        break
      }
      unsynced.delete(file)
      removed++
      const why = isExpired ? 'expired' : 'the disk is full'
      this.#env.events.emit(segmentDeleted, { path: file.path, why })
    }
    return removed
  }

  /** Moves the queues' first offsets behind what is gone, and deletes their and the index's old files. Returns how many. */
  cleanQueues(): number {
    const { log, queues, index } = this.#parts
    if (log.offsetMin === this.#cleanedUpTo) return 0
    this.#cleanedUpTo = log.offsetMin
    queues.correctMin(log.offsetMin)
    let removed = index?.removeExpired(log.offsetMin) ?? 0
    for (const queue of queues.all()) removed += queue.removeExpiredFiles()
    return removed
  }
}
