import type { Env, Timer } from '@skylarkmq/env'
import { hostErrorCode } from '@skylarkmq/env'
import { commitLogTorn, syncWorksAgain } from '../events.ts'
import type { WriteHealth } from '../segment/write-health.ts'
import type { CommitLog } from '../commitlog/commit-log.ts'
import type { LogFlush } from '../commitlog/flush.ts'
import { filesOf } from '../segment/rewrite-segments.ts'
import { rewriteLog } from './rewrite-log.ts'
import { markUnsynced, unmarkUnsynced } from './unsynced-mark.ts'

const RETRY_FIRST_MS = 100
const RETRY_MAX_MS = 30_000

/** What a rescue works on. */
export interface RescueParts {
  readonly log: CommitLog
  readonly health: WriteHealth
  /** Directory of the store. */
  readonly root: string
  /** Cuts log, queues and index at `offset`. Throws the host's error. */
  readonly cut: (offset: number) => void
}

/**
 * Recovers from a failed sync of the log. The host counts pages that it could not write as written, so repeating the
 * sync would succeed and prove nothing. Instead, messages are refused; everything not known to be on disk is written
 * again and synced through newly opened files, with growing pauses while that fails; then messages are accepted
 * again. What is neither in memory nor readable is cut off, as after a power cut; nothing acknowledged under
 * SYNC_FLUSH is lost that way. Meanwhile readers get what is on disk or in memory.
 */
export class SyncRescue {
  readonly #env: Env
  readonly #parts: RescueParts
  #flush: LogFlush | undefined
  #timer: Timer | undefined
  #running: Promise<void> | undefined
  #retryMs = RETRY_FIRST_MS
  #isClosed = false
  /** The offset of a cut that is not complete. */
  #cutAt: number | undefined

  constructor(env: Env, parts: RescueParts) {
    this.#env = env
    this.#parts = parts
  }

  /** A sync failed; the log is known to be on disk up to `offset`. */
  begin(flush: LogFlush, offset: number, error: unknown): void {
    this.#flush = flush
    this.#retryMs = RETRY_FIRST_MS
    this.#parts.health.syncFailed(offset, error)
    this.#parts.log.suspect(offset)
    // The next process to open the store must know that its log may not be on disk.
    markUnsynced(this.#env.disk, this.#parts.root, offset)
    this.#again(0)
  }

  /** Stops retrying; resolves once nothing is running. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    await this.#running
  }

  #again(afterMs: number): void {
    if (this.#isClosed) return
    this.#timer = this.#env.clock.after(afterMs, () => {
      this.#running ??= this.#try().finally(() => (this.#running = undefined))
    })
  }

  async #try(): Promise<void> {
    const { log } = this.#parts
    // The messages of the current turn are not written yet.
    if (log.offsetMax !== log.offsetWritten) {
      this.#again(1)
      return
    }
    try {
      await this.#rescue()
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.#again(this.#retryMs)
      this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MAX_MS)
    }
  }

  async #rescue(): Promise<void> {
    const { log, health, root, cut } = this.#parts
    const flush = this.#flush as LogFlush
    // A sync that is running may still fail for pages that are written here.
    await flush.drain()
    const from = Math.max(flush.flushedOffset, log.offsetMin)
    const provenEnd = rewriteLog(log, from)
    if (provenEnd < log.offsetWritten) {
      const reason = 'what follows could not be brought to disk'
      this.#env.events.emit(commitLogTorn, { offset: provenEnd, reason })
      this.#cutAt = Math.min(provenEnd, this.#cutAt ?? provenEnd)
    }
    // The host may have refused midway, with the log cut and queues and index not.
    if (this.#cutAt !== undefined) cut(this.#cutAt)
    this.#cutAt = undefined
    const end = log.offsetWritten
    const storeTimestamp = flush.appendedTimestamp
    for (const file of filesOf(log.segments, from, end)) {
      if (file.isThere) await file.use((open) => open.sync())
    }
    unmarkUnsynced(this.#env.disk, root)
    log.trust()
    health.syncWorks()
    this.#env.events.emit(syncWorksAgain, { offset: end })
    flush.resume(end, storeTimestamp)
  }
}
