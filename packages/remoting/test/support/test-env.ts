import {
  memoryDisk,
  nodeEnv,
  silentEvents,
  type Env,
  type Listener,
  type Socket,
} from '@skylarkmq/env'
import { manualClock, type ManualClock } from '@skylarkmq/env/sim'

/** An environment whose time, turns and sockets a test decides. */
export interface TestEnv extends Env {
  readonly clock: ManualClock
  /** Ends the turn; with `failure`, one whose log write failed. */
  endTurn(failure?: Error): void
  /** Brings a connection to what listens. */
  accept(socket: Socket): void
  /** Names of the events so far. */
  readonly seen: string[]
}

/** Makes an environment without host. */
export function testEnv(): TestEnv {
  const clock = manualClock()
  const seen: string[] = []
  let sends: ((failure: unknown) => void)[] = []
  let nexts: (() => void)[] = []
  let acceptor: (socket: Socket) => void = () => undefined
  const listener: Listener = { address: '127.0.0.1', port: 1, close: () => Promise.resolve() }
  return {
    ...nodeEnv(silentEvents),
    clock,
    seen,
    disk: memoryDisk(() => clock.now()),
    events: { emit: ({ name }) => void seen.push(name) },
    turn: {
      writes: (f) => {
        f()
      },
      sends: (f) => {
        sends.push(f)
      },
      next: (f) => {
        nexts.push(f)
      },
    },
    endTurn: (failure) => {
      const [now, begins] = [sends, nexts]
      sends = []
      nexts = []
      for (const send of now) send(failure)
      for (const begin of begins) begin()
    },
    net: {
      listen: (_, accept) => {
        acceptor = accept
        return Promise.resolve(listener)
      },
      connect: () => Promise.reject(new Error('no network here')),
      addresses: () => [],
    },
    accept: (socket) => {
      acceptor(socket)
    },
  }
}
