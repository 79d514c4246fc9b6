import type { Env } from '@skylarkmq/env'
import { listenerFailed } from '../events.ts'
import type { ReceivedMessage } from '../message.ts'
import { traced, tracing, type ProcessTrace } from '../tracing.ts'
import { saysOf } from '../errors.ts'
import type { ProcessQueue } from './process-queue.ts'

/**
 * What a listener says of a message: `later` has it come again after a while; `delayLevel` after that of a level, or, below
 * 0, has it go to the dead-letter queue. Nothing means success.
 */
export type ConsumeResult = 'success' | 'later' | { readonly delayLevel: number } | undefined

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
  /** Name of the group, for who traces. */
  readonly group: string
  /** Gives a message back to its broker, see `delayLevel` of ConsumeResult; false when that did not succeed. */
  sendBack(message: ReceivedMessage, delayLevel: number): Promise<boolean>
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
    const delayLevel = await this.#failedWith(message)
    const isDone = delayLevel === undefined || (await this.#parts.sendBack(message, delayLevel))
    if (isDone) {
      queue.done(message)
      return
    }
    const again = { ...message, reconsumeTimes: message.reconsumeTimes + 1 }
    this.#parts.env.clock.after(AGAIN_MS, () => {
      if (!this.#isClosed && !queue.isDropped) this.submit(queue, [again])
    })
  }

  /** Undefined when the message was consumed, else the level of delay that it is to be given back with. */
  async #failedWith(message: ReceivedMessage): Promise<number | undefined> {
    const { topic, msgId, properties, reconsumeTimes } = message
    const { env, group, listener } = this.#parts
    const trace = (): ProcessTrace => ({ group, topic, msgId, properties, reconsumeTimes })
    try {
      const result = await traced(tracing.process, trace, async () => listener(message))
      if (result === undefined || result === 'success') return undefined
      return result === 'later' ? 0 : result.delayLevel
    } catch (error) {
      // A listener is the user's code: whatever it throws means that this message was not consumed.
      env.events.emit(listenerFailed, { topic, msgId, reason: saysOf(error) })
      return 0
    }
  }
}
