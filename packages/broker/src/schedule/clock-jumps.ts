import type { Clock } from '@skylarkmq/env'

interface Jump {
  /** What was stored before has its times from the clock as it was. */
  readonly logEnd: number
  readonly backMs: number
}

/**
 * Sees when the wall clock is set back, by the one that never is. A delay that began before would otherwise last as
 * much longer.
 */
export class ClockJumps {
  readonly #clock: Clock
  readonly #leastMs: number
  #aheadMs: number
  #jumps: Jump[] = []

  /** A step of less than `leastMs` is none. */
  constructor(clock: Clock, leastMs: number) {
    this.#clock = clock
    this.#leastMs = leastMs
    this.#aheadMs = clock.now() - clock.monotonic()
  }

  /** To be called now and then. `logEnd` is the end of the commit log. */
  look(logEnd: number): void {
    const aheadMs = this.#clock.now() - this.#clock.monotonic()
    const backMs = this.#aheadMs - aheadMs
    // A slow drift is followed, so that it does not add up to a jump.
    this.#aheadMs = aheadMs
    if (backMs >= this.#leastMs) this.#jumps.push({ logEnd, backMs })
  }

  /** How much too late the times of a message are that was stored at a physical offset, ms. */
  backMs(physicalOffset: number): number {
    let sumMs = 0
    for (const { logEnd, backMs } of this.#jumps) if (physicalOffset < logEnd) sumMs += backMs
    return sumMs
  }
}
