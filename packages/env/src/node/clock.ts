import type { Clock, Timer } from '../env.ts'

/** The longest time for a timer of Node, ms. */
const LONGEST_MS = 2 ** 31 - 1

/** The host's clocks and timers. */
export const nodeClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, f) => cancelWith(setTimeout(f, ms).unref(), clearTimeout),
  every: (ms, f) => cancelWith(setInterval(f, ms).unref(), clearInterval),
  keepAlive: () =>
    cancelWith(
      setInterval(() => undefined, LONGEST_MS),
      clearInterval,
    ),
}

function cancelWith(timer: NodeJS.Timeout, clear: (timer: NodeJS.Timeout) => void): Timer {
  return {
    cancel: () => {
      clear(timer)
    },
  }
}
