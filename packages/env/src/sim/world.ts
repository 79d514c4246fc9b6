import type { Timer } from '../env.ts'
import { settled } from '../node/settled.ts'
import { SimRandom } from './sim-random.ts'
import type { TraceHash } from './trace-hash.ts'

interface WorldEvent {
  readonly at: number
  readonly order: number
  run: (() => void) | undefined
}

/**
 * Virtual time: one queue of events; the earliest is called, every promise settles, then the next is. JavaScript
 * runs promises in a fixed order, so one seed gives one course of events.
 */
export class World {
  readonly random: SimRandom
  /** Events that were called. */
  steps = 0
  /** Hashes what happens, where it is wanted. */
  trace: TraceHash | undefined
  #time = 0
  #order = 0
  #isStopped = false
  // A binary heap: the earliest event, and of those the first that was added, is at the top.
  readonly #heap: WorldEvent[] = []

  constructor(seed: number) {
    this.random = new SimRandom(seed)
  }

  /** Ms since the world began. */
  get time(): number {
    return this.#time
  }

  /** Calls `f` after `ms`. */
  after(ms: number, f: () => void): Timer {
    const event: WorldEvent = { at: this.#time + Math.max(0, ms), order: this.#order++, run: f }
    this.#push(event)
    return {
      cancel: () => {
        event.run = undefined
      },
    }
  }

  /** Calls `f` every `ms`, until called off. */
  every(ms: number, f: () => void): Timer {
    let next: Timer
    const run = (): void => {
      next = this.after(Math.max(1, ms), run)
      f()
    }
    next = this.after(Math.max(1, ms), run)
    return {
      cancel: () => {
        next.cancel()
      },
    }
  }

  /** A promise that resolves after `ms`. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve)
    })
  }

  /** Lets no more time pass: nothing that follows is of interest. */
  stop(): void {
    this.#isStopped = true
  }

  /** Lets time pass up to `untilMs`. Rejects with what an event throws. */
  async run(untilMs: number): Promise<void> {
    await settled()
    for (let top = this.#heap[0]; top !== undefined && top.at <= untilMs; top = this.#heap[0]) {
      if (this.#isStopped) return
      this.#pop()
      if (top.run === undefined) continue
      this.#time = top.at
      this.steps++
      top.run()
      await settled()
    }
    this.#time = Math.max(this.#time, untilMs)
  }

  #push(event: WorldEvent): void {
    const heap = this.#heap
    let at = heap.push(event) - 1
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!isBefore(event, heap[parent] as WorldEvent)) break
      heap[at] = heap[parent] as WorldEvent
      at = parent
    }
    heap[at] = event
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      const right = heap[child + 1]
      if (right !== undefined && isBefore(right, heap[child] as WorldEvent)) child++
      if (!isBefore(heap[child] as WorldEvent, last)) break
      heap[at] = heap[child] as WorldEvent
      at = child
    }
    heap[at] = last
  }
}

function isBefore(a: WorldEvent, b: WorldEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
