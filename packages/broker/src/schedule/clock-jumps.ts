import type { Clock } from '@skylarkmq/env'

/** A smaller step of the wall clock back is no jump. */
export const JUMP_MS = 500

interface Jump {
  /** What was stored before has its times from the clock as it was. */
  readonly logEnd: number
  readonly backMs: number
  /** The level for which it was found out later; undefined for one that was seen, which counts for all. */
  readonly level: number | undefined
}

/**
 * Knows when the wall clock was set back: sees it by the clock that never is, or is told. A delay that began before
 * would otherwise last as much longer, or end too soon.
 */
export class ClockJumps {
  readonly #clock: Clock
  #aheadMs: number
  #logEnd: number
  #jumps: Jump[] = []

  /** What was stored before `logEnd` came before. */
  constructor(clock: Clock, logEnd: number) {
    this.#clock = clock
    this.#logEnd = logEnd
    this.#aheadMs = clock.now() - clock.monotonic()
  }

  /** To be called now and then. */
  look(): void {
    const aheadMs = this.#clock.now() - this.#clock.monotonic()
    const backMs = this.#aheadMs - aheadMs
    // A slow drift is followed, so that it does not add up to a jump.
    this.#aheadMs = aheadMs
    if (backMs < JUMP_MS) return
    this.#jumps.push({ logEnd: this.#logEnd, backMs, level: undefined })
  }

  /** To be called with each message that comes, in their order. */
  arrived(storeTimestamp: number, physicalOffset: number, sizeBytes: number): void {
    const isOfNow = storeTimestamp <= this.#clock.now()
    if (isOfNow) this.look()
    this.#logEnd = physicalOffset + sizeBytes
  }

  /** Takes note of a jump that nobody saw: messages of a level before `logEnd` have times that are too late. */
  found(level: number, logEnd: number, backMs: number): void {
    this.#jumps.push({ logEnd, backMs, level })
  }

  /** How much too late the times of a level's message are that was stored at a physical offset, ms. */
  backMs(level: number, physicalOffset: number): number {
    let sumMs = 0
    for (const jump of this.#jumps) {
      const isMeant = jump.level === undefined || jump.level === level
      if (isMeant && physicalOffset < jump.logEnd) sumMs += jump.backMs
    }
    return sumMs
  }
}
