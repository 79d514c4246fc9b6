import type { Env } from '@skylarkmq/env'
import { listenerFailed } from '../events.ts'
import type { ReceivedMessage } from '../message.ts'
import { reasonOf } from '../reason.ts'
import type { ProcessQueue } from './process-queue.ts'

/** What a listener says of a message: `later` has it come again after a while. Nothing means success. */
export type ConsumeResult = 'success' | 'later' | undefined

/**
 * Consumes one message. What it throws, or rejects with, counts as `later`.
 */
export type MessageListener = (
  message: ReceivedMessage,
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- a listener may return nothing
) => ConsumeResult | void | Promise<ConsumeResult | void>

/** What consuming needs of its consumer. */
export interface ConsumeParts {
  readonly env: Env
  readonly listener: MessageListener
  /** Calls of the listener that run at the same time, at most. */
  readonly concurrency: number
  /** Gives a message back to its broker; false when that did not succeed. */
  sendBack(message: ReceivedMessage): Promise<boolean>
}

interface Task {
  readonly queue: ProcessQueue
  readonly message: ReceivedMessage
}

/** A message that could not be given back is consumed again here after this long. */
const AGAIN_MS = 5_000

/**
 * Hands messages to the listener, several at a time and in no order. Apache:
 * `ConsumeMessageConcurrentlyService.java`.
 */
export class ConsumeConcurrently {
  readonly #parts: ConsumeParts
  #waiting: Task[] = []
  #running = 0
  #isClosed = false
  #idle: (() => void)[] = []

  constructor(parts: ConsumeParts) {
    this.#parts = parts
  }

  /** Takes messages of a queue, which knows them already. */
  submit(queue: ProcessQueue, messages: readonly ReceivedMessage[]): void {
    for (const message of messages) this.#waiting.push({ queue, message })
    this.#startMore()
  }

  /** Starts no more; resolves when no call of the listener runs. */
  close(): Promise<void> {
    this.#isClosed = true
    this.#waiting = []
    if (this.#running === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle.push(resolve)
    })
  }

  #startMore(): void {
    if (this.#isClosed || this.#running >= this.#parts.concurrency) return
    const free = this.#parts.concurrency - this.#running
    for (const task of this.#waiting.splice(0, free)) {
      this.#running++
      void this.#run(task)
    }
  }

  async #run(task: Task): Promise<void> {
    if (!task.queue.isDropped) await this.#consume(task)
    this.#running--
    this.#startMore()
    if (this.#running > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  async #consume({ queue, message }: Task): Promise<void> {
    const isDone = (await this.#succeeds(message)) || (await this.#parts.sendBack(message))
    if (isDone) {
      queue.done(message)
      return
    }
    const again = { ...message, reconsumeTimes: message.reconsumeTimes + 1 }
    this.#parts.env.clock.after(AGAIN_MS, () => {
      if (!this.#isClosed && !queue.isDropped) this.submit(queue, [again])
    })
  }

  async #succeeds(message: ReceivedMessage): Promise<boolean> {
    try {
      return (await this.#parts.listener(message)) !== 'later'
    } catch (error) {
      // A listener is the user's code: whatever it throws means that this message was not consumed.
      const { topic, msgId } = message
      this.#parts.env.events.emit(listenerFailed, { topic, msgId, reason: reasonOf(error) })
      return false
    }
  }
}
