import type { Env, Timer } from '@skylarkmq/env'
import { Histogram, hostErrorCode } from '@skylarkmq/env'
import type { CommitLog } from './commit-log.ts'
import { DISK_TIME_BOUNDS_MS } from './disk-times.ts'

/** How a wait for the disk ended. */
export type FlushOutcome = 'flushed' | 'timeout' | 'failed' | 'dropped'

interface Waiter {
  readonly offset: number
  readonly deadline: number
  readonly resolve: (outcome: FlushOutcome) => void
}

/** Callbacks of the flusher. */
export interface FlushEvents {
  /** The log is on disk up to an offset. */
  flushed(offset: number): void
  /** A sync failed. None follows before `resume`. */
  failed(offset: number, error: unknown): void
}

/**
 * Syncs the commit log. One sync runs at a time; requests that arrive meanwhile share the next one. After a failed
 * sync nothing more is synced until `resume`, because the host marks pages that it could not write as clean.
 * Apache: `FlushManager.java`, GroupCommitService.
 */
export class LogFlush {
  /** Up to where the log is known to be on disk. */
  flushedOffset: number
  /** Store time of the newest message that is known to be on disk, ms; 0 before the first sync. */
  flushedTimestamp = 0
  /** Store time of the newest message that was appended, ms. */
  appendedTimestamp = 0
  readonly #env: Env
  readonly #log: CommitLog
  readonly #events: FlushEvents
  /** How long syncs took, ms. */
  readonly syncTimes = new Histogram(DISK_TIME_BOUNDS_MS)
  /** How long the last sync took, ms; 0 before the first. */
  lastSyncMs = 0
  #syncStartedMs: number | undefined
  #running: Promise<void> | undefined
  #isWanted = false
  #hasFailed = false
  #waiters: Waiter[] = []
  /** Fires when the longest waiting request reaches its timeout. */
  #timer: Timer | undefined
  #timerMs = Infinity

  constructor(env: Env, log: CommitLog, events: FlushEvents) {
    this.#env = env
    this.#log = log
    this.#events = events
    this.flushedOffset = log.offsetWritten
  }

  /** How long the current sync has taken so far, ms; undefined when none is running. */
  get syncingMs(): number | undefined {
    if (this.#syncStartedMs === undefined) return undefined
    return this.#env.clock.monotonic() - this.#syncStartedMs
  }

  /** Starts a sync of everything written, or queues one behind the running sync. */
  request(): void {
    if (this.#hasFailed) return
    this.#isWanted = true
    this.#running ??= this.#run()
  }

  /** Another sync of a file of the log failed; it counts as a failure of this flusher's. */
  giveUp(error: unknown): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    this.#settle('failed', () => true)
    this.#events.failed(this.flushedOffset, error)
  }

  /** Resumes after a failure: the log is on disk up to `offset`, with messages up to `storeTimestamp`. */
  resume(offset: number, storeTimestamp: number): void {
    this.#hasFailed = false
    this.#advance(offset, storeTimestamp)
  }

  /** Resolves once no sync is running or requested. */
  async drain(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /** Waits until the log is on disk up to an offset, which may not be written yet. */
  wait(offset: number, timeoutMs: number): Promise<FlushOutcome> {
    return new Promise((resolve) => {
      if (this.#hasFailed) {
        resolve('failed')
        return
      }
      const deadline = this.#env.clock.monotonic() + timeoutMs
      this.#waiters.push({ offset, deadline, resolve })
      if (deadline < this.#timerMs) this.#expireAt(deadline)
    })
  }

  #expireAt(deadline: number): void {
    const { clock } = this.#env
    this.#timer?.cancel()
    this.#timerMs = deadline
    this.#timer = clock.after(Math.max(1, deadline - clock.monotonic()), () => {
      this.#expire()
    })
  }

  /** Ends all waits for records behind an offset, which were not written. */
  dropFrom(offset: number): void {
    this.#settle('dropped', (waiter) => waiter.offset > offset)
  }

  async #run(): Promise<void> {
    try {
      while (this.#isWanted && !this.#hasFailed) {
        this.#isWanted = false
        this.#syncStartedMs = this.#env.clock.monotonic()
        await this.#syncOnce()
        this.lastSyncMs = this.syncingMs ?? 0
        this.syncTimes.observe(this.lastSyncMs)
      }
    } finally {
      this.#syncStartedMs = undefined
      this.#running = undefined
    }
  }

  async #syncOnce(): Promise<void> {
    const { unsynced } = this.#log
    const offset = this.#log.offsetWritten
    const storeTimestamp = this.appendedTimestamp
    const files = [...unsynced]
    unsynced.clear()
    try {
      for (const file of files) {
        // Retention or a cut of the log may remove a file while another one is being synced.
        if (file.isThere) await file.use((open) => open.sync())
      }
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.giveUp(error)
      return
    }
    // The host reports a failure once per handle: another sync of the same file may have received the error meant for
    // this one.
    if (!this.#hasFailed) this.#advance(offset, storeTimestamp)
  }

  #advance(offset: number, storeTimestamp: number): void {
    this.flushedOffset = offset
    this.flushedTimestamp = storeTimestamp
    // Make the messages readable before answering, so that a producer that then pulls finds its message.
    this.#events.flushed(offset)
    this.#settle('flushed', (waiter) => waiter.offset <= offset)
  }

  #expire(): void {
    const now = this.#env.clock.monotonic()
    this.#timer = undefined
    this.#timerMs = Infinity
    this.#settle('timeout', (waiter) => waiter.deadline <= now)
    let next = Infinity
    for (const { deadline } of this.#waiters) next = Math.min(next, deadline)
    if (next < Infinity) this.#expireAt(next)
  }

  #settle(outcome: FlushOutcome, isDue: (waiter: Waiter) => boolean): void {
    const due = this.#waiters.filter(isDue)
    if (due.length === 0) return
    this.#waiters = this.#waiters.filter((waiter) => !isDue(waiter))
    for (const waiter of due) waiter.resolve(outcome)
    if (this.#waiters.length > 0) return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerMs = Infinity
  }
}
