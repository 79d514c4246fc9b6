import type { Duration } from '@skylarkmq/client'
import type { Clock, Timer } from '@skylarkmq/env'

interface Waiting {
  /** In the time of this clock, ms. */
  at: number
  readonly order: number
  readonly everyMs: number | undefined
  readonly f: () => void
  timer: Timer | undefined
}

/** The clock of a server in a test: it runs with the host's and can be advanced. */
export interface TestClock {
  /** Wall clock of the server, ms since 1970. */
  now(): number
  /**
   * Advances the server's time, by ms or text such as `2h`. Everything due on the way happens in order, and its
   * consequences (a message delivered, consumed without success and due again) are awaited before the clock moves on.
   */
  advance(by: Duration): Promise<void>
}

/** How much later a timer message may arrive, given the precision of the broker's timer. */
const GRACE_MS = 200
/** Periodic calls are made at most this often while time is advanced, because nobody observes the times in between. */
const COARSE_MS = 600_000

/**
 * A clock that runs with another and can be advanced. Wall clock and timers are advanced; the monotonic clock is not,
 * so that clients do not appear to have been silent.
 */
export class MovableClock implements Clock {
  readonly #base: Clock
  readonly #waiting = new Set<Waiting>()
  #aheadMs = 0
  #order = 0
  #isMoving = false

  constructor(base: Clock) {
    this.#base = base
  }

  now(): number {
    return Math.floor(this.#base.now() + this.#aheadMs)
  }

  monotonic(): number {
    return this.#base.monotonic()
  }

  after(ms: number, f: () => void): Timer {
    return this.#add(ms, undefined, f)
  }

  every(ms: number, f: () => void): Timer {
    return this.#add(ms, Math.max(1, ms), f)
  }

  keepAlive(): Timer {
    return this.#base.keepAlive()
  }

  /** Advances by `ms`. Awaits `settle` before the first timer and after each. */
  async move(ms: number, settle: () => Promise<void>): Promise<void> {
    if (this.#isMoving) throw new Error('the clock is being moved on already: wait for that first')
    this.#isMoving = true
    try {
      await settle()
      const until = this.#time + ms + GRACE_MS
      for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
        this.#aheadMs += Math.max(0, next.at - this.#time)
        this.#run(next)
        await settle()
      }
      this.#aheadMs += Math.max(0, until - this.#time)
    } finally {
      this.#isMoving = false
      for (const entry of this.#waiting) this.#arm(entry)
    }
  }

  get #time(): number {
    return this.#base.monotonic() + this.#aheadMs
  }

  #add(ms: number, everyMs: number | undefined, f: () => void): Timer {
    const at = this.#time + Math.max(0, ms)
    const entry: Waiting = { at, order: this.#order++, everyMs, f, timer: undefined }
    this.#waiting.add(entry)
    this.#arm(entry)
    return {
      cancel: () => {
        this.#waiting.delete(entry)
        entry.timer?.cancel()
      },
    }
  }

  #arm(entry: Waiting): void {
    if (this.#isMoving) return
    entry.timer?.cancel()
    entry.timer = this.#base.after(Math.max(0, entry.at - this.#time), () => {
      entry.timer = undefined
      if (!this.#waiting.has(entry)) return
      // The running `move` calls it in its turn.
      if (!this.#isMoving) this.#run(entry)
    })
  }

  #next(until: number): Waiting | undefined {
    let first: Waiting | undefined
    for (const entry of this.#waiting) {
      if (entry.at > until) continue
      const isSooner =
        first === undefined ||
        entry.at < first.at ||
        (entry.at === first.at && entry.order < first.order)
      if (isSooner) first = entry
    }
    return first
  }

  #run(entry: Waiting): void {
    if (entry.everyMs === undefined) {
      this.#waiting.delete(entry)
      entry.timer?.cancel()
    } else {
      const stepMs = this.#isMoving ? Math.max(entry.everyMs, COARSE_MS) : entry.everyMs
      entry.at = Math.max(entry.at + entry.everyMs, this.#time - entry.everyMs + stepMs)
      this.#arm(entry)
    }
    entry.f()
  }
}
