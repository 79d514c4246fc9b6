import type { Arrival } from '../message/message.ts'

/** Callbacks for components that follow the log: held pulls, timers, delayed messages, transactions, offsets. */
export interface LogWatch {
  /**
   * A message can be read from its queue. Called in log order at the end of the turn, before answers are sent, so it
   * must be short. The object is reused for the next message.
   */
  arrived?(arrival: Arrival): void
  /**
   * The running log was cut at `offset`, because a failed sync lost what follows; log, queues and index have been
   * cut. Nothing of it was known to be on disk. New messages will reuse its offsets.
   */
  cut?(offset: number): void
}

/** The watches of a log. */
export class LogWatches {
  readonly #arrived: LogWatch[] = []
  readonly #cut: LogWatch[] = []

  add(watch: LogWatch): void {
    if (watch.arrived !== undefined) this.#arrived.push(watch)
    if (watch.cut !== undefined) this.#cut.push(watch)
  }

  /** Reports that a message can be read. */
  arrived(arrival: Arrival): void {
    for (const watch of this.#arrived) watch.arrived?.(arrival)
  }

  /** Reports that the log was cut, after queues and index were cut. */
  cut(offset: number): void {
    for (const watch of this.#cut) watch.cut?.(offset)
  }
}
