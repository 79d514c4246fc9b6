import type { Env, Timer } from '@skylarkmq/env'
import type { DiskTimes, StoreConfig } from '@skylarkmq/store'

/** How often the event loop and the disk are looked at. */
const PULSE_MS = 100

/** What knows how fast the disk is. */
export interface DiskTimer {
  diskTimes(): DiskTimes
}

/**
 * Knows when the broker cannot keep up: a sync of the log that does not end, or a turn of the event loop
 * (a write to a slow disk, most often) that held everything up. Apache has one measure for both: how long one
 * message has held the lock of the log (`DefaultMessageStore.java`, isOSPageCacheBusy).
 */
export class FlowControl {
  readonly #env: Env
  readonly #config: StoreConfig
  readonly #store: DiskTimer
  #pulse: Timer | undefined
  #pulseMs = 0
  #heldUpMs = 0
  #isSyncSlow = false

  constructor(env: Env, config: StoreConfig, store: DiskTimer) {
    this.#env = env
    this.#config = config
    this.#store = store
  }

  /** Begins to look. */
  start(): void {
    this.#pulseMs = this.#env.clock.monotonic()
    this.#pulse = this.#env.clock.every(PULSE_MS, () => {
      this.#look()
    })
  }

  /** Ends to look. */
  stop(): void {
    this.#pulse?.cancel()
  }

  /**
   * Why messages are refused now, as the end of a sentence that begins with `because`; undefined when they are
   * taken.
   */
  readonly busy = (): string | undefined => {
    if (this.#heldUpMs > 0) return this.#whyHeldUp()
    return this.#isSyncSlow ? this.#whySyncIsSlow() : undefined
  }

  /** What requests wait for, as the end of a sentence. */
  readonly reason = (): string => {
    const { syncingMs, lastSyncMs, lastWriteMs } = this.#store.diskTimes()
    const now =
      syncingMs === undefined ? 'none is under way' : `one has taken ${ms(syncingMs)} so far`
    return `the last write of the log took ${ms(lastWriteMs)}, its last sync ${ms(lastSyncMs)}, ${now}`
  }

  #look(): void {
    const now = this.#env.clock.monotonic()
    const lateMs = now - this.#pulseMs - PULSE_MS
    this.#pulseMs = now
    this.#isSyncSlow = this.#whySyncIsSlow() !== undefined
    if (lateMs < this.#config.osPageCacheBusyTimeOutMills) return
    // What came meanwhile is read next, and belongs to the turn that begins now.
    this.#heldUpMs = lateMs
    this.#env.turn.sends(() => {
      this.#heldUpMs = 0
    })
  }

  #whyHeldUp(): string {
    const { lastWriteMs } = this.#store.diskTimes()
    return lastWriteMs * 2 >= this.#heldUpMs
      ? `the last write of the log took ${ms(lastWriteMs)}`
      : `the broker was held up for ${ms(this.#heldUpMs)}`
  }

  #whySyncIsSlow(): string | undefined {
    if (this.#config.flushDiskType === 'ASYNC_FLUSH') return undefined
    const { syncingMs = 0 } = this.#store.diskTimes()
    if (syncingMs < this.#config.osPageCacheBusyTimeOutMills) return undefined
    return `a sync of the log has taken ${ms(syncingMs)} so far`
  }
}

const ms = (duration: number): string => `${Math.round(duration)} ms`
