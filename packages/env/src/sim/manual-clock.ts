import type { Clock } from '../env.ts'

interface Waiting {
  at: number
  readonly order: number
  readonly everyMs: number | undefined
  readonly f: () => void
}

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Moves time on by `ms` and calls what falls due, in order. */
  advance(ms: number): void
  /** Sets the wall clock on, or back, by `ms`, while no time passes. */
  jump(ms: number): void
}

/** Makes a clock that starts at `startMs` of the wall clock. */
export function manualClock(startMs = 1_700_000_000_000): ManualClock {
  let time = 0
  let jumpedMs = 0
  let order = 0
  let waiting: Waiting[] = []

  const add = (ms: number, everyMs: number | undefined, f: () => void) => {
    const entry: Waiting = { at: time + ms, order: order++, everyMs, f }
    waiting.push(entry)
    return {
      cancel: () => {
        waiting = waiting.filter((each) => each !== entry)
      },
    }
  }
  const next = (until: number): Waiting | undefined => {
    let first: Waiting | undefined
    for (const each of waiting) {
      if (each.at > until) continue
      const isSooner =
        first === undefined ||
        each.at < first.at ||
        (each.at === first.at && each.order < first.order)
      if (isSooner) first = each
    }
    return first
  }

  return {
    now: () => startMs + time + jumpedMs,
    monotonic: () => time,
    after: (ms, f) => add(ms, undefined, f),
    every: (ms, f) => add(ms, ms, f),
    keepAlive: () => ({ cancel: () => undefined }),
    advance: (ms) => {
      const until = time + ms
      for (let entry = next(until); entry !== undefined; entry = next(until)) {
        const due = entry
        time = Math.max(time, due.at)
        if (due.everyMs === undefined) waiting = waiting.filter((each) => each !== due)
        else due.at += Math.max(1, due.everyMs)
        due.f()
      }
      time = until
    },
    jump: (ms) => {
      jumpedMs += ms
    },
  }
}
