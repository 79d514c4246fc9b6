import { SystemGroup, type MessageQueue } from '@skylarkmq/protocol'
import { subscriptionTo, type SqlSelector } from '../consumer/check-expressions.ts'
import type { Puller } from '../consumer/pull.ts'
import type { ReceivedMessage } from '../message.ts'

const COUNT_MAX = 32

/** Reads one queue to an offset. Rejects as `Puller.pull`. */
export class QueueReader {
  readonly #puller: Puller
  readonly #queue: MessageQueue
  readonly #end: number
  readonly #expression: string | SqlSelector | undefined
  #offset: number
  #read: ReceivedMessage[] = []

  constructor(
    puller: Puller,
    queue: MessageQueue,
    offset: number,
    end: number,
    expression: string | SqlSelector | undefined,
  ) {
    this.#puller = puller
    this.#queue = queue
    this.#offset = offset
    this.#end = end
    this.#expression = expression
  }

  /** The next message; undefined at the end. */
  async next(): Promise<ReceivedMessage | undefined> {
    while (this.#read.length === 0 && this.#offset < this.#end) {
      const { messages, nextOffset } = await this.#puller.pull({
        group: SystemGroup.TOOLS_CONSUMER,
        queue: this.#queue,
        offset: this.#offset,
        countMax: COUNT_MAX,
        subscription: subscriptionTo(this.#queue.topic, this.#expression),
        sendsSubscription: true,
        commitOffset: undefined,
      })
      if (nextOffset <= this.#offset && messages.length === 0) return undefined
      this.#offset = nextOffset
      this.#read = messages
        .filter(({ queueOffset }) => queueOffset < this.#end)
        .map((message) => message.read())
    }
    return this.#read.shift()
  }
}
