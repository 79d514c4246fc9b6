import type { Env, Timer } from '@skylarkmq/env'
import { hostErrorCode } from '@skylarkmq/env'
import { abortFileExists, makeAbortFile, writeAbortFile } from '../checkpoint/abort-file.ts'
import { Checkpointer } from './checkpointer.ts'
import type { CheckpointParts } from './checkpointer.ts'
import type { CommitLog } from '../commitlog/commit-log.ts'
import type { StoreConfig } from '../options.ts'
import type { CleanFiles } from '../retention/clean-files.ts'
import type { StoreStats } from '../store-stats.ts'
import type { WriteTarget } from '../segment/write-health.ts'

const QUEUES: WriteTarget = 'the consume queues'
const WRITE_QUEUES_EVERY_MS = 100
const WRITE_INDEX_EVERY_MS = 10_000
const FORGET_IDLE_EVERY_MS = 10_000
const SAMPLE_EVERY_MS = 1000
const FIRST_CLEAN_AFTER_MS = 60_000
const FIRST_DISK_WATCH_AFTER_MS = 1000
const WATCH_DISK_EVERY_MS = 10_000
const CHECKPOINT_EVERY_MS = 500
// Checkpoints of very many queues take long: they may use this fraction of all time.
const CHECKPOINT_SHARE = 10
// A start after a kill reads this much of the log in about a second.
const BEHIND_BYTES_MAX = 1024 ** 3
const RETRY_AFTER_MS = 1000

/** What the background work needs. */
export interface BackgroundParts extends CheckpointParts {
  readonly log: CommitLog
  readonly stats: StoreStats
  readonly clean: CleanFiles
}

/** The store's periodic work: writing queues and index, syncing, cleaning. */
export class Background {
  readonly #env: Env
  readonly #config: StoreConfig
  readonly #parts: BackgroundParts
  #timers: Timer[] = []
  readonly #checkpointer: Checkpointer
  #checkpointing: Promise<void> | undefined
  #nextCheckpoint = 0
  #isStopping = false
  #resume: (() => void) | undefined

  constructor(env: Env, config: StoreConfig, parts: BackgroundParts) {
    this.#env = env
    this.#config = config
    this.#parts = parts
    this.#checkpointer = new Checkpointer(env, config.processId, parts)
  }

  start(): void {
    this.#markRunning()
    const { clock } = this.#env
    const { log, queues, flush, stats, clean, upkeep, health } = this.#parts
    this.#timers.push(
      clock.every(WRITE_QUEUES_EVERY_MS, () => {
        if (queues.isWorthWriting || health.isFailing(QUEUES)) this.#tryWriteQueues()
        upkeep?.catchUp()
      }),
      clock.every(WRITE_INDEX_EVERY_MS, () => {
        upkeep?.writeAll()
      }),
      clock.every(this.#config.flushIntervalCommitLog, () => {
        if (log.offsetWritten > flush.flushedOffset) flush.request()
      }),
      clock.every(CHECKPOINT_EVERY_MS, () => {
        if (this.#checkpointing !== undefined || !this.#checkpointer.isDue) return
        const isFarBehind = this.#checkpointer.behindBytes >= BEHIND_BYTES_MAX
        if (clock.monotonic() < this.#nextCheckpoint && !isFarBehind) return
        this.#checkpointing = this.#checkpoint().finally(() => (this.#checkpointing = undefined))
      }),
      clock.every(FORGET_IDLE_EVERY_MS, () => {
        queues.forgetIdle()
        log.segments.closeIdle()
      }),
      clock.every(SAMPLE_EVERY_MS, () => {
        stats.sample()
      }),
      clock.after(FIRST_DISK_WATCH_AFTER_MS, () => {
        clean.watchDisk()
      }),
      clock.every(WATCH_DISK_EVERY_MS, () => {
        clean.watchDisk()
      }),
      clock.after(FIRST_CLEAN_AFTER_MS, () => {
        clean.run()
        this.#timers.push(clock.every(this.#config.cleanResourceInterval, () => clean.run()))
      }),
    )
  }

  /**
   * Writes and syncs the abort file. Nothing is accepted before: without it, a start after a crash would trust
   * everything it finds. Invariant: at each moment the recovery point names the process that the file names, or the
   * start would reject the point and the index would lose keys.
   */
  #markRunning(): void {
    const { paths, checkpoint } = this.#parts
    const { disk } = this.#env
    const { processId } = this.#config
    const isMarked = this.#tryWrite('the abort file', () => {
      if (!abortFileExists(disk, paths.abort)) this.#makeMark(checkpoint.point?.processId)
      this.#checkpointer.adopt()
      writeAbortFile(disk, paths.abort, processId)
      this.#checkpointer.isNamed()
    })
    if (isMarked) return
    this.#timers.push(
      this.#env.clock.after(RETRY_AFTER_MS, () => {
        this.#markRunning()
      }),
    )
  }

  #makeMark(pointProcess: number | undefined): void {
    const { disk } = this.#env
    const { abort } = this.#parts.paths
    try {
      writeAbortFile(disk, abort, pointProcess ?? this.#config.processId)
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.#checkpointer.adoptEmpty()
      makeAbortFile(disk, abort)
    }
  }

  /** Stops all periodic work; resolves once nothing is running. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel()
    this.#timers = []
    this.#parts.clean.stop()
    this.#isStopping = true
    this.#resume?.()
    await this.#checkpointing
    await this.#parts.flush.drain()
  }

  #tryWrite(target: WriteTarget, write: () => void): boolean {
    try {
      write()
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.#parts.health.failed(target, error)
      return false
    }
    this.#parts.health.works(target)
    return true
  }

  async #checkpoint(): Promise<void> {
    const checkpointer = this.#checkpointer
    await checkpointer.run(() => this.#writeQueuesInTurns())
    const { queues } = this.#parts
    // Units that a failed sync may have lost cannot be read until they are rewritten.
    const longestMs = queues.areInDoubt
      ? RETRY_AFTER_MS
      : this.#config.flushConsumeQueueThoroughInterval
    const pauseMs = Math.min(checkpointer.syncMs * CHECKPOINT_SHARE, longestMs)
    this.#nextCheckpoint = this.#env.clock.monotonic() + pauseMs
  }

  async #writeQueuesInTurns(): Promise<boolean> {
    const { queues } = this.#parts
    // Queues that become dirty meanwhile are behind these.
    for (let left = queues.dirtyCount; left > 0;) {
      const before = queues.dirtyCount
      if (!this.#tryWriteQueues(this.#isStopping ? left : undefined)) return false
      left -= before - queues.dirtyCount
      if (left > 0 && !this.#isStopping) await this.#nextTurn()
    }
    return true
  }

  #tryWriteQueues(limit?: number): boolean {
    return this.#tryWrite(QUEUES, () => {
      this.#parts.queues.write(limit)
    })
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve
      this.#env.clock.after(1, resolve)
    })
  }

  /**
   * Syncs everything, at a stop. Resolves with false when something could not be synced: the next start then
   * recovers.
   */
  async flushThoroughly(): Promise<boolean> {
    const { upkeep } = this.#parts
    const isIndexWhole = upkeep?.catchUp() ?? true
    const isIndexWritten = upkeep?.writeAll() ?? true
    const write = (): Promise<boolean> => Promise.resolve(this.#tryWriteQueues(Infinity))
    return (await this.#checkpointer.run(write)) && isIndexWhole && isIndexWritten
  }
}
