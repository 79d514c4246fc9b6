import type { Env, Timer } from '@skylarkmq/env'
import { hostErrorCode } from '@skylarkmq/env'
import { writeCheckpoint } from './checkpoint.ts'
import type { CheckpointValues } from './checkpoint.ts'
import type { CommitLog } from './commitlog/commit-log.ts'
import type { LogFlush } from './commitlog/flush.ts'
import type { ConsumeQueueTable } from './consumequeue/consume-queue-table.ts'
import type { Dispatcher } from './dispatch/dispatcher.ts'
import { cacheSyncFailed } from './events.ts'
import type { MessageIndex } from './index/message-index.ts'
import type { StoreConfig } from './options.ts'
import type { CleanFiles } from './retention/clean-files.ts'
import { syncPath } from './segment/sync-path.ts'
import type { StorePaths } from './store-paths.ts'
import type { StoreStats } from './store-stats.ts'
import { reasonOf } from './write-health.ts'
import type { WriteHealth, WriteTarget } from './write-health.ts'

const WRITE_QUEUES_EVERY_MS = 100
const WRITE_INDEX_EVERY_MS = 5000
const FORGET_IDLE_EVERY_MS = 10_000
const SAMPLE_EVERY_MS = 1000
const FIRST_CLEAN_AFTER_MS = 60_000
const SYNCS_AT_ONCE = 8

/** What runs beside sends and reads. */
export interface BackgroundParts {
  readonly paths: StorePaths
  readonly log: CommitLog
  readonly queues: ConsumeQueueTable
  readonly index: MessageIndex | undefined
  readonly dispatcher: Dispatcher
  readonly flush: LogFlush
  readonly health: WriteHealth
  readonly stats: StoreStats
  readonly clean: CleanFiles
  readonly checkpoint: CheckpointValues
}

/** What a store does by the clock: writing queues and index, bringing everything to disk, cleaning. */
export class Background {
  readonly #env: Env
  readonly #config: StoreConfig
  readonly #parts: BackgroundParts
  #timers: Timer[] = []
  #flushing: Promise<boolean> | undefined
  // Once a queue file could not be brought to disk, the checkpoint must not say that it was.
  #isCheckpointStuck = false

  constructor(env: Env, config: StoreConfig, parts: BackgroundParts) {
    this.#env = env
    this.#config = config
    this.#parts = parts
  }

  start(): void {
    const { clock } = this.#env
    const { log, queues, flush, stats, clean } = this.#parts
    this.#timers = [
      clock.every(WRITE_QUEUES_EVERY_MS, () => {
        if (queues.hasUnwritten)
          this.#tryWrite('the consume queues', () => {
            queues.write()
          })
      }),
      clock.every(WRITE_INDEX_EVERY_MS, () => {
        this.#tryWrite('the index', () => this.#parts.index?.write())
      }),
      clock.every(this.#config.flushIntervalCommitLog, () => {
        if (log.offsetWritten > flush.flushedOffset) flush.request()
      }),
      clock.every(this.#config.flushConsumeQueueThoroughInterval, () => {
        this.#flushing ??= this.flushThoroughly().finally(() => (this.#flushing = undefined))
      }),
      clock.every(FORGET_IDLE_EVERY_MS, () => {
        queues.forgetIdle()
        log.segments.closeIdle()
      }),
      clock.every(SAMPLE_EVERY_MS, () => {
        stats.sample()
      }),
      clock.after(FIRST_CLEAN_AFTER_MS, () => {
        clean.run()
        this.#timers.push(clock.every(this.#config.cleanResourceInterval, () => clean.run()))
      }),
    ]
  }

  /** Stops the clock; resolves once nothing is under way. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel()
    this.#timers = []
    await this.#flushing
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

  /**
   * Brings queues, full index files and the checkpoint to disk. Resolves with false when something could not
   * be; a start after a crash then reads more of the log.
   */
  async flushThoroughly(): Promise<boolean> {
    const { queues, index, dispatcher, flush, checkpoint } = this.#parts
    const dispatchedTimestamp = dispatcher.dispatchedTimestamp
    const isWritten =
      this.#tryWrite('the consume queues', () => {
        queues.write(Infinity)
      }) && this.#tryWrite('the index', () => index?.write())
    if (!isWritten) return false
    const indexTimestamp = index?.fullTimestamp ?? 0
    const isSynced = await this.#syncCaches()
    if (!isSynced || this.#isCheckpointStuck) return false
    checkpoint.physicMsgTimestamp = Math.max(checkpoint.physicMsgTimestamp, flush.flushedTimestamp)
    checkpoint.logicsMsgTimestamp = Math.max(checkpoint.logicsMsgTimestamp, dispatchedTimestamp)
    checkpoint.indexMsgTimestamp = Math.max(checkpoint.indexMsgTimestamp, indexTimestamp)
    return this.#writeCheckpoint()
  }

  /** Resolves with false when it could not be written; it is written again at the next flush. */
  async #writeCheckpoint(): Promise<boolean> {
    const { paths, checkpoint } = this.#parts
    try {
      await writeCheckpoint(this.#env.disk, paths.checkpoint, checkpoint)
      return true
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.#env.events.emit(cacheSyncFailed, { path: paths.checkpoint, reason: reasonOf(error) })
      return false
    }
  }

  async #syncCaches(): Promise<boolean> {
    const { disk } = this.#env
    const { files } = this.#parts.queues
    const unsyncedIndex = this.#parts.index?.unsynced ?? new Set<string>()
    const paths = [...files.unsynced, ...unsyncedIndex]
    const directories = [...files.unsyncedDirectories]
    files.unsynced.clear()
    files.unsyncedDirectories.clear()
    unsyncedIndex.clear()
    const syncs = [
      ...paths.map((path) => () => this.#trySync(path, () => syncPath(disk, path))),
      ...directories
        .filter((path) => disk.stat(path) !== undefined)
        .map((path) => () => this.#trySync(path, () => disk.syncDirectory(path))),
    ]
    return allOf(syncs)
  }

  async #trySync(path: string, sync: () => Promise<void>): Promise<boolean> {
    try {
      await sync()
      return true
    } catch (error) {
      const code = hostErrorCode(error)
      if (code === undefined) throw error
      // The file went while it was synced: its topic was deleted.
      if (code === 'ENOENT') return true
      this.#isCheckpointStuck = true
      this.#env.events.emit(cacheSyncFailed, { path, reason: reasonOf(error) })
      return false
    }
  }
}

/** Runs all, a few at a time; resolves with whether each of them resolved with true. */
async function allOf(syncs: readonly (() => Promise<boolean>)[]): Promise<boolean> {
  let isGood = true
  let next = 0
  const run = async (): Promise<void> => {
    for (let sync = syncs[next++]; sync !== undefined; sync = syncs[next++]) {
      if (!(await sync())) isGood = false
    }
  }
  await Promise.all(Array.from({ length: SYNCS_AT_ONCE }, run))
  return isGood
}
