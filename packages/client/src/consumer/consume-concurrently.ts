import { whatFailed } from '../background.ts'
import { backgroundFailed, listenerTooLong } from '../events.ts'
import { Line } from '../line.ts'
import type { ReceivedMessage } from '../message.ts'
import type { RunningCall } from './call-limit.ts'
import { callListener, type ConsumeParts, type Consuming, type Failure } from './consuming.ts'
import { levelFor } from './delay-level.ts'
import type { ProcessQueue } from './process-queue.ts'

interface Task {
  readonly queue: ProcessQueue
  readonly message: ReceivedMessage
  /** Since when it is kept here because its listener wants that, on the monotonic clock. */
  readonly heldSinceMs?: number
}

/** A message that could not be given back is consumed again here after this long. */
const AGAIN_MS = 5_000
/**
 * A message that its listener wants kept is given back after this long: meanwhile the offset of its queue does not move, and
 * the queue stops when `consumeConcurrentlyMaxSpan` is reached. The protocol knows no way of giving back that does not count,
 * so that one attempt is counted in such a time, as it is for a listener that never ends.
 */
const HOLD_MAX_MS = 15 * 60_000

/**
 * Hands messages to the listener, several at a time and in no order. Apache:
 * `ConsumeMessageConcurrentlyService.java`.
 */
export class ConsumeConcurrently implements Consuming {
  readonly #parts: ConsumeParts
  readonly #waiting = new Line<Task>()
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
    this.#waiting.clear()
    // Who closes waits for as long as he wants to, and what has not ended comes again.
    this.#parts.limit.close()
    if (this.#running === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle.push(resolve)
    })
  }

  #startMore(): void {
    while (!this.#isClosed && this.#running < this.#parts.concurrency) {
      const task = this.#waiting.shift()
      if (task === undefined) return
      if (task.queue.isDropped) continue
      this.#running++
      void this.#run(task)
    }
  }

  async #run(task: Task): Promise<void> {
    const call = this.#parts.limit.begin(() => {
      this.#giveUp(task)
    })
    await this.#trying(task, () => this.#consume(task, call))
    if (call.isLate) return
    this.#parts.limit.end(call)
    this.#ended()
  }

  #ended(): void {
    this.#running--
    this.#startMore()
    if (this.#running > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Another message takes the place of one whose listener takes too long; what that says is not heard any more. */
  #giveUp(task: Task): void {
    const { env, limit } = this.#parts
    const { topic, msgId } = task.message
    env.events.emit(listenerTooLong, { topic, msgId, elapsedMs: limit.ms })
    this.#parts.counted(topic, limit.ms, false)
    void this.#trying(task, () => this.#giveBack(task, {}))
    this.#ended()
  }

  /** Never rejects: what went wrong in a way that nobody expected has the message consumed again here. */
  async #trying(task: Task, act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      const what = `consuming ${task.message.msgId}`
      this.#parts.env.events.emit(backgroundFailed, { what, reason: whatFailed(error) })
      this.#again(task)
    }
  }

  async #consume(task: Task, call: RunningCall): Promise<void> {
    const { queue, message } = task
    const failure = await callListener(this.#parts, message, call)
    if (call.isLate) return
    // What is given back meanwhile takes its own time.
    this.#parts.limit.end(call)
    queue.consumedMs = this.#parts.env.clock.monotonic()
    if (failure === 'left' || (failure?.holdMs !== undefined && this.#hold(task, failure.holdMs)))
      return
    if (failure === undefined) queue.done(message)
    else await this.#giveBack(task, failure)
  }

  async #giveBack(task: Task, failure: Exclude<Failure, 'left' | undefined>): Promise<void> {
    const { queue, message } = task
    if (await this.#parts.sendBack(message, levelOf(failure))) queue.done(message)
    else this.#again({ queue, message })
  }

  #again({ queue, message }: Task): void {
    const again = { ...message, reconsumeTimes: message.reconsumeTimes + 1 }
    this.#submitAfter(AGAIN_MS, { queue, message: again })
  }

  /** Keeps a message, without a place among those that run; false when it was kept for too long. */
  #hold(task: Task, ms: number): boolean {
    const nowMs = this.#parts.env.clock.monotonic()
    const heldSinceMs = task.heldSinceMs ?? nowMs
    if (nowMs - heldSinceMs >= HOLD_MAX_MS) return false
    this.#submitAfter(ms, { ...task, heldSinceMs })
    return true
  }

  #submitAfter(ms: number, task: Task): void {
    this.#parts.env.clock.after(ms, () => {
      if (this.#isClosed || task.queue.isDropped) return
      this.#waiting.push(task)
      this.#startMore()
    })
  }
}

/** The broker chooses by how often the message failed when nothing else was said. */
function levelOf({ delayLevel, suspendMs, holdMs }: Exclude<Failure, 'left' | undefined>): number {
  if (delayLevel !== undefined) return delayLevel
  const ms = suspendMs ?? holdMs
  return ms === undefined ? 0 : levelFor(ms)
}
