/** A delivery that was written to the log. */
export interface WrittenDelivery {
  /** End of its record; undefined or 0 when it wrote none. */
  readonly writtenEnd?: number
}

/** Deliveries that are written but may not be on disk: if the log is cut before their end, they must be repeated. */
export class UnflushedDeliveries<T extends WrittenDelivery> {
  #deliveries: T[] = []

  /** Adds what was written, and drops what is on disk by now. */
  written(deliveries: readonly T[], flushedOffset: number): void {
    const all = [...this.#deliveries, ...deliveries]
    this.#deliveries = all.filter(({ writtenEnd = 0 }) => writtenEnd > flushedOffset)
  }

  /** The log was cut at an offset: returns the deliveries that are lost; all others are on disk. */
  cut(offset: number): T[] {
    const gone = this.#deliveries.filter(({ writtenEnd = 0 }) => writtenEnd > offset)
    this.#deliveries = []
    return gone
  }
}
