import type { Clock } from './env.ts'

/** After a write that took long, nothing is written for this many times as long. */
const REST_FACTOR = 10

/** Changes that are to be in the next write. */
interface Waiting {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Writes something whole that changes often, with a pause between two writes: a change after a pause is written at
 * once, those that come during a pause are written together at its end. So the cost does not grow with the number of
 * changes, and each change can still be answered after it was written.
 */
export class SpacedWrites {
  readonly #clock: Clock
  readonly #write: () => void
  readonly #spaceMs: () => number
  #notBeforeMs = -Infinity
  #waiting: Waiting | undefined

  /** `write` may throw. `spaceMs` is the least time between the beginnings of two writes, and is read at each. */
  constructor(clock: Clock, spaceMs: () => number, write: () => void) {
    this.#clock = clock
    this.#spaceMs = spaceMs
    this.#write = write
  }

  /** Settles once the changes that wait are written, or could not be; undefined when none waits. */
  get waiting(): Promise<void> | undefined {
    return this.#waiting?.promise
  }

  /**
   * Notes a change. Returns undefined when it has been written, and throws what the write threw; otherwise a promise
   * that settles with the write that has the change in it. Nobody has to look at the promise.
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

  /** Writes without a pause. Whoever waits hears of it; without anybody waiting, throws what the write threw. */
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
  // A failure that nobody waits for is not one of the process.
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}
