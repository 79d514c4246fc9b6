import { whatFailed } from '../background.ts'
import { backgroundFailed, listenerTooLong } from '../events.ts'
import { Line } from '../line.ts'
import type { RunningCall } from './call-limit.ts'
import { callListener, type ConsumeParts, type Consuming, type Failure } from './consuming.ts'
import { levelFor } from './delay-level.ts'
import { KeyedLine } from './keyed-line.ts'
import { ListenersTurn } from './listeners-turn.ts'
import type { ProcessQueue } from './process-queue.ts'
import { pulledOf, type PulledMessage } from './pulled-message.ts'
import type { Task, Waiting } from './task.ts'

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
  readonly #waiting: Line<Waiting> | KeyedLine
  /** The same, when messages of one key go one after the other. */
  readonly #keyed: KeyedLine | undefined
  /** What waits of queues that are paused. */
  readonly #aside = new WeakMap<ProcessQueue, Waiting[]>()
  readonly #pace: ListenersTurn
  #running = 0
  #isStarting = false
  #isClosed = false
  #idle: (() => void)[] = []

  constructor(parts: ConsumeParts) {
    this.#parts = parts
    const { concurrencyKey } = parts
    this.#keyed = concurrencyKey === undefined ? undefined : new KeyedLine(concurrencyKey)
    this.#waiting = this.#keyed ?? new Line<Waiting>()
    this.#pace = new ListenersTurn(parts.env, () => {
      this.#startMore()
    })
  }

  get running(): number {
    return this.#running
  }

  submit(queue: ProcessQueue, messages: readonly PulledMessage[]): void {
    for (const pulled of messages) this.#waiting.push({ queue, pulled })
    this.#startMore()
  }

  resumed(queue: ProcessQueue): void {
    const aside = this.#aside.get(queue) ?? []
    this.#aside.delete(queue)
    for (const each of aside) this.#waiting.push(each)
    this.#startMore()
  }

  /** Running listeners are not awaited: their messages may come again with the next owner of the queue. */
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

  get #mayStart(): boolean {
    if (this.#isClosed || this.#running >= this.#parts.concurrency) return false
    if (this.#waiting.first === undefined) return false
    if (this.#parts.rate?.isEarly(this.#startMore) === true) return false
    return this.#pace.isMine
  }

  readonly #startMore = (): void => {
    // A listener that answers at once comes back here.
    if (this.#isStarting) return
    this.#isStarting = true
    try {
      while (this.#mayStart) this.#startNext(this.#waiting.shift() as Waiting)
    } finally {
      this.#isStarting = false
    }
  }

  #startNext(waiting: Waiting): void {
    const { queue, pulled, heldSinceMs, lane, thrown } = waiting
    if (!queue.isOpen) {
      this.#setAside(waiting)
      return
    }
    this.#parts.rate?.begun()
    this.#running++
    this.#run({ queue, message: pulled.read(), heldSinceMs, lane, thrown })
  }

  /** What is of a paused queue waits for that. */
  #setAside(waiting: Waiting): void {
    const { queue } = waiting
    this.#keyed?.ended(waiting)
    if (queue.isDropped) return
    const aside = this.#aside.get(queue)
    if (aside === undefined) this.#aside.set(queue, [waiting])
    else aside.push(waiting)
  }

  #run(task: Task): void {
    const call = this.#parts.limit.begin(() => {
      this.#giveUp(task)
    })
    const parts = task.thrown === undefined ? this.#parts : throwing(this.#parts, task.thrown)
    let answer: Failure | Promise<Failure>
    try {
      answer = callListener(parts, task.message, call)
    } catch (error) {
      answer = this.#unexpected(task, error)
    }
    if (answer instanceof Promise) void this.#later(task, call, answer)
    else this.#heard(task, call, answer)
  }

  async #later(task: Task, call: RunningCall, answer: Promise<Failure>): Promise<void> {
    let failure: Failure
    try {
      failure = await answer
    } catch (error) {
      failure = this.#unexpected(task, error)
    }
    this.#heard(task, call, failure)
  }

  /** What goes wrong in a way that nobody expected counts as a failure, and keeps nobody from going on. */
  #unexpected({ message }: Task, error: unknown): Failure {
    const what = `consuming ${message.msgId}`
    this.#parts.env.events.emit(backgroundFailed, { what, reason: whatFailed(error) })
    return {}
  }

  #heard(task: Task, call: RunningCall, failure: Failure): void {
    if (call.isLate) return
    // What is given back meanwhile takes its own time.
    this.#parts.limit.end(call)
    const { queue, message } = task
    queue.consumedMs = this.#parts.env.clock.monotonic()
    if (failure !== undefined && failure !== 'left' && !this.#isHeld(task, failure)) {
      void this.#trying(task, () => this.#giveBack(task, failure)).then(() => {
        this.#ended(task)
      })
      return
    }
    if (failure === undefined) queue.done(message)
    this.#ended(task)
  }

  #ended(task: Task): void {
    this.#running--
    this.#keyed?.ended(task)
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
    this.#ended(task)
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

  async #giveBack(task: Task, failure: Exclude<Failure, 'left' | undefined>): Promise<void> {
    const { queue, message } = task
    if (await this.#parts.sendBack(message, levelOf(failure))) queue.done(message)
    else this.#again(task)
  }

  #again({ queue, message }: Task): void {
    const again = { ...message, reconsumeTimes: message.reconsumeTimes + 1 }
    this.#submitAfter(AGAIN_MS, { queue, pulled: pulledOf(again) })
  }

  /** Keeps a message whose listener wants that, without a place among those that run; not one that was kept for too long. */
  #isHeld(task: Task, { holdMs: ms }: Exclude<Failure, 'left' | undefined>): boolean {
    if (ms === undefined) return false
    const nowMs = this.#parts.env.clock.monotonic()
    const heldSinceMs = task.heldSinceMs ?? nowMs
    if (nowMs - heldSinceMs >= HOLD_MAX_MS) return false
    const { queue, message, lane } = task
    this.#submitAfter(ms, { queue, pulled: pulledOf(message), heldSinceMs, lane })
    // The others of its key wait for it.
    task.lane = undefined
    return true
  }

  #submitAfter(ms: number, waiting: Waiting): void {
    this.#parts.env.clock.after(ms, () => {
      if (this.#isClosed) return
      if (waiting.queue.isDropped) this.#keyed?.ended(waiting)
      else this.#waiting.push(waiting)
      this.#startMore()
    })
  }
}

/** For a message whose key could not be told: it fails as if its listener had thrown that. */
function throwing(parts: ConsumeParts, { thrown }: { readonly thrown: unknown }): ConsumeParts {
  const listener = (): never => {
    throw thrown
  }
  return { ...parts, listener }
}

/** The broker chooses by how often the message failed when nothing else was said. */
function levelOf({ delayLevel, suspendMs, holdMs }: Exclude<Failure, 'left' | undefined>): number {
  if (delayLevel !== undefined) return delayLevel
  const ms = suspendMs ?? holdMs
  return ms === undefined ? 0 : levelFor(ms)
}
