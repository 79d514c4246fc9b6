import type { Env } from '@skylarkmq/env'
import {
  ConnectError,
  ConnectionLostError,
  NameServerError,
  saysOf,
  TimeoutError,
} from '../errors.ts'
import { notThereYet } from '../events.ts'
import { pause } from '../pause.ts'

/** What waits for servers that are away, and how long. */
export interface Patience {
  readonly env: Env
  /** Whose the waiting is, for the log. */
  readonly what: string
  /** ms; Infinity for as long as it takes, 0 for not at all. */
  readonly timeoutMs: number
  /** Nobody wants it any more. */
  isOver(): boolean
}

const FIRST_MS = 100
const LONGEST_MS = 3_000
/** With less time than this left, waiting leads to nothing. */
const LEAST_MS = 50

/**
 * Asks again while the servers are away: after 0.1 s, and twice as long each time up to 3 s, each time another while, so
 * that not all clients come at once. Each wait is told as an event. Rejects with the last error when the time is over,
 * and at once with one that waiting does not mend.
 */
export async function patiently<T>(patience: Patience, ask: () => Promise<T>): Promise<T> {
  const { env, what, timeoutMs } = patience
  const { clock, random, events } = env
  const deadline = clock.monotonic() + timeoutMs
  for (let longestMs = FIRST_MS; ; longestMs = Math.min(LONGEST_MS, longestMs * 2)) {
    try {
      return await ask()
    } catch (error) {
      const leftMs = deadline - clock.monotonic()
      if (!isAway(error) || leftMs < LEAST_MS || patience.isOver()) throw error
      const waitMs = Math.min(longestMs * (0.5 + random.next() / 2), leftMs / 2)
      events.emit(notThereYet, { what, reason: saysOf(error), waitMs: Math.round(waitMs) })
      // A process that has nothing else to wait for would end here.
      const alive = clock.keepAlive()
      await pause(clock, waitMs)
      alive.cancel()
      if (patience.isOver()) throw error
    }
  }
}

/** Whether an error may go away by itself: nobody listened, nobody answered, or the name is not known yet. */
function isAway(error: unknown): boolean {
  if (error instanceof NameServerError) return isAway(error.cause)
  if (error instanceof TimeoutError || error instanceof ConnectionLostError) return true
  return (
    error instanceof ConnectError &&
    /^(ECONN|EHOST|ENET|ENOTFOUND|EAI_|EPIPE|ETIME)/.test(error.values.reason)
  )
}
