import type { Env } from '@skylarkmq/env'
import { closeWaits } from '../events.ts'
import type { Consuming } from './consuming.ts'

/** How long `close` takes at most when nothing else is said, ms. */
export const CLOSE_MS = 10_000
/** After so long it is said that listeners are waited for. */
const CLOSE_SAYS_MS = 1_000

/** How a consumer is closed. */
export interface PushCloseOptions {
  /** How long it may take, ms; default 10000. */
  readonly timeout?: number
  /** Called when the time of listeners that run is nearly over, at the latest when none runs any more. */
  readonly lastCall?: () => void
}

/** When what happens while a consumer closes, ms from the beginning. */
export interface CloseTimes {
  /** What still runs is told to come to an end. */
  readonly lastCallMs: number
  /** What still runs is waited for no longer: the rest is for offsets, locks and the good-bye. */
  readonly cutMs: number
}

/** The last fifth of the time, at least 1 s or half of the time, is for what must be told to end. */
export function closeTimes(timeoutMs: number): CloseTimes {
  const lastMs = Math.max(timeoutMs / 5, Math.min(1_000, timeoutMs / 2))
  return { lastCallMs: timeoutMs - lastMs, cutMs: timeoutMs - lastMs / 2 }
}

/** Starts no more calls of a listener, and waits for those that run, until `cut`; says after a while that it waits. */
export async function drained(
  { clock, events }: Env,
  group: string,
  consuming: Consuming,
  { waitMs, cut }: { readonly waitMs: number; readonly cut: Promise<void> },
): Promise<void> {
  const says = clock.after(CLOSE_SAYS_MS, () => {
    events.emit(closeWaits, { group, waitMs: Math.round(waitMs) })
  })
  await Promise.race([consuming.close(), cut])
  says.cancel()
}
