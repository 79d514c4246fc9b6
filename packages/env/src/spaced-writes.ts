import type { Clock } from './env.ts'

/** After a slow write, the pause is this many times as long. */
const REST_FACTOR = 10

/** Changes for the next write. */
interface Waiting {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Writes something whole that changes often, with a pause between two writes: a change after a pause is written
 * immediately, changes during a pause are written together at its end. So the cost does not grow with the number of
 * changes, and each change can still be acknowledged after it was written.
 */
export class SpacedWrites {
  readonly #clock: Clock
  readonly #write: () => void
  readonly #spaceMs: () => number
  #notBeforeMs = -Infinity
  #waiting: Waiting | undefined

  /** `write` may throw. `spaceMs` is the shortest time between the starts of two writes, and is read at each. */
  constructor(clock: Clock, spaceMs: () => number, write: () => void) {
    this.#clock = clock
    this.#spaceMs = spaceMs
    this.#write = write
  }

  /** Settles once the pending changes are written, or failed to be; undefined when there are none. */
  get waiting(): Promise<void> | undefined {
    return this.#waiting?.promise
  }

  /**
   * Notes a change. Returns undefined when it was written immediately, and throws the error of that write; otherwise
   * returns a promise that settles with the write that includes the change. The promise may be ignored.
   */
  changed(): Promise<void> | undefined {
    if (this.#waiting !== undefined) return this.#waiting.promise
    const waitMs = this.#notBeforeMs - this.#clock.monotonic()
    if (waitMs <= 0) {
      this.#writeNow()
      return undefined
    }
    const waiting = makeWaiting()
    this.#waiting = waiting
    this.#clock.after(waitMs, () => {
      if (this.#waiting === waiting) this.#endWaiting(waiting)
    })
    return waiting.promise
  }

  /** Writes without a pause. Waiters get the result; without waiters, throws the error of the write. */
  now(): void {
    if (this.#waiting === undefined) this.#writeNow()
    else this.#endWaiting(this.#waiting)
  }

  #endWaiting(waiting: Waiting): void {
    this.#waiting = undefined
    try {
      this.#writeNow()
    } catch (error) {
      waiting.reject(error)
      return
    }
    waiting.resolve()
  }

  #writeNow(): void {
    const beganMs = this.#clock.monotonic()
    try {
      this.#write()
    } finally {
      const tookMs = this.#clock.monotonic() - beganMs
      this.#notBeforeMs = beganMs + Math.max(this.#spaceMs(), REST_FACTOR * tookMs)
    }
  }
}

function makeWaiting(): Waiting {
  let resolve: () => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const promise = new Promise<void>((onWritten, onFailed) => {
    resolve = onWritten
    reject = onFailed
  })
  // A failure without waiters must not be an unhandled rejection.
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}
