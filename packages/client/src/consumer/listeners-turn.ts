import type { Env } from '@skylarkmq/env'

/** So long listeners are called one after the other before sockets and timers have their turn, ms. */
const TURN_MS = 10

/** Lets the rest of the process continue while listeners that never wait for anything work through what was pulled. */
export class ListenersTurn {
  readonly #env: Env
  readonly #goOn: () => void
  /** When this turn began, on the monotonic clock. */
  #beganMs: number | undefined
  #isOver = false

  /** `goOn` is called when the next turn begins, if this one was too short. */
  constructor(env: Env, goOn: () => void) {
    this.#env = env
    this.#goOn = goOn
  }

  /** Whether another listener may be called in this turn. */
  get isMine(): boolean {
    const now = this.#env.clock.monotonic()
    if (this.#beganMs === undefined) {
      this.#beganMs = now
      this.#env.turn.next(this.#end)
    }
    this.#isOver = now - this.#beganMs >= TURN_MS
    return !this.#isOver
  }

  readonly #end = (): void => {
    const wasOver = this.#isOver
    this.#beganMs = undefined
    this.#isOver = false
    if (wasOver) this.#goOn()
  }
}
