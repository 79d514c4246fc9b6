import type { Duration } from '@skylarkmq/client'
import { TimerQueue, type Clock, type QueuedTimer, type Timer } from '@skylarkmq/env'

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

  /** Moves on by `ms`. `settle` is called before the first and after each timer, and waited for. */
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
