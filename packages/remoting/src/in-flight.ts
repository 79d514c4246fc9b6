import type { Clock, Timer } from '@skylarkmq/env'
import type { RemotingCommand } from '@skylarkmq/protocol'
import { ConnectionClosed, RequestTimeout } from './errors.ts'

interface Waiter {
  readonly request: string
  readonly timer: Timer
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

  constructor(clock: Clock, address: string) {
    this.#clock = clock
    this.#address = address
  }

  /** How many requests wait. */
  get count(): number {
    return this.#waiters.size
  }

  /**
   * Waits for the answer to `opaque`. Rejects with ERR_REMOTING_TIMEOUT after `timeoutMs`, or
   * ERR_REMOTING_CLOSED when the connection ends first.
   */
  wait(opaque: number, request: string, timeoutMs: number): Promise<RemotingCommand> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(timeoutMs, () => {
        this.#waiters.delete(opaque)
        reject(new RequestTimeout({ address: this.#address, request, timeoutMs }))
      })
      this.#waiters.set(opaque, { request, timer, resolve, reject })
    })
  }

  /** Hands an answer to who waits for it. False when nobody does: it came too late. */
  answer(command: RemotingCommand): boolean {
    const waiter = this.#waiters.get(command.opaque)
    if (waiter === undefined) return false
    this.#waiters.delete(command.opaque)
    waiter.timer.cancel()
    waiter.resolve(command)
    return true
  }

  /** Rejects all who wait: the connection is gone, for `reason` if that is known. */
  closed(reason?: Error): void {
    const all = [...this.#waiters.values()]
    this.#waiters.clear()
    for (const waiter of all) {
      waiter.timer.cancel()
      waiter.reject(
        reason ?? new ConnectionClosed({ address: this.#address, request: waiter.request }),
      )
    }
  }
}
