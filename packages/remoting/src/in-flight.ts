import type { Clock, Timer } from '@skylarkmq/env'
import type { RemotingCommand } from '@skylarkmq/protocol'
import { ConnectionClosed, RequestTimeout } from './errors.ts'

interface Waiter {
  readonly request: string
  readonly timeoutMs: number
  /** Monotonic ms. */
  readonly deadlineMs: number
  /** Monotonic ms from which on an answer is overdue. */
  readonly dueMs: number
  readonly resolve: (answer: RemotingCommand) => void
  readonly reject: (error: Error) => void
}

/**
 * Requests that wait for their answer, by opaque. One table per connection and direction, so opaques of
 * the two sides never meet. Apache: `NettyRemotingAbstract.java`, responseTable.
 */
export class InFlight {
  readonly #clock: Clock
  readonly #address: string
  readonly #waiters = new Map<number, Waiter>()
  /** One for all: a timer for each request would cost more than the rest of it. */
  #timer: Timer | undefined
  /** Monotonic ms at which it fires; no deadline is earlier. */
  #timerAtMs = Infinity

  constructor(clock: Clock, address: string) {
    this.#clock = clock
    this.#address = address
  }

  /** How many requests wait. */
  get count(): number {
    return this.#waiters.size
  }

  /** Whether a request with this opaque waits. */
  has(opaque: number): boolean {
    return this.#waiters.has(opaque)
  }

  /** When the first answer is overdue, or has been since, monotonic ms; Infinity when nobody waits. */
  get dueMs(): number {
    let earliest = Infinity
    for (const { dueMs } of this.#waiters.values()) if (dueMs < earliest) earliest = dueMs
    return earliest
  }

  /**
   * Waits for the answer to `opaque`, which is overdue after `patienceMs`. Rejects with ERR_REMOTING_TIMEOUT after `timeoutMs`, or
   * ERR_REMOTING_CLOSED when the connection ends first.
   */
  wait(
    opaque: number,
    request: string,
    timeoutMs: number,
    patienceMs = timeoutMs,
  ): Promise<RemotingCommand> {
    return new Promise((resolve, reject) => {
      const now = this.#clock.monotonic()
      const deadlineMs = now + timeoutMs
      const dueMs = now + patienceMs
      this.#waiters.set(opaque, { request, timeoutMs, deadlineMs, dueMs, resolve, reject })
      if (deadlineMs < this.#timerAtMs) this.#arm(deadlineMs, timeoutMs)
    })
  }

  #arm(atMs: number, inMs: number): void {
    this.#timer?.cancel()
    this.#timerAtMs = atMs
    this.#timer = this.#clock.after(inMs, () => {
      this.#expire()
    })
  }

  /** Rejects who has waited long enough, and waits for the next. */
  #expire(): void {
    this.#timerAtMs = Infinity
    const now = this.#clock.monotonic()
    let nextMs = Infinity
    for (const [opaque, { request, timeoutMs, deadlineMs, reject }] of this.#waiters) {
      if (deadlineMs > now) {
        nextMs = Math.min(nextMs, deadlineMs)
        continue
      }
      this.#waiters.delete(opaque)
      reject(new RequestTimeout({ address: this.#address, request, timeoutMs }))
    }
    if (nextMs < Infinity) this.#arm(nextMs, Math.max(1, Math.ceil(nextMs - now)))
  }

  /** Hands an answer to whoever waits for it. False when nobody does: it came too late. */
  answer(command: RemotingCommand): boolean {
    const waiter = this.#waiters.get(command.opaque)
    if (waiter === undefined) return false
    this.#waiters.delete(command.opaque)
    waiter.resolve(command)
    return true
  }

  /** Rejects all who wait: the connection is gone, for `reason` if that is known. */
  closed(reason?: Error): void {
    const all = [...this.#waiters.values()]
    this.#waiters.clear()
    this.#timer?.cancel()
    this.#timerAtMs = Infinity
    for (const waiter of all) {
      waiter.reject(
        reason ?? new ConnectionClosed({ address: this.#address, request: waiter.request }),
      )
    }
  }
}
