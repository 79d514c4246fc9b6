const UNITS_OF_ALL = 1024 * 1024
const UNITS_MIN = 16
const UNITS_MAX = 2048

/**
 * How many of its newest units a queue may keep in memory: 2048 with few queues, and fewer with many, so that all of
 * them stay within 20 MiB.
 */
export class TailBudget {
  #tails = 0

  /** Units that one queue may have in memory now. */
  get unitsMax(): number {
    return Math.min(UNITS_MAX, Math.max(UNITS_MIN, Math.floor(UNITS_OF_ALL / this.#tails)))
  }

  /** A queue begins to keep units in memory. */
  taken(): void {
    this.#tails++
  }

  /** A queue no longer keeps units in memory. */
  givenBack(): void {
    this.#tails--
  }
}
