import type { Timer } from '../env.ts'
import { settled } from '../node/settled.ts'
import { TimerQueue } from '../timer-queue.ts'
import { SimRandom } from './sim-random.ts'
import type { TraceHash } from './trace-hash.ts'

/**
 * Virtual time: a queue of events; the earliest is called, every promise settles, then the next one. JavaScript runs
 * promises in a fixed order, so one seed gives one sequence of events.
 */
export class World {
  readonly random: SimRandom
  /** Number of events called. */
  steps = 0
  /** Hashes events, if requested. */
  trace: TraceHash | undefined
  #time = 0
  #isStopped = false
  readonly #events = new TimerQueue()

  constructor(seed: number) {
    this.random = new SimRandom(seed)
  }

  /** Ms since the start of the world. */
  get time(): number {
    return this.#time
  }

  /** Calls `f` after `ms`. */
  after(ms: number, f: () => void): Timer {
    const event = this.#events.add(this.#time + Math.max(0, ms), f)
    return {
      cancel: () => {
        this.#events.remove(event)
      },
    }
  }

  /** Calls `f` every `ms`, until cancelled. */
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

  /** Stops time: nothing that follows is of interest. */
  stop(): void {
    this.#isStopped = true
  }

  /** Runs until `untilMs`. Rejects with the error of an event. */
  async run(untilMs: number): Promise<void> {
    await settled()
    for (let next = this.#events.first(untilMs); next !== undefined;) {
      if (this.#isStopped) return
      this.#events.remove(next)
      this.#time = next.at
      this.steps++
      next.call()
      await settled()
      next = this.#events.first(untilMs)
    }
    this.#time = Math.max(this.#time, untilMs)
  }
}
