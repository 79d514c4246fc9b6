/** Observations, counted by size. */
export interface HistogramSnapshot {
  /** How many there were. */
  readonly count: number
  /** All of them together. */
  readonly sum: number
  /** For each bound how many were no larger, smaller bounds included. */
  readonly buckets: readonly { readonly le: number; readonly count: number }[]
}

/** Counts observations by size, without keeping any. */
export class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #count = 0
  #sum = 0

  /** `bounds` grow. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = bounds.map(() => 0)
  }

  /** Takes one. */
  observe(value: number): void {
    this.#count++
    this.#sum += value
    const bounds = this.#bounds
    for (let i = 0; i < bounds.length; i++) {
      if (value <= (bounds[i] as number)) {
        this.#counts[i] = (this.#counts[i] as number) + 1
        return
      }
    }
  }

  /** What was observed. */
  snapshot(): HistogramSnapshot {
    let below = 0
    const buckets = this.#bounds.map((le, i) => {
      below += this.#counts[i] ?? 0
      return { le, count: below }
    })
    return { count: this.#count, sum: this.#sum, buckets }
  }
}
