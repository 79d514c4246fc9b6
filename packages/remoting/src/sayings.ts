import type { TurnShares, Unfinished } from './turn-shares.ts'

/** Whose sayings they are: a connection. */
export interface Speaker extends Unfinished {
  readonly isClosed: boolean
  /** The peer leaves unread what it is sent. */
  readonly isOutputFull: boolean
  /** Calls `f`; what it throws ends the speaker alone. */
  guarded(f: () => void): void
}

/** Says something, or begins to: while the promise is open, it has not said all. */
type Saying = () => Promise<void> | undefined

/** What a connection is to say once its peer takes it, one after the other. */
export class Sayings {
  readonly #connection: Speaker
  readonly #turns: TurnShares
  readonly #held = new Set<Saying>()
  /** Something of it is being said. */
  #isSaying = false

  constructor(connection: Speaker, turns: TurnShares) {
    this.#connection = connection
    this.#turns = turns
  }

  /** Calls `say` at once, or once its turn comes. */
  add(say: Saying): void {
    const { isClosed, isOutputFull } = this.#connection
    const isFirst = this.#held.size === 0 && !this.#isSaying
    if (isClosed || (isFirst && !isOutputFull && this.#turns.begin() > 0)) this.#say(say)
    else {
      this.#held.add(say)
      if (!this.#isSaying && !isOutputFull) this.#turns.wait(this.#connection)
    }
  }

  /** Says what was held, while the peer takes it and this turn allows; all when the connection has ended. */
  goOn(): void {
    if (this.#held.size === 0) return
    const connection = this.#connection
    const endsMs = this.#turns.begin()
    for (const say of this.#held) {
      const mayNot = this.#isSaying || connection.isOutputFull
      if (!connection.isClosed && (mayNot || this.#turns.clock.monotonic() >= endsMs)) break
      this.#held.delete(say)
      this.#say(say)
    }
    if (!connection.isOutputFull) this.mayGoOn()
  }

  /** There is room for more, in the next turn. */
  mayGoOn(): void {
    if (this.#held.size > 0 && !this.#isSaying) this.#turns.wait(this.#connection)
  }

  #say(say: Saying): void {
    this.#connection.guarded(() => {
      const open = say()
      if (open !== undefined) this.#waitFor(open)
    })
  }

  #waitFor(open: Promise<void>): void {
    this.#isSaying = true
    const done = (): void => {
      this.#isSaying = false
      if (!this.#connection.isOutputFull) this.mayGoOn()
    }
    open.then(done, done)
  }
}
