import type { Clock } from '@skylarkmq/env'

/** Calls `step` until it returns true: now, and then once in each turn of the event loop, so that others get theirs. */
export function inTurns(clock: Clock, step: () => boolean): void {
  if (step()) return
  clock.after(0, () => {
    inTurns(clock, step)
  })
}

/** Calls `step` with 0, 1, … up to `count`, so many in each turn of the event loop. Resolves when all are done. */
export async function eachInTurns(
  clock: Clock,
  count: number,
  perTurn: number,
  step: (index: number) => void,
): Promise<void> {
  for (let index = 0; index < count; index++) {
    if (index > 0 && index % perTurn === 0) await nextTurn(clock)
    step(index)
  }
}

/** Resolves in a later turn of the event loop. */
export function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.after(0, resolve)
  })
}
