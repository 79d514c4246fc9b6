import { shown } from '../check/check-options.ts'
import { Line } from '../line.ts'
import type { ReceivedMessage } from '../message.ts'
import { answeredNow } from '../user-code.ts'
import { pulledOf } from './pulled-message.ts'
import type { Lane, Laned, Waiting } from './task.ts'

/** Says what a message must not be handled at the same time with: the others of its key. Undefined: nothing. */
export type ConcurrencyKey = (message: ReceivedMessage) => string | undefined

/**
 * A line from which no two messages of one key are out at a time; those of a key leave in the order in which they came.
 * Each step has one cost, however many wait, and a key takes memory only while a message of it is here.
 */
export class KeyedLine {
  readonly #keyOf: ConcurrencyKey
  readonly #lanes = new Map<string, Lane>()
  readonly #ready = new Line<Waiting>()

  constructor(keyOf: ConcurrencyKey) {
    this.#keyOf = keyOf
  }

  /** Takes a message, or one back that has its key already. Never throws: one whose key cannot be told leaves with that. */
  push(waiting: Waiting): void {
    const key = waiting.lane === undefined ? this.#key(waiting) : undefined
    if (key === undefined) {
      this.#ready.push(waiting)
      return
    }
    const lane = this.#lanes.get(key)
    if (lane === undefined) {
      waiting.lane = { key, waiting: new Line() }
      this.#lanes.set(key, waiting.lane)
      this.#ready.push(waiting)
    } else lane.waiting.push(waiting)
  }

  /** The next one to leave; undefined when none may. */
  get first(): Waiting | undefined {
    for (;;) {
      const { first } = this.#ready
      if (first?.queue.isDropped !== true) return first
      this.#ready.shift()
      this.ended(first)
    }
  }

  /** The next one whose queue is still here leaves. `ended` is to be called for it. */
  shift(): Waiting | undefined {
    return this.first === undefined ? undefined : this.#ready.shift()
  }

  /** A message is out no more: the next of its key may leave. */
  ended(out: Laned): void {
    const { lane } = out
    if (lane === undefined) return
    out.lane = undefined
    const next = lane.waiting.shift()
    if (next === undefined) this.#lanes.delete(lane.key)
    else {
      next.lane = lane
      this.#ready.push(next)
    }
  }

  /** Drops all that wait. */
  clear(): void {
    this.#ready.clear()
    this.#lanes.clear()
  }

  #key(waiting: Waiting): string | undefined {
    try {
      const message = waiting.pulled.read()
      // It is read once.
      waiting.pulled = pulledOf(message)
      const key: unknown = answeredNow('concurrencyKey', () => this.#keyOf(message))
      if (typeof key === 'string' || key === undefined) return key
      throw new TypeError(`concurrencyKey gave ${shown(key)}, which is no text`)
    } catch (thrown) {
      waiting.thrown = { thrown }
      return undefined
    }
  }
}
