/**
 * Values counted in buckets, for metrics. To observe one costs a few comparisons and three additions, so that it may be
 * done for each request.
 */
export class Histogram {
  /** Upper bounds of the buckets, ascending; each bucket has its bound in it. */
  readonly bounds: readonly number[]
  /** How many values each bucket has, and after the last bound those that are greater. */
  readonly counts: Float64Array
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  /** Counts a value. */
  observe(value: number): void {
    const { bounds, counts } = this
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++
    counts[bucket] = (counts[bucket] as number) + 1
    this.sum += value
  }

  /** Adds what another one of the same bounds has counted. */
  merge(other: Histogram): void {
    for (let i = 0; i < this.counts.length; i++)
      this.counts[i] = (this.counts[i] as number) + (other.counts[i] ?? 0)
    this.sum += other.sum
  }

  /** How many values were counted. */
  get count(): number {
    return this.counts.reduce((sum, each) => sum + each, 0)
  }
}
