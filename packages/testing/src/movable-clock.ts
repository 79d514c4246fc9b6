import type { Duration } from '@skylarkmq/client'
import { TimerQueue, type Clock, type QueuedTimer, type Timer } from '@skylarkmq/env'

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
  readonly #timers = new TimerQueue()
  /** The host's timers under ours. */
  readonly #armed = new Map<QueuedTimer, Timer>()
  #aheadMs = 0
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
      for (let next = this.#timers.first(until); next !== undefined;) {
        this.#aheadMs += Math.max(0, next.at - this.#time)
        next.call()
        await settle()
        next = this.#timers.first(until)
      }
      this.#aheadMs += Math.max(0, until - this.#time)
    } finally {
      this.#isMoving = false
      for (const timer of this.#timers.all()) this.#arm(timer)
    }
  }

  get #time(): number {
    return this.#base.monotonic() + this.#aheadMs
  }

  #add(ms: number, everyMs: number | undefined, f: () => void): Timer {
    const timer = this.#timers.add(this.#time + Math.max(0, ms), () => {
      if (everyMs === undefined) this.#drop(timer)
      else this.#again(timer, everyMs)
      f()
    })
    this.#arm(timer)
    return {
      cancel: () => {
        this.#drop(timer)
      },
    }
  }

  #drop(timer: QueuedTimer): void {
    this.#timers.remove(timer)
    this.#armed.get(timer)?.cancel()
    this.#armed.delete(timer)
  }

  #again(timer: QueuedTimer, everyMs: number): void {
    const stepMs = this.#isMoving ? Math.max(everyMs, COARSE_MS) : everyMs
    this.#timers.moveTo(timer, Math.max(timer.at + everyMs, this.#time - everyMs + stepMs))
    this.#arm(timer)
  }

  #arm(timer: QueuedTimer): void {
    // While it is moved on, the mover calls each in its turn.
    if (this.#isMoving) return
    this.#armed.get(timer)?.cancel()
    const armed = this.#base.after(Math.max(0, timer.at - this.#time), () => {
      if (!this.#isMoving) timer.call()
    })
    this.#armed.set(timer, armed)
  }
}
