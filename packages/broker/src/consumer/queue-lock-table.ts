import type { Clock } from '@skylarkmq/env'
import type { MessageQueue, TableLimit } from '@skylarkmq/protocol'
import { noLimits } from '../table-limits.ts'

const EXPIRY_MS = 60_000
/** Locks that one sweep looks at, so that others get their turn. */
const SWEPT_MAX = 20_000

interface Lock {
  clientId: string
  /** On the monotonic clock. */
  renewedMs: number
}

/**
 * Which client of a group has a queue to itself, for orderly consumption. A lock ends 60 s after it was
 * last renewed. Apache: `RebalanceLockManager.java`.
 */
export class QueueLockTable {
  readonly #clock: Clock
  readonly #limit: TableLimit
  readonly #groups = new Map<string, Map<string, Lock>>()
  #count = 0

  /** `limit` bounds the number of locks. */
  constructor(clock: Clock, limit = noLimits.locks) {
    this.#clock = clock
    this.#limit = limit
  }

  /**
   * Takes or renews locks; returns the queues that the client now has. Throws a ProtocolError when there is no room for
   * all of them.
   */
  lock(group: string, queues: readonly MessageQueue[], clientId: string): MessageQueue[] {
    const locks = this.#groups.get(group) ?? new Map<string, Lock>()
    const now = this.#clock.monotonic()
    const taken: MessageQueue[] = []
    for (const queue of queues) {
      const key = keyOf(queue)
      const held = locks.get(key)
      if (held !== undefined && held.clientId !== clientId && !this.#isExpired(held)) continue
      if (held === undefined) {
        this.#limit.check(this.#count + 1)
        this.#count++
      }
      locks.set(key, { clientId, renewedMs: now })
      if (locks.size === 1) this.#groups.set(group, locks)
      taken.push(queue)
    }
    return taken
  }

  /** Gives up the locks that the client has; others stay. */
  unlock(group: string, queues: readonly MessageQueue[], clientId: string): void {
    const locks = this.#groups.get(group)
    if (locks === undefined) return
    for (const queue of queues) {
      const key = keyOf(queue)
      if (locks.get(key)?.clientId === clientId) this.#remove(group, locks, key)
    }
  }

  /** Whether any client of the group holds a queue: the group consumes in order. */
  isHeldBy(group: string): boolean {
    const locks = this.#groups.get(group)
    if (locks === undefined) return false
    for (const [key, lock] of locks) {
      if (!this.#isExpired(lock)) return true
      this.#remove(group, locks, key)
    }
    return false
  }

  /** The client that holds a queue; undefined when none does. */
  holderOf(group: string, queue: MessageQueue): string | undefined {
    const lock = this.#groups.get(group)?.get(keyOf(queue))
    return lock === undefined || this.#isExpired(lock) ? undefined : lock.clientId
  }

  /** Forgets locks that have ended. To be called every few seconds; looks at some of them each time. */
  sweep(): void {
    let left = SWEPT_MAX
    let groups = this.#groups.size
    for (const [group, locks] of this.#groups) {
      // Those that were put at the end have been looked at.
      if (groups-- <= 0) return
      for (const [key, lock] of locks) {
        if (left-- <= 0) return
        if (this.#isExpired(lock)) this.#remove(group, locks, key)
      }
      if (locks.size === 0) continue
      // The next sweep begins with the others.
      this.#groups.delete(group)
      this.#groups.set(group, locks)
    }
  }

  #remove(group: string, locks: Map<string, Lock>, key: string): void {
    locks.delete(key)
    this.#count--
    if (locks.size === 0) this.#groups.delete(group)
  }

  #isExpired(lock: Lock): boolean {
    return this.#clock.monotonic() - lock.renewedMs > EXPIRY_MS
  }
}

function keyOf(queue: MessageQueue): string {
  return `${queue.topic}\n${queue.brokerName}\n${queue.queueId}`
}
