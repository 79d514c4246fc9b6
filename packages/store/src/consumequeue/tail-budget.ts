const UNITS_OF_ALL = 1024 * 1024
const UNITS_MIN = 16
const UNITS_MAX = 2048

/**
 * How many of its newest units a queue may keep in memory: with few queues 2048, with many as many fewer that all of
 * them together stay within 20 MiB.
 */
export class TailBudget {
  #tails = 0

  /** Units that one queue may have in memory at the moment. */
  get unitsMax(): number {
    return Math.min(UNITS_MAX, Math.max(UNITS_MIN, Math.floor(UNITS_OF_ALL / this.#tails)))
  }

  /** A queue begins to keep units in memory. */
  taken(): void {
    this.#tails++
  }

  /** A queue has none there any more. */
  givenBack(): void {
    this.#tails--
  }
}
