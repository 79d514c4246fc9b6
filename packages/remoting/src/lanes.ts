import { Histogram } from '@skylarkmq/env'
import type { WaitingRoom } from './waiting-room.ts'

/** Buckets of the time in a queue, ms. */
const QUEUED_BOUNDS_MS: readonly number[] = [1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000]

/** How much of one kind of request a server takes on. Read at each use, so that it may change. */
export interface LaneLimits {
  /** Requests that may be without an answer at one time: those that wait for the disk, a message or a client. */
  readonly unanswered: number
  /** Requests that may be queued behind them. */
  readonly queued: number
  /** How long a request may be queued, ms; Infinity for as long as it takes. */
  readonly waitMs: number
  /** Why all that are queued are to be refused now; undefined when they are not. */
  readonly busy?: () => string | undefined
}

/** A request that was read from its socket and waits for room in its lane. */
export interface QueuedRequest {
  readonly sizeBytes: number
  /** Monotonic ms. */
  readonly arrivedMs: number
  /** Serves it; nothing is done when its peer is gone. */
  serve(): void
  /** Answers that the server is busy. */
  refuse(remark: string): void
}

/**
 * A limit on requests of one kind. Apache has a thread pool with a queue for each kind
 * (`BrokerController.java`, initializeThreadExecutors); we have no threads, so what is limited is how many
 * wait for something at the same time. Those beyond the limit are queued in the order of their arrival.
 */
export class Lane {
  readonly name: string
  readonly limits: LaneLimits
  /** How long those that were queued waited, served or refused, ms. */
  readonly queuedTimes = new Histogram(QUEUED_BOUNDS_MS)
  readonly #room: WaitingRoom
  #unanswered = 0
  #queue: QueuedRequest[] = []
  #head = 0

  constructor(name: string, limits: LaneLimits, room: WaitingRoom) {
    this.name = name
    this.limits = limits
    this.#room = room
  }

  /** Requests that were begun and have no answer yet. */
  get unanswered(): number {
    return this.#unanswered
  }

  /** Requests that wait to be begun. */
  get queued(): number {
    return this.#queue.length - this.#head
  }

  /** How long the first of the queue has waited, ms; 0 for an empty queue. */
  headWaitMs(nowMs: number): number {
    const head = this.#queue[this.#head]
    return head === undefined ? 0 : nowMs - head.arrivedMs
  }

  /** Whether no more can be begun. */
  get isFull(): boolean {
    return this.#unanswered >= this.limits.unanswered
  }

  /** Counts a request that was begun and has no answer yet. */
  enter(): void {
    this.#unanswered++
  }

  /** The request has its answer; those that are queued may have its place. */
  leave(): void {
    this.#unanswered--
    while (this.queued > 0 && !this.isFull) this.#shift().serve()
  }

  /** Queues a request. False when there is no room for it. */
  queue(request: QueuedRequest): boolean {
    if (this.queued >= this.limits.queued || !this.#room.enter(this, request.sizeBytes))
      return false
    this.#queue.push(request)
    return true
  }

  /** Why a request of this lane has to wait. */
  reason(): string {
    return `${this.#unanswered} requests of this kind have no answer yet and ${this.#room.reason()}`
  }

  /** Refuses what is queued and has waited too long, or all of it when the server is busy. Apache: `BrokerFastFailure.java`. */
  shed(nowMs: number): void {
    const busy = this.limits.busy?.()
    const { waitMs } = this.limits
    while (this.queued > 0) {
      const waitedMs = this.headWaitMs(nowMs)
      if (busy === undefined && waitedMs < waitMs) return
      const request = this.#shift()
      const which = busy === undefined ? 'TIMEOUT_CLEAN_QUEUE' : 'PCBUSY_CLEAN_QUEUE'
      request.refuse(
        `[${which}]broker busy, start flow control for a while, period in queue: ${Math.round(waitedMs)}ms, ` +
          `size of queue: ${this.queued}, because ${busy ?? this.reason()}`,
      )
    }
  }

  #shift(): QueuedRequest {
    const request = this.#queue[this.#head++] as QueuedRequest
    // What was taken must not stay in memory, and to move the rest each time would cost too much.
    if (this.#head * 2 >= this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    this.queuedTimes.observe(this.#room.nowMs - request.arrivedMs)
    this.#room.leave(request.sizeBytes)
    return request
  }
}
