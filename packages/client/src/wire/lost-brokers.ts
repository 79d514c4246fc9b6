import type { Env } from '@skylarkmq/env'
import { SkylarkError } from '@skylarkmq/protocol'
import type { ConnectionEnd } from '@skylarkmq/remoting'
import { pause } from '../pause.ts'
import type { TopicRouteTable } from '../route/topic-route-table.ts'

/** Routes that lead to one address are not read again because of it more often than this, ms. */
const ROUTES_MS = 1_000
/** The first pause before a broker is connected to again, ms at most; each is twice as long as the one before. */
const FIRST_MS = 100

/** What is needed to find lost brokers again. */
export interface LostBrokersParts {
  readonly env: Env
  readonly routes: TopicRouteTable
  /** Up to which pause connecting is tried, ms: after that, heartbeats do it. */
  readonly heartbeatMs: number
  /** Connects to an address, unless it is connected to. Rejects with the errors of `Caller`. */
  readonly reach: (address: string) => Promise<void>
  /** Whether brokers must be able to ask this client something at any time. */
  readonly isAsked: () => boolean
  /** The client has ended. */
  readonly isOver: () => boolean
}

/**
 * Looks after brokers that this client was connected to: where nobody is any more the routes are read again at once, and a client
 * that brokers ask, of transactions or as the member of a group, connects again though it has nothing to say itself.
 */
export class LostBrokers {
  readonly #parts: LostBrokersParts
  /** When routes were read because of an address, monotonic ms. */
  readonly #readMs = new Map<string, number>()
  readonly #reaching = new Set<string>()

  constructor(parts: LostBrokersParts) {
    this.#parts = parts
  }

  /** Nobody is at an address, or nothing comes from there any more. Resolves once the routes that lead there have been read again. */
  async unreachable(address: string): Promise<void> {
    const { env, routes, isOver } = this.#parts
    const now = env.clock.monotonic()
    if (isOver() || routes.brokerAt(address) === undefined) return
    if (now - (this.#readMs.get(address) ?? -Infinity) < ROUTES_MS) return
    this.#readMs.set(address, now)
    await routes.refreshAt(address)
  }

  /** A connection has ended. Resolves once the broker has been found again, or is left to heartbeats. */
  async ended(address: string, end: ConnectionEnd): Promise<void> {
    if (end === 'left') return
    const routes = end === 'silent' ? this.unreachable(address) : undefined
    await Promise.all([routes, this.#connectAgain(address)])
  }

  async #connectAgain(address: string): Promise<void> {
    if (this.#reaching.has(address) || !this.#isWanted(address)) return
    this.#reaching.add(address)
    // A process that has nothing else to wait for would end here.
    const alive = this.#parts.env.clock.keepAlive()
    try {
      await this.#reach(address)
    } finally {
      alive.cancel()
      this.#reaching.delete(address)
    }
  }

  async #reach(address: string): Promise<void> {
    const { env, heartbeatMs, reach } = this.#parts
    for (let waitMs = FIRST_MS; waitMs < Math.max(heartbeatMs, 2 * FIRST_MS); waitMs *= 2) {
      // Each time another while, so that not all clients of a broker come at once.
      await pause(env.clock, waitMs * (0.5 + env.random.next() / 2))
      if (!this.#isWanted(address)) return
      try {
        await reach(address)
        return
      } catch (error) {
        if (!(error instanceof SkylarkError)) throw error
      }
    }
  }

  #isWanted(address: string): boolean {
    const { routes, isAsked, isOver } = this.#parts
    return !isOver() && isAsked() && routes.brokerAt(address) !== undefined
  }
}
