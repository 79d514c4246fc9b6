import type { Clock, Timer } from '@skylarkmq/env'
import { durationMs, type Duration } from '../duration.ts'

/** How many messages may be begun in a time. */
export interface RateLimitOptions {
  /** Messages, a whole number. */
  readonly messages: number
  /** In this time, ms or text such as `1s`, `1m`; default `1s`. */
  readonly per?: Duration | undefined
}

/** What was not begun in time, because a timer came late, may be made up for so long, ms. */
const MAKE_UP_MS = 20

/**
 * Lets messages begin evenly: one after each part of the time, not all at its start. What nobody needed is not saved up.
 */
export class RateLimit {
  readonly #clock: Clock
  readonly #everyMs: number
  /** When the next one may begin, on the monotonic clock. */
  #nextMs = -Infinity
  #timer: Timer | undefined

  /** Throws RMQ_OPTION. */
  constructor(clock: Clock, { messages, per = '1s' }: RateLimitOptions) {
    this.#clock = clock
    this.#everyMs = durationMs(per, 'rateLimit') / messages
  }

  /** Whether it is too early for another one; `wake` is called when it is not any more. */
  isEarly(wake: () => void): boolean {
    const waitMs = this.#nextMs - this.#clock.monotonic()
    if (waitMs <= 0) return false
    this.#timer ??= this.#clock.after(Math.ceil(waitMs), () => {
      this.#timer = undefined
      wake()
    })
    return true
  }

  /** One begins. */
  begun(): void {
    const earliestMs = this.#clock.monotonic() - MAKE_UP_MS
    this.#nextMs = Math.max(this.#nextMs, earliestMs) + this.#everyMs
  }
}
