/** A delivery that the log has. */
export interface WrittenDelivery {
  /** Where its record ends; undefined or 0 when it left none. */
  readonly writtenEnd?: number
}

/** Deliveries that are written and may not be on disk: should the log be cut before their end, they are to be made once more. */
export class UnflushedDeliveries<T extends WrittenDelivery> {
  #deliveries: T[] = []

  /** Adds what was written, and forgets what is on disk by now. */
  written(deliveries: readonly T[], flushedOffset: number): void {
    const all = [...this.#deliveries, ...deliveries]
    this.#deliveries = all.filter(({ writtenEnd = 0 }) => writtenEnd > flushedOffset)
  }

  /** The log was cut at an offset: returns what is gone; all else is on disk. */
  cut(offset: number): T[] {
    const gone = this.#deliveries.filter(({ writtenEnd = 0 }) => writtenEnd > offset)
    this.#deliveries = []
    return gone
  }
}
