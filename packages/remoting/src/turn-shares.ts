import type { Clock, Turn } from '@skylarkmq/env'

/** How long requests are handled in one turn of the event loop, ms. */
const TURN_MS = 10
/** The part of it for what earlier turns left, ms; the rest is for newcomers, which have asked for little as a rule. */
const LEFT_OVER_MS = 5
/** How long one connection has of it at a time, ms; and how long where so many want some of it. */
const SHARE_MS = 1
const CROWD = 8
const CROWDED_SHARE_MS = 0.25

/** Frames that are handled in one share. */
const SHARE_FRAMES = 1024
/** The clock is looked at after each frame; after so many when they take less than this, ms. */
const CHEAP_FRAMES = 8
const CHEAP_FRAME_MS = 0.05

/** Something that has more to do than its share of a turn allowed. */
export interface Unfinished {
  /** Goes on, in a share of its own. Never throws. */
  goOn(): void
}

/**
 * Shares the turns of the event loop among the connections of a server: each has some time, in the order in which they
 * came, and what it has left continues in a later turn, behind the others that wait; those that have had nothing yet come before
 * all of them. So whatever one peer sends, the others are heard soon.
 */
export class TurnShares {
  /** What its times are told by. */
  readonly clock: Clock
  readonly #turn: Turn
  /** Those that had a share, and those that came when the turn had no time left for them. */
  #waiting = new Set<Unfinished>()
  #fresh = new Set<Unfinished>()
  #isBegun = false
  /** How many waited when this turn began. */
  #waited = 0
  /** Monotonic ms. */
  #endsMs = 0

  constructor({ clock, turn }: { readonly clock: Clock; readonly turn: Turn }) {
    this.clock = clock
    this.#turn = turn
  }

  /** Begins a share. Returns when it ends, on the monotonic clock: in the past when this turn has no time left. */
  begin(): number {
    const now = this.clock.monotonic()
    if (!this.#isBegun) {
      this.#isBegun = true
      this.#endsMs = now + TURN_MS
      this.#turn.next(this.#nextTurn)
    }
    if (this.#endsMs <= now) return -Infinity
    const waiting = Math.max(this.#waited, this.#fresh.size + this.#waiting.size)
    return Math.min(this.#endsMs, now + (waiting < CROWD ? SHARE_MS : CROWDED_SHARE_MS))
  }

  /** Has `unfinished` continue in the next turn, or in one soon after. `isFresh` says that it has had nothing yet. */
  wait(unfinished: Unfinished, isFresh = false): void {
    this.begin()
    if (isFresh && !this.#waiting.has(unfinished)) this.#fresh.add(unfinished)
    else if (!this.#fresh.has(unfinished)) this.#waiting.add(unfinished)
  }

  readonly #nextTurn = (): void => {
    this.#isBegun = false
    const fresh = [...this.#fresh]
    const line = [...this.#waiting]
    this.#waited = fresh.length + line.length
    if (this.#waited === 0) return
    this.#fresh = new Set()
    this.#waiting = new Set()
    this.begin()
    const untilMs = this.clock.monotonic() + LEFT_OVER_MS
    const freshServed = this.#serve(fresh, this.#endsMs)
    const served = this.#serve(line, untilMs)
    this.#fresh = new Set([...fresh.slice(freshServed), ...this.#fresh])
    this.#waiting = new Set([...line.slice(served), ...this.#waiting])
  }

  /** Lets the first of a line continue, one at least; returns how many. */
  #serve(line: readonly Unfinished[], untilMs: number): number {
    let served = 0
    while (served < line.length) {
      ;(line[served++] as Unfinished).goOn()
      if (this.clock.monotonic() >= untilMs) break
    }
    return served
  }
}

/** What one connection has of a turn, in frames and in time. */
export class TurnShare {
  readonly #turns: TurnShares
  #frames = 0
  /** Monotonic ms. */
  #endsMs = 0
  /** When and at which frame the clock was looked at last, and how many frames later it is again. */
  #lookedMs = 0
  #lookedFrame = 0
  #step = 1

  constructor(turns: TurnShares) {
    this.#turns = turns
  }

  /** Begins a share; false when this turn has no time left. */
  begin(): boolean {
    this.#endsMs = this.#turns.begin()
    this.#frames = 0
    this.#lookedMs = 0
    this.#lookedFrame = 0
    this.#step = 1
    return this.#endsMs > 0
  }

  /** A frame was handled; whether another one may be. */
  goesOn(): boolean {
    const frames = ++this.#frames
    if (frames === SHARE_FRAMES) return false
    if (frames - this.#lookedFrame < this.#step) return true
    const now = this.#turns.clock.monotonic()
    this.#step = now - this.#lookedMs < CHEAP_FRAME_MS * this.#step ? CHEAP_FRAMES : 1
    this.#lookedFrame = frames
    this.#lookedMs = now
    return now < this.#endsMs
  }
}
