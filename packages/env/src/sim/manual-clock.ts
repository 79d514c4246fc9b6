import type { Clock } from '../env.ts'
import { TimerQueue } from '../timer-queue.ts'

/** A clock that stands still until a test advances it. */
export interface ManualClock extends Clock {
  /** Advances time by `ms` and calls what falls due, in order. */
  advance(ms: number): void
  /** Sets the wall clock forward or back by `ms`, while no time passes. */
  jump(ms: number): void
}

/** Makes a clock that starts at `startMs` of the wall clock. Calls within `advance`, so that a test need not wait. */
export function manualClock(startMs = 1_700_000_000_000): ManualClock {
  const timers = new TimerQueue()
  let time = 0
  let jumpedMs = 0
  const add = (ms: number, everyMs: number | undefined, f: () => void) => {
    const timer = timers.add(time + ms, () => {
      if (everyMs === undefined) timers.remove(timer)
      else timers.moveTo(timer, timer.at + Math.max(1, everyMs))
      f()
    })
    return {
      cancel: () => {
        timers.remove(timer)
      },
    }
  }
  return {
    now: () => startMs + time + jumpedMs,
    monotonic: () => time,
    after: (ms, f) => add(ms, undefined, f),
    every: (ms, f) => add(ms, ms, f),
    keepAlive: () => ({ cancel: () => undefined }),
    advance: (ms) => {
      const until = time + ms
      for (let due = timers.first(until); due !== undefined; due = timers.first(until)) {
        time = Math.max(time, due.at)
        due.call()
      }
      time = until
    },
    jump: (ms) => {
      jumpedMs += ms
    },
  }
}
