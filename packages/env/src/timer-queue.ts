/** A timer in a queue; but for the queue, `at` and `call` are read alone. */
export class QueuedTimer {
  /** When it falls due, on the clock of its queue. */
  at: number
  readonly call: () => void
  readonly order: number
  /** Where it is in the heap; -1 when it is not. */
  place = -1

  constructor(at: number, order: number, call: () => void) {
    this.at = at
    this.order = order
    this.call = call
  }
}

/**
 * Timers of a clock that is not the host's: the earliest first, and of those at one time the first that was added. The
 * clocks differ in who moves time on: `World` lets promises settle after each call, `ManualClock` calls all within one
 * call of a test, and the testing kit's `MovableClock` goes with the host's clock between its moves.
 */
export class TimerQueue {
  readonly #heap: QueuedTimer[] = []
  #order = 0

  /** Adds a timer, which whoever keeps the time calls. */
  add(at: number, call: () => void): QueuedTimer {
    const timer = new QueuedTimer(at, this.#order++, call)
    timer.place = this.#heap.push(timer) - 1
    this.#rise(timer)
    return timer
  }

  /** Takes a timer out; false when it was not in. */
  remove(timer: QueuedTimer): boolean {
    const { place } = timer
    if (place < 0) return false
    timer.place = -1
    const last = this.#heap.pop() as QueuedTimer
    if (last === timer) return true
    this.#put(last, place)
    this.#rise(last)
    this.#sink(last)
    return true
  }

  /** Sets when a timer falls due, if it is in. Among those of one time it stands where it was added. */
  moveTo(timer: QueuedTimer, at: number): void {
    if (timer.place < 0) return
    timer.at = at
    this.#rise(timer)
    this.#sink(timer)
  }

  /** The next timer, if it falls due by `until`. */
  first(until: number): QueuedTimer | undefined {
    const top = this.#heap[0]
    return top !== undefined && top.at <= until ? top : undefined
  }

  /** All timers, in no order. */
  all(): Iterable<QueuedTimer> {
    return this.#heap
  }

  #put(timer: QueuedTimer, place: number): void {
    this.#heap[place] = timer
    timer.place = place
  }

  #rise(timer: QueuedTimer): void {
    const heap = this.#heap
    let at = timer.place
    while (at > 0) {
      const above = (at - 1) >>> 1
      const parent = heap[above] as QueuedTimer
      if (!isBefore(timer, parent)) break
      this.#put(parent, at)
      at = above
    }
    this.#put(timer, at)
  }

  #sink(timer: QueuedTimer): void {
    const heap = this.#heap
    let at = timer.place
    for (;;) {
      let below = 2 * at + 1
      if (below >= heap.length) break
      const right = heap[below + 1]
      if (right !== undefined && isBefore(right, heap[below] as QueuedTimer)) below++
      const child = heap[below] as QueuedTimer
      if (!isBefore(child, timer)) break
      this.#put(child, at)
      at = below
    }
    this.#put(timer, at)
  }
}

function isBefore(a: QueuedTimer, b: QueuedTimer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
