import type { Duration } from '@skylarkmq/client'
import type { Clock, Timer } from '@skylarkmq/env'

interface Waiting {
  /** On this clock's own time, ms. */
  at: number
  readonly order: number
  readonly everyMs: number | undefined
  readonly f: () => void
  timer: Timer | undefined
}

/** The clock of a server in a test: it goes as the host's does, and can be moved on. */
export interface TestClock {
  /** Wall clock of the server, ms since 1970. */
  now(): number
  /**
   * Moves the server's time on, by ms or text such as `2h`: all that falls due on the way happens in its order, and what
   * it leads to (a message delivered, consumed in vain and due again) is awaited before the clock moves on.
   */
  advance(by: Duration): Promise<void>
}

/** A message that is timed may come so much later, as fine as the broker's timer is. */
const GRACE_MS = 200
/**
 * While time is moved on, what is called again and again need not be called more often than this: nobody sees the
 * times between.
 */
const COARSE_MS = 600_000

/**
 * A clock that goes with another, and can be moved on. Its wall clock and its timers are moved; the monotonic one is
 * not, so that clients are not found silent for the time that was left out.
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

  /** Moves on by `ms`. `settle` is called before the first and after each timer, and waited for. */
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
      // The mover calls it in its turn.
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
