import type { Clock, Timer } from '@skylarkmq/env'
import type { InFlight } from './in-flight.ts'

/** Bounds of how long a peer that is there takes to answer as a rule, ms: a third of the time that it has. */
const PATIENCE_LEAST_MS = 1_000
const PATIENCE_MOST_MS = 3_000
/** Whoever was heard in the last so many ms is there. */
const QUIET_MS = 1_000
/** How long the answer to the question whether it is there may take, ms. */
const ANSWER_MS = 1_000
/** How long a peer may take nothing of what is queued for it, ms: it may hold back whom it does not want to hear for a while. */
const QUEUED_MS = 10_000
/** A peer that is there and slow is asked again after so long, ms. */
const AGAIN_MS = 5_000
/** A timer that comes later than this tells of a process that was busy, and may not have read what came, ms. */
const LATE_MS = 250
/** What came up to the end of the wait is read in this time, ms. */
const LAST_MS = 50

/** How long an answer may be away before it is asked whether the peer is there at all, ms. */
export function patienceMsOf(timeoutMs: number): number {
  return Math.min(PATIENCE_MOST_MS, Math.max(PATIENCE_LEAST_MS, timeoutMs / 3))
}

/** What a connection is looked at by. */
export interface SilenceParts {
  readonly clock: Clock
  readonly inFlight: InFlight
  /** Bytes that the host has not taken. */
  readonly queuedBytes: () => number
  /** Changes while the host takes what is queued. */
  readonly progress: () => number
  /** This side does not read now. */
  readonly isDeaf: () => boolean
  /** Sends what every peer answers at once. */
  readonly ask: () => void
  /** Nothing has been heard for `silentMs`, in spite of all that was asked. */
  readonly giveUp: (silentMs: number) => void
}

/**
 * Finds out that nobody is there any more, which nothing tells when a NAT or a firewall has forgotten a connection. A request
 * that is not answered for long proves nothing while anything else comes: its peer is slow. When nothing comes, the peer is
 * asked something that all answer at once, and is given up when that has no answer either. Without requests nothing is
 * asked, and nothing costs a byte while answers come.
 */
export class Silence {
  readonly #parts: SilenceParts
  /** Monotonic ms, as all times here. */
  #heardMs: number
  /** When an answer was due to what was sent since something was heard. Outlives requests whose time is up. */
  #dueMs = Infinity
  /** Since when the peer has been asked whether it is there. */
  #askedMs: number | undefined
  #lastAskedMs = -Infinity
  #progress = 0
  #isLastLook = false
  #timer: Timer | undefined
  #timerAtMs = Infinity

  constructor(parts: SilenceParts) {
    this.#parts = parts
    this.#heardMs = parts.clock.monotonic()
  }

  /** Something came. */
  heard(nowMs: number): void {
    this.#heardMs = nowMs
    this.#dueMs = Infinity
  }

  /** A request is sent that a peer which is there answers within `patienceMs` as a rule. */
  sent(nowMs: number, patienceMs: number): void {
    const dueMs = nowMs + patienceMs
    if (dueMs < this.#dueMs) this.#dueMs = dueMs
    if (dueMs < this.#timerAtMs) this.#arm(dueMs, patienceMs)
  }

  /** The connection has ended. */
  cancel(): void {
    this.#timer?.cancel()
    this.#timerAtMs = -Infinity
  }

  #arm(atMs: number, inMs: number): void {
    this.#timer?.cancel()
    this.#timerAtMs = atMs
    this.#timer = this.#parts.clock.after(Math.max(1, Math.ceil(inMs)), () => {
      const now = this.#parts.clock.monotonic()
      const isLate = now - this.#timerAtMs > LATE_MS
      this.#timerAtMs = Infinity
      if (this.#askedMs === undefined) this.#suspect(now)
      else this.#judge(now, this.#askedMs, isLate)
    })
  }

  /** Asks whether the peer is there, when an answer is overdue and nothing comes. */
  #suspect(now: number): void {
    const { inFlight, isDeaf } = this.#parts
    const dueMs = Math.min(this.#dueMs, inFlight.dueMs)
    if (dueMs === Infinity) return
    const atMs = Math.max(dueMs, this.#heardMs + QUIET_MS, this.#lastAskedMs + AGAIN_MS)
    if (atMs > now || isDeaf()) {
      this.#armIn(now, Math.max(QUIET_MS / 10, atMs - now))
      return
    }
    this.#isLastLook = false
    this.#lastAskedMs = now
    this.#waitAnew(now)
    this.#parts.ask()
  }

  #judge(now: number, askedMs: number, isLate: boolean): void {
    const { queuedBytes, progress, isDeaf, giveUp } = this.#parts
    if (this.#heardMs >= askedMs) {
      this.#askedMs = undefined
      this.#suspect(now)
      return
    }
    const waitMs = queuedBytes() > 0 ? QUEUED_MS : ANSWER_MS
    if (isLate || isDeaf() || progress() !== this.#progress) this.#waitAnew(now)
    else if (now - askedMs < waitMs) this.#armIn(now, Math.min(ANSWER_MS, askedMs + waitMs - now))
    else if (this.#isLastLook) giveUp(now - this.#heardMs)
    else {
      this.#isLastLook = true
      this.#armIn(now, LAST_MS)
    }
  }

  /** The wait for the answer begins, or restarts. */
  #waitAnew(now: number): void {
    this.#askedMs = now
    this.#progress = this.#parts.progress()
    this.#armIn(now, ANSWER_MS)
  }

  #armIn(now: number, inMs: number): void {
    this.#arm(now + inMs, inMs)
  }
}
