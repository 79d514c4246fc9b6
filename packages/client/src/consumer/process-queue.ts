import type { MessageQueue } from '@skylarkmq/protocol'
import type { PulledMessage } from './pulled-message.ts'

/** What all queues of a consumer hold together. */
export class Held {
  /** Messages. */
  count = 0
  /** Bytes of their bodies. */
  bytes = 0
}

/** Somebody who waits until there is room for more. */
interface Waiting {
  isRoom(): boolean
  go(): void
}

/**
 * One queue that this client reads: the messages it has and has not consumed yet, and how far it has come.
 * Apache: `ProcessQueue.java`.
 */
export class ProcessQueue {
  readonly queue: MessageQueue
  /** By queue offset. Pulls come in order, so the first entry has the smallest offset. */
  readonly #messages = new Map<number, PulledMessage>()
  readonly #held: Held
  #bytes = 0
  #offsetMax = -1
  #isDropped = false
  #waiting: Waiting | undefined

  /** Offset to pull next. */
  nextOffset: number
  /** Offset to consume next, as brokers are told; undefined before anything is known. */
  commitOffset: number | undefined
  /** When a pull of it was answered last, and when something of it was consumed, on the monotonic clock. */
  pulledMs: number | undefined
  consumedMs: number | undefined
  /** Since when pulls of it fail, and since when a call of the listener runs whose end it waits for: the monotonic clock. */
  failingMs: number | undefined
  /** When the last pull failed, and how long that had taken, ms. */
  failedMs = 0
  failedTookMs = 0
  handlingMs: number | undefined
  /** The offset behind its last message, when a pull of it was answered last. */
  endOffset: number | undefined
  #isPaused = false
  #movedMs: number | undefined

  constructor(queue: MessageQueue, nextOffset: number, held = new Held()) {
    this.queue = queue
    this.#held = held
    this.nextOffset = nextOffset
  }

  /** When something of it was done last, or came while there was nothing to do; on the monotonic clock. */
  get movedMs(): number | undefined {
    return this.#movedMs
  }

  /** Set when the queue belongs to another client: nothing of it counts any more. */
  get isDropped(): boolean {
    return this.#isDropped
  }

  /** Set while nothing of it is to be pulled or handed over. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Whether its messages may be handed over. */
  get isOpen(): boolean {
    return !this.#isDropped && !this.#isPaused
  }

  /** Messages that wait or are being consumed. */
  get count(): number {
    return this.#messages.size
  }

  /** Bytes of their bodies. */
  get bytes(): number {
    return this.#bytes
  }

  /** Between the first and the last of them, in messages. */
  get span(): number {
    return this.#offsetMax - (this.offsetMin ?? this.#offsetMax)
  }

  /** Smallest offset of what waits; undefined when nothing does. */
  get offsetMin(): number | undefined {
    const [first] = this.#messages.keys()
    return first
  }

  /** Greatest offset that was pulled; -1 before the first. */
  get offsetMax(): number {
    return this.#offsetMax
  }

  /** Gives the queue up. */
  drop(): void {
    if (this.#isDropped) return
    if (!this.#isPaused) this.#count(-this.count, -this.#bytes)
    this.#isDropped = true
    this.#wake()
  }

  /** Pauses it, or continues. What a paused queue holds takes no room from the others. */
  setPaused(isPaused: boolean, nowMs: number): void {
    if (this.#isPaused === isPaused) return
    this.#isPaused = isPaused
    const sign = isPaused ? -1 : 1
    if (!this.#isDropped) this.#count(sign * this.count, sign * this.#bytes)
    // It has not waited in vain meanwhile.
    if (!isPaused) this.#movedMs = nowMs
  }

  /** Resolves once messages were consumed and `isRoom` says so, or the queue is given up; for one who waits at a time. */
  untilRoom(isRoom: () => boolean): Promise<void> {
    if (this.#isDropped) return Promise.resolve()
    return new Promise((go) => {
      this.#waiting = { isRoom, go }
    })
  }

  /** Takes messages that were pulled. */
  put(messages: readonly PulledMessage[]): void {
    if (this.#messages.size === 0) this.#movedMs = this.pulledMs
    for (const message of messages) {
      if (this.#messages.has(message.queueOffset)) continue
      this.#messages.set(message.queueOffset, message)
      this.#bytes += message.bytes
      if (this.isOpen) this.#count(1, message.bytes)
      this.#offsetMax = Math.max(this.#offsetMax, message.queueOffset)
    }
  }

  /** A message was consumed, or given back: the offset moves to the first that was not. */
  done({ queueOffset }: { readonly queueOffset: number }): void {
    const message = this.#messages.get(queueOffset)
    if (message === undefined) return
    this.#messages.delete(queueOffset)
    this.#bytes -= message.bytes
    if (this.isOpen) this.#count(-1, -message.bytes)
    this.#movedMs = this.consumedMs
    this.#moveTo(this.offsetMin ?? this.#offsetMax + 1)
    if (this.#waiting?.isRoom() === true) this.#wake()
  }

  /** A pull found nothing for this group before `offset`: with nothing left to consume, that is how far it has come. */
  skippedTo(offset: number): void {
    if (this.#messages.size === 0) this.#moveTo(offset)
  }

  #count(messages: number, bytes: number): void {
    this.#held.count += messages
    this.#held.bytes += bytes
  }

  #wake(): void {
    this.#waiting?.go()
    this.#waiting = undefined
  }

  #moveTo(offset: number): void {
    if (this.#isDropped) return
    this.commitOffset = Math.max(this.commitOffset ?? 0, offset)
  }
}
