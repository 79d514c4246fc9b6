import type { Clock, Socket, Timer } from '@skylarkmq/env'

/** How often is looked whether output that was refused has been taken, ms. */
const LOOK_MS = 500
/** How long a connection that is to end may stand still before it is closed with what is queued, ms. */
const END_MS = 3_000

/**
 * Looks after what a socket has queued where no event tells: a socket that is to end says no `drain` any more, and a peer that is
 * not there any more never takes the rest.
 */
export class OutputWatch {
  readonly #clock: Clock
  readonly #socket: Socket
  #blocked: Timer | undefined
  #ending: Timer | undefined

  constructor(clock: Clock, socket: Socket) {
    this.#clock = clock
    this.#socket = socket
  }

  /** Calls `taken` soon after the host has taken all, unless `cancel` or `drained` comes first. */
  untilTaken(taken: () => void): void {
    this.#blocked ??= this.#clock.after(LOOK_MS, () => {
      this.#blocked = undefined
      if (this.#socket.queuedBytes === 0) taken()
      else this.untilTaken(taken)
    })
  }

  /** The host has taken all, and has said so. */
  drained(): void {
    this.#blocked?.cancel()
    this.#blocked = undefined
  }

  /** Calls `stuck` once nothing more of what is queued is taken for 3 s. */
  untilStuck(stuck: () => void): void {
    const { queuedBytes, progress } = this.#socket
    this.#ending?.cancel()
    this.#ending = this.#clock.after(END_MS, () => {
      const isMoving =
        this.#socket.queuedBytes !== queuedBytes || this.#socket.progress !== progress
      if (isMoving) this.untilStuck(stuck)
      else stuck()
    })
  }

  /** The socket is gone. */
  cancel(): void {
    this.drained()
    this.#ending?.cancel()
  }
}
