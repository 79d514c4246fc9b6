/**
 * A limit on requests of one kind that wait at the same time. Apache has a thread pool with a queue
 * for each kind (`BrokerController.java`, initializeThreadExecutors); we have no threads, and only what
 * waits (for the disk, for a message, for a client) counts.
 */
export class Lane {
  readonly name: string
  readonly limit: number
  #waiting = 0

  constructor(name: string, limit: number) {
    this.name = name
    this.limit = limit
  }

  /** Requests that wait now. */
  get waiting(): number {
    return this.#waiting
  }

  /** Whether one more would be too many. */
  get isFull(): boolean {
    return this.#waiting >= this.limit
  }

  /** Counts a request while it waits. */
  enter(): void {
    this.#waiting++
  }

  /** The request has its answer. */
  leave(): void {
    this.#waiting--
  }
}
