import type { Clock } from '@skylarkmq/env'

/** So long an address is passed over, ms: a heartbeat, which connects to it, comes more often. */
const OUT_MS = 35_000

/**
 * Addresses of which nothing came when they were connected to, not even a refusal: a host that is down, or a firewall that
 * swallows what is sent there. Whoever has the choice passes them over, for each try takes long.
 */
export class Unanswered {
  readonly #clock: Clock
  /** Until when each is passed over, monotonic ms. */
  readonly #until = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Connecting to an address takes long, or ended without an answer. */
  add(address: string): void {
    this.#until.set(address, this.#clock.monotonic() + OUT_MS)
  }

  /** Somebody is there: he took the connection or refused it. */
  remove(address: string): void {
    this.#until.delete(address)
  }

  /** Those that are not passed over; all when none is left. Costs nothing while every address answers. */
  without<T>(all: readonly T[], addressOf: (each: T) => string | undefined): readonly T[] {
    if (this.#until.size === 0) return all
    const now = this.#clock.monotonic()
    for (const [address, until] of this.#until) if (until <= now) this.#until.delete(address)
    const rest = all.filter((each) => !this.#until.has(addressOf(each) ?? ''))
    return rest.length > 0 ? rest : all
  }
}
