import type { Clock } from '@skylarkmq/env'
import type { MessageQueue } from '@skylarkmq/protocol'

const EXPIRY_MS = 60_000

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
  readonly #groups = new Map<string, Map<string, Lock>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Takes or renews locks; returns the queues that the client now has. */
  lock(group: string, queues: readonly MessageQueue[], clientId: string): MessageQueue[] {
    const locks = this.#groups.get(group) ?? new Map<string, Lock>()
    this.#groups.set(group, locks)
    const now = this.#clock.monotonic()
    return queues.filter((queue) => {
      const held = locks.get(keyOf(queue))
      if (held !== undefined && held.clientId !== clientId && !this.#isExpired(held)) return false
      locks.set(keyOf(queue), { clientId, renewedMs: now })
      return true
    })
  }

  /** Gives up the locks that the client has; others stay. */
  unlock(group: string, queues: readonly MessageQueue[], clientId: string): void {
    const locks = this.#groups.get(group)
    for (const queue of queues) {
      if (locks?.get(keyOf(queue))?.clientId === clientId) locks.delete(keyOf(queue))
    }
    if (locks?.size === 0) this.#groups.delete(group)
  }

  /** Whether any client of the group holds a queue: the group consumes in order. */
  isHeldBy(group: string): boolean {
    for (const lock of this.#groups.get(group)?.values() ?? []) {
      if (!this.#isExpired(lock)) return true
    }
    return false
  }

  #isExpired(lock: Lock): boolean {
    return this.#clock.monotonic() - lock.renewedMs > EXPIRY_MS
  }
}

function keyOf(queue: MessageQueue): string {
  return `${queue.topic}\n${queue.brokerName}\n${queue.queueId}`
}
