import type { MessageQueue } from '@skylarkmq/protocol'
import { ConnectError, TimeoutError, type SendAttempt } from '../errors.ts'

/** How long is waited at first for a broker that is away, ms; twice as long each time. */
const FIRST_MS = 25
const LONGEST_MS = 500

/** Whether a try never came to a connection. */
export function isNotReached(error: unknown): error is ConnectError | TimeoutError {
  return (
    error instanceof ConnectError || (error instanceof TimeoutError && error.phase === 'connect')
  )
}

/**
 * The brokers that took no connection during one send. That costs no try, for nothing was sent: when all are away, the
 * send waits for one to come back as long as it has time.
 */
export class Away {
  readonly #names = new Set<string>()
  #waitMs = FIRST_MS

  /** Those of `some` queues that may be tried next, else of `all`; `some` when none may, since the route has changed meanwhile. */
  left(some: readonly MessageQueue[], all: readonly MessageQueue[]): readonly MessageQueue[] {
    if (this.#names.size === 0) return some
    const isLeft = ({ brokerName }: MessageQueue): boolean => !this.#names.has(brokerName)
    return [some.filter(isLeft), all.filter(isLeft)].find((left) => left.length > 0) ?? some
  }

  /** Notes among the attempts that a broker was not reached. Returns how long to wait before the next one, ms: 0 when another broker is left. */
  refused(attempt: SendAttempt, attempts: SendAttempt[], queues: readonly MessageQueue[]): number {
    // Of one broker the last one says enough, and a refusal more than a wait that was cut short.
    const known = attempts.findIndex(
      ({ brokerName, error }) => brokerName === attempt.brokerName && isNotReached(error),
    )
    const before = known < 0 ? attempt : (attempts.splice(known, 1)[0] ?? attempt)
    const isLess = before.error instanceof ConnectError && attempt.error instanceof TimeoutError
    attempts.push(isLess ? before : attempt)
    this.#names.add(attempt.brokerName)
    if (queues.some(({ brokerName }) => !this.#names.has(brokerName))) return 0
    this.#names.clear()
    const waitMs = this.#waitMs
    this.#waitMs = Math.min(LONGEST_MS, waitMs * 2)
    return waitMs
  }
}
