import { whatFailed } from '../background.ts'
import { backgroundFailed } from '../events.ts'
import type { ReceivedMessage } from '../message.ts'
import { callListener, type ConsumeParts, type Consuming } from './consuming.ts'
import { levelFor } from './delay-level.ts'
import type { ProcessQueue } from './process-queue.ts'

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
export class ConsumeConcurrently implements Consuming {
  readonly #parts: ConsumeParts
  #waiting: Task[] = []
  #running = 0
  #isClosed = false
  #idle: (() => void)[] = []

  constructor(parts: ConsumeParts) {
    this.#parts = parts
  }

  submit(queue: ProcessQueue, messages: readonly ReceivedMessage[]): void {
    for (const message of messages) this.#waiting.push({ queue, message })
    this.#startMore()
  }

  /** What runs may come again with who has the queue next: nobody waits for it. */
  release(): Promise<boolean> {
    return Promise.resolve(true)
  }

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
    if (!task.queue.isDropped) await this.#consumeOrSay(task)
    this.#running--
    this.#startMore()
    if (this.#running > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Never rejects: what went wrong in a way that nobody expected has the message consumed again here. */
  async #consumeOrSay(task: Task): Promise<void> {
    try {
      await this.#consume(task)
    } catch (error) {
      const what = `consuming ${task.message.msgId}`
      this.#parts.env.events.emit(backgroundFailed, { what, reason: whatFailed(error) })
      this.#again(task)
    }
  }

  async #consume({ queue, message }: Task): Promise<void> {
    const failure = await callListener(this.#parts, message)
    queue.consumedMs = this.#parts.env.clock.monotonic()
    if (failure === 'left') return
    const isDone = failure === undefined || (await this.#parts.sendBack(message, levelOf(failure)))
    if (isDone) {
      queue.done(message)
      return
    }
    this.#again({ queue, message })
  }

  #again({ queue, message }: Task): void {
    const again = { ...message, reconsumeTimes: message.reconsumeTimes + 1 }
    this.#parts.env.clock.after(AGAIN_MS, () => {
      if (!this.#isClosed && !queue.isDropped) this.submit(queue, [again])
    })
  }
}

/** The broker chooses by how often the message failed when nothing else was said. */
function levelOf(failure: { delayLevel?: number; suspendMs?: number }): number {
  if (failure.delayLevel !== undefined) return failure.delayLevel
  return failure.suspendMs === undefined ? 0 : levelFor(failure.suspendMs)
}
