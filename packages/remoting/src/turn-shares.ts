import type { Clock, Turn } from '@skylarkmq/env'

/** How long requests are handled in one turn of the event loop, ms. */
const TURN_MS = 20
/** How long one connection has of it at a time, ms. */
const SHARE_MS = 2

/** Something that has more to do than its share of a turn allowed. */
export interface Unfinished {
  /** Goes on, in a share of its own. Never throws. */
  goOn(): void
}

/**
 * Shares the turns of the event loop among the connections of a server: each has some time, in the order in which they
 * came, and what it has left goes on in a later turn, behind the others that wait. So whatever one peer sends, the others
 * are heard soon.
 */
export class TurnShares {
  readonly #clock: Clock
  readonly #turn: Turn
  #waiting = new Set<Unfinished>()
  #isBegun = false
  /** Monotonic ms. */
  #endsMs = 0

  constructor({ clock, turn }: { readonly clock: Clock; readonly turn: Turn }) {
    this.#clock = clock
    this.#turn = turn
  }

  /** Begins a share. Returns when it ends, on the monotonic clock: in the past when this turn has no time left. */
  begin(): number {
    const now = this.#clock.monotonic()
    if (!this.#isBegun) {
      this.#isBegun = true
      this.#endsMs = now + TURN_MS
      this.#turn.next(this.#nextTurn)
    }
    return this.#endsMs <= now ? -Infinity : Math.min(this.#endsMs, now + SHARE_MS)
  }

  /** Has `unfinished` go on in the next turn, or in one soon after. */
  wait(unfinished: Unfinished): void {
    this.begin()
    this.#waiting.add(unfinished)
  }

  readonly #nextTurn = (): void => {
    this.#isBegun = false
    if (this.#waiting.size === 0) return
    const line = [...this.#waiting]
    this.#waiting = new Set()
    let served = 0
    while (served < line.length && this.begin() > 0) (line[served++] as Unfinished).goOn()
    if (served < line.length) this.#waiting = new Set([...line.slice(served), ...this.#waiting])
  }
}
