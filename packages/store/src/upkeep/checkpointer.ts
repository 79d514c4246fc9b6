import type { Env } from '@skylarkmq/env'
import { hostErrorCode, textOfThrown } from '@skylarkmq/env'
import { readAbortFile } from '../checkpoint/abort-file.ts'
import { writeCachesAgain } from '../recovery/cache-rescue.ts'
import type { CacheSource } from '../recovery/cache-rescue.ts'
import { writeCheckpoint, writeCheckpointNow } from '../checkpoint/checkpoint.ts'
import type { CheckpointValues } from '../checkpoint/checkpoint.ts'
import type { LogFlush } from '../commitlog/flush.ts'
import { cacheSyncFailed } from '../events.ts'
import type { IndexUpkeep } from '../recovery/index-upkeep.ts'
import { OWN_EMPTY_MARK } from '../checkpoint/recovery-point.ts'
import { syncPath } from '../segment/sync-path.ts'
import type { StorePaths } from '../segment/store-paths.ts'
import type { WriteHealth } from '../segment/write-health.ts'

const SYNCS_AT_ONCE = 8
const LOG_TIMEOUT_MS = 60_000

/** What a checkpoint syncs. */
export interface CheckpointParts extends CacheSource {
  readonly paths: StorePaths
  readonly upkeep: IndexUpkeep | undefined
  readonly flush: LogFlush
  readonly health: WriteHealth
  readonly checkpoint: CheckpointValues
}

/**
 * Syncs log, queues and index, and then writes how far they are. Invariant: the checkpoint never claims more than is
 * on disk. Apache: `StoreCheckpoint.java`, `ConsumeQueueStore.java`, flush.
 */
export class Checkpointer {
  /** How long syncing queues and index took at the last checkpoint, ms. */
  syncMs = 0
  readonly #env: Env
  readonly #processId: number
  readonly #parts: CheckpointParts
  // After a file failed to sync, the checkpoint must not claim that it is on disk before it is rewritten.
  #isStuck = false
  #triedEnd = 0
  #formerProcess: number

  constructor(env: Env, processId: number, parts: CheckpointParts) {
    this.#env = env
    this.#processId = processId
    this.#parts = parts
    this.#triedEnd = parts.dispatcher.dispatchedEnd
    this.#formerProcess = this.#processOfAbortFile()
  }

  /** Bytes of the log since the last checkpoint, or since the last attempt. */
  get behindBytes(): number {
    return this.#parts.dispatcher.dispatchedEnd - this.#triedEnd
  }

