import type { Clock } from '@skylarkmq/env'

/** A send that took so long, ms, keeps its broker out for so long, ms. Apache: `MQFaultStrategy.java`. */
const STEPS = [
  [15_000, 30_000],
  [5_000, 10_000],
  [3_000, 6_000],
  [1_800, 5_000],
  [550, 2_000],
] as const
/** What a send that failed counts as. */
const FAILED_MS = 10_000

/** Which brokers have answered slowly or not at all, and are left alone for a while. Apache: `LatencyFaultToleranceImpl.java`. */
export class BrokerLatency {
  readonly #clock: Clock
  /** Monotonic ms from which on a broker is chosen again. */
  readonly #outUntil = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Notes how long a send to a broker took. */
  answered(brokerName: string, tookMs: number): void {
    const outMs = STEPS.find(([from]) => tookMs >= from)?.[1]
    if (outMs === undefined) this.#outUntil.delete(brokerName)
    else this.#outUntil.set(brokerName, this.#clock.monotonic() + outMs)
  }

  /** Notes that a send to a broker had no answer. */
  failed(brokerName: string): void {
    this.answered(brokerName, FAILED_MS)
  }

  /** Whether a broker may be chosen. */
  isAvailable(brokerName: string): boolean {
    const until = this.#outUntil.get(brokerName)
    return until === undefined || until <= this.#clock.monotonic()
  }
}
