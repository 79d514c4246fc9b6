import type { Arrival } from '../message/message.ts'

/** What the log tells whoever follows it: held pulls, timers, delayed messages, transactions, offsets. */
export interface LogWatch {
  /**
   * A message can be read from its queue. Called in the order of the log at the end of the turn, before the answers
   * are sent: keep it short. The object is used again for the next message.
   */
  arrived?(arrival: Arrival): void
  /**
   * The log was cut while it is open, and ends at an offset: what follows a failed sync could not be brought to disk, and
   * is gone from log, queues and index. Nothing of it was known to be on disk; other messages will have its places.
   */
  cut?(offset: number): void
}

/** Those that follow a log. */
export class LogWatches {
  readonly #arrived: LogWatch[] = []
  readonly #cut: LogWatch[] = []

  add(watch: LogWatch): void {
    if (watch.arrived !== undefined) this.#arrived.push(watch)
    if (watch.cut !== undefined) this.#cut.push(watch)
  }

  /** Tells that a message can be read. */
  arrived(arrival: Arrival): void {
    for (const watch of this.#arrived) watch.arrived?.(arrival)
  }

  /** Tells that the log was cut, once queues and index were. */
  cut(offset: number): void {
    for (const watch of this.#cut) watch.cut?.(offset)
  }
}