  /** Whether anything was dispatched since the last checkpoint. */
  get isDue(): boolean {
    const { checkpoint, dispatcher } = this.#parts
    if (this.#isStuck) return checkpoint.point !== undefined
    return checkpoint.point?.physicalEnd !== dispatcher.dispatchedEnd
  }

  /**
   * Puts this process's id into the recovery point, beside that of the process which the abort file still names, so
   * that the point counts after a kill. Blocks. Throws the host's error.
   */
  adopt(): void {
    this.#adoptFrom(this.#processOfAbortFile())
  }

  /** As `adopt`, before an empty abort file is created. */
  adoptEmpty(): void {
    this.#adoptFrom(OWN_EMPTY_MARK)
  }

  #adoptFrom(formerProcess: number): void {
    const { checkpoint, paths } = this.#parts
    this.#formerProcess = formerProcess
    if (checkpoint.point === undefined) return
    checkpoint.point = { ...checkpoint.point, ...this.#processes }
    writeCheckpointNow(this.#env.disk, paths.checkpoint, checkpoint)
  }

  #processOfAbortFile(): number {
    const { checkpoint, paths } = this.#parts
    const process = readAbortFile(this.#env.disk, paths.abort)
    if (process === undefined) return -1
    // With a valid recovery point, an empty file was left by this process or by another Skylark broker.
    return process < 0 && checkpoint.point !== undefined ? OWN_EMPTY_MARK : process
  }

  /** The abort file names this process now, so it is not an empty one of ours. */
  isNamed(): void {
    if (this.#formerProcess === OWN_EMPTY_MARK) this.#formerProcess = -1
  }

  get #processes() {
    return { processId: this.#processId, formerProcess: this.#formerProcess }
  }

  /**
   * Writes a checkpoint of everything dispatched so far. `write` writes the queues. Resolves with false when
   * something could not be synced; a start after a crash then reads more of the log.
   */
  async run(write: () => Promise<boolean>): Promise<boolean> {
    const { index, upkeep, dispatcher, flush, checkpoint } = this.#parts
    this.#triedEnd = dispatcher.dispatchedEnd
    if (this.#isStuck && !this.#unstick()) return false
    const timestamp = dispatcher.dispatchedTimestamp
    const physicalEnd = dispatcher.dispatchedEnd
    const lastRecord = dispatcher.dispatchedRecord
    const isIndexWritten = upkeep?.writeEntries() ?? true
    const indexPoint = index?.point
    const indexFullTimestamp = index?.fullTimestamp ?? 0
    const indexEnd = Math.min(index?.behindFrom ?? physicalEnd, physicalEnd)
    const flushed = flush.wait(physicalEnd, LOG_TIMEOUT_MS)
    flush.request()
    if (!(await write()) || (await flushed) !== 'flushed') return false
    const startedAt = this.#env.clock.monotonic()
    const isSynced = await this.#syncCaches()
    this.syncMs = this.#env.clock.monotonic() - startedAt
    if (!isSynced || this.#isStuck) return false
    // Not the maximum of old and new: a clock that was set back makes later messages older.
    if (flush.flushedTimestamp > 0) checkpoint.physicMsgTimestamp = flush.flushedTimestamp
    if (timestamp > 0) checkpoint.logicsMsgTimestamp = timestamp
    checkpoint.indexMsgTimestamp = Math.max(checkpoint.indexMsgTimestamp, indexFullTimestamp)
    // Without the newest entries the previous point stays: a start then reads more of the log.
    if (isIndexWritten || checkpoint.point === undefined) {
      const point = { physicalEnd, lastRecord, indexEnd, ...this.#processes }
      checkpoint.point = isIndexWritten ? { ...point, index: indexPoint } : undefined
    }
    return this.#write()
  }

  /** Rewrites what a failed sync may have lost; false when the log cannot be read now, or the lost part is unknown. */
  #unstick(): boolean {
    const { checkpoint, log } = this.#parts
    if (checkpoint.point === undefined || log.believedEnd !== Infinity) return false
    try {
      writeCachesAgain(this.#parts, checkpoint.point)
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      return false
    }
    this.#isStuck = false
    this.#parts.queues.areInDoubt = false
    return true
  }

  /** Resolves with false when it could not be written; the next flush retries. */
  async #write(): Promise<boolean> {
    const { paths, checkpoint } = this.#parts
    try {
      await writeCheckpoint(this.#env.disk, paths.checkpoint, checkpoint)
      return true
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.#env.events.emit(cacheSyncFailed, {
        path: paths.checkpoint,
        reason: textOfThrown(error),
      })
      return false
    }
  }

  async #syncCaches(): Promise<boolean> {
    const { disk } = this.#env
    const { index, queues } = this.#parts
    const { files } = queues
    const paths = [...files.unsynced, ...(index?.unsynced ?? [])]
    const directories = [...files.unsyncedDirectories, ...(index?.unsyncedDirectories ?? [])]
    files.unsynced.clear()
    files.unsyncedDirectories.clear()
    index?.unsynced.clear()
    index?.unsyncedDirectories.clear()
    const syncs = [
      ...paths.map((path) => () => this.#trySync(path, () => syncPath(disk, path))),
      ...directories
        .filter((path) => disk.stat(path) !== undefined)
        .map((path) => () => this.#trySync(path, () => disk.syncDirectory(path))),
    ]
    queues.areInDoubt = true
    const isSynced = await allOf(syncs).finally(() => (queues.areInDoubt = this.#isStuck))
    if (!isSynced) for (const path of directories) files.unsyncedDirectories.add(path)
    return isSynced
  }

  async #trySync(path: string, sync: () => Promise<void>): Promise<boolean> {
    try {
      await sync()
      return true
    } catch (error) {
      const code = hostErrorCode(error)
      if (code === undefined) throw error
      // The file was deleted while it was synced, with its topic.
      if (code === 'ENOENT') return true
      this.#isStuck = true
      this.#env.events.emit(cacheSyncFailed, { path, reason: textOfThrown(error) })
      return false
    }
  }
}

/** Runs all, a few at a time; resolves with true if each of them did. */
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
