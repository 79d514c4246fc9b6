import type { Clock, Timer } from '@skylarkmq/env'

/** How often queues are looked at while something is in them. Apache: `BrokerFastFailure.java`, start. */
const LOOK_MS = 10

/** What decides about requests that are queued. Read at each use. */
export interface WaitingRoomOptions {
  /** Memory that queued requests of all lanes may take. */
  readonly bytesMax: number
  /** Whether requests that wait too long are refused. */
  readonly failsFast: () => boolean
  /** Why requests have to wait now: the end of a sentence that begins with `because`. */
  readonly reason: () => string
}

/** What has requests in the room. */
interface Waiting {
  /** How many they are. */
  readonly queued: number
  /** Refuses those that have waited too long at that monotonic time, ms. */
  shed(nowMs: number): void
}

/** What the queues of all lanes share: a limit on their memory, and the timer that refuses what waits too long. */
export class WaitingRoom {
  readonly #clock: Clock
  readonly #options: WaitingRoomOptions
  readonly #lanes = new Set<Waiting>()
  #bytes = 0
  #look: Timer | undefined

  constructor(clock: Clock, options: WaitingRoomOptions) {
    this.#clock = clock
    this.#options = options
  }

  /** Bytes of all requests that are queued. */
  get bytes(): number {
    return this.#bytes
  }

  /** Monotonic ms. */
  get nowMs(): number {
    return this.#clock.monotonic()
  }

  /** Why requests have to wait now. */
  reason(): string {
    return this.#options.reason()
  }

  /** Counts a request that a lane is about to queue. False when that would be too much memory. */
  enter(lane: Waiting, sizeBytes: number): boolean {
    if (this.#bytes + sizeBytes > this.#options.bytesMax) return false
    this.#bytes += sizeBytes
    this.#lanes.add(lane)
    this.#look ??= this.#clock.every(LOOK_MS, () => {
      this.#shed()
    })
    return true
  }

  /** A request is queued no more. */
  leave(sizeBytes: number): void {
    this.#bytes -= sizeBytes
  }

  #shed(): void {
    for (const lane of [...this.#lanes]) {
      if (this.#options.failsFast()) lane.shed(this.#clock.monotonic())
      if (lane.queued === 0) this.#lanes.delete(lane)
    }
    if (this.#lanes.size > 0) return
    this.#look?.cancel()
    this.#look = undefined
  }
}
