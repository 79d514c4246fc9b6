/** Places of those who have gone are dropped once there are so many. */
const DROPPED_TOGETHER = 1_024

/** A line in which the first goes at one cost, however many stand behind: an array moves them all up. */
export class Line<T> {
  #all: (T | undefined)[] = []
  /** The first that has not gone. */
  #at = 0

  /** Who is first; undefined when nobody is there. */
  get first(): T | undefined {
    return this.#all[this.#at]
  }

  push(last: T): void {
    this.#all.push(last)
  }

  /** The first goes. */
  shift(): T | undefined {
    const first = this.#all[this.#at]
    if (first === undefined) return undefined
    this.#all[this.#at++] = undefined
    if (this.#at === this.#all.length || this.#at >= DROPPED_TOGETHER) {
      this.#all = this.#all.slice(this.#at)
      this.#at = 0
    }
    return first
  }

  /** All go. */
  clear(): void {
    this.#all = []
    this.#at = 0
  }
}
