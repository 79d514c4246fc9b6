import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Clock, Turn } from '@skylarkmq/env'
import type { TestNetwork } from './network.ts'

/** When nothing is transferred and no handler runs for this long, everything has settled. */
const QUIET_MS = 4
/** Turns of the event loop, each of which reads every readable socket. */
const TURNS = 3
const STEPS_PER_TURN = 100
/** A handler that takes longer is not waited for. */
const LONGEST_MS = 10_000
const STARTED = 'tracing:rocketmq:process:start'
const ENDED = 'tracing:rocketmq:process:asyncEnd'

/** Detects when a server and the clients of this process can do nothing but wait for time to pass. */
export class Quiet {
  readonly #network: TestNetwork
  readonly #clock: Clock
  readonly #turn: Turn
  #handlers = 0
  #seen = 0
  #isTurnOpen = false
  #steps = 0
  readonly #started = (): void => {
    this.#handlers++
  }
  readonly #ended = (): void => {
    this.#handlers--
  }

  /** `clock` and `turn` are the host's. */
  constructor(network: TestNetwork, clock: Clock, turn: Turn) {
    this.#network = network
    this.#clock = clock
    this.#turn = turn
    subscribe(STARTED, this.#started)
    subscribe(ENDED, this.#ended)
  }

  /** Wraps the turn of a server, to detect pending work at its end. */
  watched(turn: Turn): Turn {
    return {
      writes: (f) => {
        this.#isTurnOpen = true
        turn.writes(f)
      },
      sends: (f) => {
        this.#isTurnOpen = true
        turn.sends(f)
      },
      next: (f) => {
        this.#isTurnOpen = true
        turn.next(f)
      },
    }
  }

  /** Stops watching. */
  close(): void {
    unsubscribe(STARTED, this.#started)
    unsubscribe(ENDED, this.#ended)
  }

  /** Resolves immediately if nothing happened since the last call, otherwise once everything is quiet. */
  async settle(): Promise<void> {
    // Most timers have no visible effect; sockets are checked now and then all the same.
    let mustLook = this.#isTurnOpen || this.#steps++ % STEPS_PER_TURN === 0
    while (mustLook) {
      this.#isTurnOpen = false
      await this.#turnEnds()
      // The consequences of a turn belong to it.
      mustLook = this.#isTurnOpen
    }
    const { transfers } = this.#network
    if (transfers === this.#seen && this.#handlers === 0) return
    await this.wait()
  }

  /** Resolves when everything is quiet. */
  async wait(): Promise<void> {
    const until = this.#clock.monotonic() + LONGEST_MS
    let seen = -1
    while (seen !== this.#network.transfers || this.#handlers > 0) {
      if (this.#clock.monotonic() > until) break
      seen = this.#network.transfers
      await new Promise<void>((resolve) => {
        this.#clock.after(QUIET_MS, resolve)
      })
      for (let turns = 0; turns < TURNS; turns++) await this.#turnEnds()
    }
    this.#seen = this.#network.transfers
  }

  #turnEnds(): Promise<void> {
    return new Promise((resolve) => {
      this.#turn.sends(() => {
        resolve()
      })
    })
  }
}
