import type { MessageQueue } from '@skylarkmq/protocol'
import { ConnectError, TimeoutError, type SendAttempt } from '../errors.ts'

/** How long is waited at first for a broker that is away, ms; twice as long each time. */
const FIRST_MS = 25
const LONGEST_MS = 500

/** Whether time ended while a broker was connected to that had refused it before: the refusal says more. */
export function isCutShort(
  error: Error,
  brokerName: string,
  attempts: readonly SendAttempt[],
): boolean {
  const wasRefused = attempts.some(
    (each) => each.brokerName === brokerName && each.error instanceof ConnectError,
  )
  return wasRefused && error instanceof TimeoutError && error.phase === 'connect'
}

/**
 * The brokers that took no connection during one send. That costs no try, for nothing was sent: when all are away, the
 * send waits for one to come back as long as it has time.
 */
export class Away {
  readonly #names = new Set<string>()
  #waitMs = FIRST_MS

  /** Notes a refusal among the attempts. Returns how long to wait before the next one, ms: 0 when another broker is left. */
  refused(attempt: SendAttempt, attempts: SendAttempt[], queues: readonly MessageQueue[]): number {
    // Of one broker's refusals the last one says enough.
    const known = attempts.findIndex(
      ({ brokerName, error }) => brokerName === attempt.brokerName && error instanceof ConnectError,
    )
    if (known >= 0) attempts.splice(known, 1)
    attempts.push(attempt)
    this.#names.add(attempt.brokerName)
    if (queues.some(({ brokerName }) => !this.#names.has(brokerName))) return 0
    this.#names.clear()
    const waitMs = this.#waitMs
    this.#waitMs = Math.min(LONGEST_MS, waitMs * 2)
    return waitMs
  }
}
