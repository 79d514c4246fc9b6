import { whatFailed } from '../background.ts'
import { backgroundFailed } from '../events.ts'
import type { ReceivedMessage } from '../message.ts'
import { settledWithin } from '../waiting.ts'
import { callListener, type ConsumeParts, type Consuming } from './consuming.ts'
import { ListenersTurn } from './listeners-turn.ts'
import type { ProcessQueue } from './process-queue.ts'
import { pulledOf, type PulledMessage } from './pulled-message.ts'

/** What consuming in order needs besides. */
export interface ConsumeOrderlyParts extends ConsumeParts {
  /** Whether the queue is locked for this client now, so that nobody else consumes it. */
  holds(queue: ProcessQueue): Promise<boolean>
  /** How long a queue waits after a message that failed, ms. */
  readonly suspendMs: number
  /** How often a message comes again before it goes to the dead-letter queue. */
  readonly maxReconsumeTimes: number
}

/** The messages of one queue that wait, the first of them next. */
interface Line {
  waiting: PulledMessage[]
  /** `queued`: waits for its turn; `suspended`: waits for some time to pass. */
  state: 'idle' | 'queued' | 'running' | 'suspended'
  /** Nothing of it is to be started. */
  isHeld: boolean
  /** Those that wait for the call that runs. */
  ended: (() => void)[]
}

/** Messages of one queue that are consumed before another queue gets a turn. */
const TURN_COUNT = 32
/** A queue whose lock was lost is asked for again after this long. */
const LOCK_AGAIN_MS = 1_000

/**
 * Hands the messages of each queue to the listener one after the other, in their order; queues go side by side. A
 * message that fails is tried again before any that follows it. Apache: `ConsumeMessageOrderlyService.java`.
 */
export class ConsumeOrderly implements Consuming {
  readonly #parts: ConsumeOrderlyParts
  readonly #lines = new Map<ProcessQueue, Line>()
  #ready: ProcessQueue[] = []
  readonly #pace: ListenersTurn
  #running = 0
  #isClosed = false
  #idle: (() => void)[] = []

  constructor(parts: ConsumeOrderlyParts) {
    this.#parts = parts
    this.#pace = new ListenersTurn(parts.env, () => {
      this.#startMore()
    })
  }

  get running(): number {
    return this.#running
  }

  submit(queue: ProcessQueue, messages: readonly PulledMessage[]): void {
    const known = this.#lines.get(queue)
    const line: Line = known ?? { waiting: [], state: 'idle', isHeld: false, ended: [] }
    this.#lines.set(queue, line)
    for (const message of messages) line.waiting.push(message)
    this.#enqueue(queue, line)
  }

  resumed(queue: ProcessQueue): void {
    const line = this.#lines.get(queue)
    if (line !== undefined) this.#enqueue(queue, line)
  }

  async release(queue: ProcessQueue, withinMs: number): Promise<boolean> {
    const line = this.#lines.get(queue)
    if (line === undefined) return true
    line.isHeld = true
    const ended = new Promise<void>((resolve) => {
      if (line.state === 'running') line.ended.push(resolve)
      else resolve()
    })
    if (await settledWithin(this.#parts.env.clock, withinMs, ended)) {
      this.#lines.delete(queue)
      return true
    }
    line.isHeld = false
    this.#enqueue(queue, line)
    return false
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.#ready = []
    if (this.#running === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle.push(resolve)
    })
  }

  #enqueue(queue: ProcessQueue, line: Line): void {
    if (line.state !== 'idle' || line.isHeld || queue.isPaused || line.waiting.length === 0) return
    line.state = 'queued'
    this.#ready.push(queue)
    this.#startMore()
  }

  get #mayStart(): boolean {
    if (this.#ready.length === 0) return false
    if (this.#parts.rate?.isEarly(this.#startMore) === true) return false
    return this.#pace.isMine
  }

  readonly #startMore = (): void => {
    while (!this.#isClosed && this.#running < this.#parts.concurrency && this.#mayStart) {
      const queue = this.#ready.shift()
      if (queue === undefined) return
      // A queue that was given up while it waited has no line any more.
      const line = this.#lines.get(queue)
      if (line === undefined) continue
      this.#running++
      this.#parts.rate?.begun()
      line.state = 'running'
      void this.#turn(queue, line)
    }
  }

  async #turn(queue: ProcessQueue, line: Line): Promise<void> {
    let waitMs = 0
    // With a rate each message has its own turn.
    const turnCount = this.#parts.rate === undefined ? TURN_COUNT : 1
    for (let count = 0; count < turnCount && waitMs === 0; count++) {
      const [message] = line.waiting
      if (message === undefined || this.#isClosed || !queue.isOpen || line.isHeld) break
      if (count > 0 && !this.#pace.isMine) break
      waitMs = await this.#consumeOrSay(queue, line, message.read())
    }
    this.#running--
    for (const resolve of line.ended.splice(0)) resolve()
    if (queue.isDropped) this.#lines.delete(queue)
    else if (waitMs > 0) this.#suspend(queue, line, waitMs)
    else this.#goOn(queue, line)
    this.#startMore()
    if (this.#running > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** As `#consume`. Never rejects: what went wrong in a way that nobody expected has the queue wait. */
  async #consumeOrSay(queue: ProcessQueue, line: Line, message: ReceivedMessage): Promise<number> {
    try {
      const isHeld = await this.#parts.holds(queue)
      return isHeld ? await this.#consume(queue, line, message) : LOCK_AGAIN_MS
    } catch (error) {
      const what = `consuming ${message.msgId}`
      this.#parts.env.events.emit(backgroundFailed, { what, reason: whatFailed(error) })
      return LOCK_AGAIN_MS
    }
  }

  #suspend(queue: ProcessQueue, line: Line, ms: number): void {
    line.state = 'suspended'
    this.#parts.env.clock.after(ms, () => {
      if (this.#lines.get(queue) === line) this.#goOn(queue, line)
    })
  }

  #goOn(queue: ProcessQueue, line: Line): void {
    line.state = 'idle'
    this.#enqueue(queue, line)
  }

  /** Returns how long the queue has to wait, ms. */
  async #consume(queue: ProcessQueue, line: Line, message: ReceivedMessage): Promise<number> {
    const { clock } = this.#parts.env
    queue.handlingMs = clock.monotonic()
    const failure = await callListener(this.#parts, message)
    queue.handlingMs = undefined
    queue.consumedMs = clock.monotonic()
    if (queue.isDropped) return 0
    if (failure === 'left') return LOCK_AGAIN_MS
    if (failure?.holdMs !== undefined) return Math.max(1, failure.holdMs)
    const { maxReconsumeTimes, suspendMs } = this.#parts
    const isDead = (failure?.delayLevel ?? 0) < 0 || message.reconsumeTimes >= maxReconsumeTimes
    if (failure === undefined || (isDead && (await this.#parts.sendBack(message, -1)))) {
      line.waiting.shift()
      queue.done(message)
      return 0
    }
    line.waiting[0] = pulledOf({ ...message, reconsumeTimes: message.reconsumeTimes + 1 })
    return Math.max(1, failure.suspendMs ?? suspendMs)
  }
}
