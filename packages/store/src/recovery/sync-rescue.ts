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

/** What a rescue works with. */
export interface RescueParts {
  readonly log: CommitLog
  readonly health: WriteHealth
  /** Directory of the store. */
  readonly root: string
  /** Makes `offset` the end of the log, of the queues and of the index. Throws the host's error. */
  readonly cut: (offset: number) => void
}

/**
 * What follows a failed sync of the log. The host counts what it could not write as written, so the same sync
 * again would succeed and prove nothing. Instead messages are refused, what is not known to be on disk is
 * written again and synced through files that were opened anew, after a growing pause as long as that fails, and
 * then messages are accepted again. What can neither be found in memory nor be read back is cut off, as a power
 * cut would have done; nothing that was answered under SYNC_FLUSH is among it. Meanwhile readers get what is
 * known to be on disk, or is in memory.
 */
export class SyncRescue {
  readonly #env: Env
  readonly #parts: RescueParts
  #flush: LogFlush | undefined
  #timer: Timer | undefined
  #running: Promise<void> | undefined
  #retryMs = RETRY_FIRST_MS
  #isClosed = false
  /** Where a cut that is not done is. */
  #cutAt: number | undefined

  constructor(env: Env, parts: RescueParts) {
    this.#env = env
    this.#parts = parts
  }

  /** The log is known to be on disk up to `offset`, and a sync of the rest failed. */
  begin(flush: LogFlush, offset: number, error: unknown): void {
    this.#flush = flush
    this.#retryMs = RETRY_FIRST_MS
    this.#parts.health.syncFailed(offset, error)
    this.#parts.log.suspect(offset)
    // Whoever opens the store after a kill has to know that its log may only seem to be on disk.
    markUnsynced(this.#env.disk, this.#parts.root, offset)
    this.#again(0)
  }

  /** Tries no more; resolves once nothing is under way. */
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
    // A turn is under way, whose messages are on their way to the file.
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
    // A sync that is under way may still fail, for pages that are written here.
    await flush.drain()
    const from = Math.max(flush.flushedOffset, log.offsetMin)
    const provenEnd = rewriteLog(log, from)
    if (provenEnd < log.offsetWritten) {
      const reason = 'what follows could not be brought to disk'
      this.#env.events.emit(commitLogTorn, { offset: provenEnd, reason })
      this.#cutAt = Math.min(provenEnd, this.#cutAt ?? provenEnd)
    }
    // The host may have refused in the middle, when the log was cut and queues and index were not.
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
