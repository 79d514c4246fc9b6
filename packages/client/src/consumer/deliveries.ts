import type { Clock } from '@skylarkmq/env'
import { durationMs, type Duration } from '../duration.ts'
import type { ReceivedMessage } from '../message.ts'
import type { ConsumeResult } from './consuming.ts'
import { DEAD_LETTER } from './delay-level.ts'

/** A message, and what becomes of it. Only the first thing that is said of it counts. */
export interface Delivery<T = Buffer> extends ReceivedMessage<T> {
  /** It was consumed. */
  ack(): void
  /** It failed, and comes again: after `delay` by the broker's levels, else later each time. */
  nack(options?: { readonly delay?: Duration | undefined }): void
  /** It goes to the dead-letter queue at once. */
  deadLetter(): void
}

/** Messages that are consumed together. */
export interface Batch<T = Buffer> {
  /** The messages, at least one. */
  readonly messages: readonly Delivery<T>[]
  /** All of them were consumed, but those of which something else was said. */
  ack(): void
  /** All of them failed, but those of which something else was said. */
  nack(options?: { readonly delay?: Duration | undefined }): void
}

/** How many messages make a batch. */
export interface BatchOptions {
  /** Most messages; default 32. */
  readonly max?: number
  /** How long more are waited for once there is one, ms; default 200. */
  readonly maxWait?: number
}

interface Offered<T> {
  readonly delivery: Delivery<T>
  settle(result: ConsumeResult): void
}

/** Messages that a consumer was given, on their way to whoever asks for the next one. */
export class Deliveries<T> {
  readonly #clock: Clock
  #offered: Offered<T>[] = []
  readonly #open = new Set<Offered<T>>()
  #isClosed = false
  #wake: () => void = () => undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether no more will come. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Offers a message; resolves with what became of it. */
  offer(message: ReceivedMessage<T>): Promise<ConsumeResult> {
    return new Promise((resolve) => {
      const settle = (result: ConsumeResult): void => {
        this.#open.delete(offered)
        resolve(result)
      }
      const offered: Offered<T> = { delivery: deliveryOf(message, settle), settle }
      if (this.#isClosed) {
        settle('left')
        return
      }
      this.#open.add(offered)
      this.#offered.push(offered)
      this.#wake()
    })
  }

  /** The next message; undefined once it is closed. */
  async next(): Promise<Delivery<T> | undefined> {
    await this.#some()
    return this.#offered.shift()?.delivery
  }

  /** The next messages, at least one; undefined once it is closed. */
  async batch({ max = 32, maxWait = 200 }: BatchOptions): Promise<Batch<T> | undefined> {
    await this.#some()
    const until = this.#clock.monotonic() + maxWait
    for (let leftMs = maxWait; leftMs > 0 && !this.#isClosed;) {
      if (this.#offered.length >= max) break
      await this.#more(leftMs)
      leftMs = until - this.#clock.monotonic()
    }
    const messages = this.#offered.splice(0, max).map(({ delivery }) => delivery)
    if (messages.length === 0) return undefined
    return {
      messages,
      ack: () => {
        for (const each of messages) each.ack()
      },
      nack: (options) => {
        for (const each of messages) each.nack(options)
      },
    }
  }

  /** Hands over no more: what nobody has taken yet is for the next owner of its queue. What is open may still be settled. */
  stop(): void {
    this.#isClosed = true
    for (const each of this.#offered.splice(0)) each.settle('left')
    this.#wake()
  }

  /** As `stop`, and what is open is for the next owner of its queue, too. */
  close(): void {
    this.stop()
    for (const each of [...this.#open]) each.settle('left')
  }

  async #some(): Promise<void> {
    while (this.#offered.length === 0 && !this.#isClosed) await this.#more()
  }

  #more(withinMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = withinMs === undefined ? undefined : this.#clock.after(withinMs, resolve)
      this.#wake = () => {
        timer?.cancel()
        resolve()
      }
    })
  }
}

function deliveryOf<T>(
  message: ReceivedMessage<T>,
  settle: (result: ConsumeResult) => void,
): Delivery<T> {
  return {
    ...message,
    ack: () => {
      settle('success')
    },
    nack: ({ delay } = {}) => {
      settle(delay === undefined ? 'later' : { suspendMs: durationMs(delay, 'delay') })
    },
    deadLetter: () => {
      settle(DEAD_LETTER)
    },
  }
}
