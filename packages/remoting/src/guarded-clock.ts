import { stackOfThrown, type Clock, type EventSink } from '@skylarkmq/env'
import { timerFailed } from './events.ts'

/** A clock whose timers continue when one of them throws: that is told, and ends neither the others nor the process. */
export function guardedClock(clock: Clock, events: EventSink): Clock {
  const guarded = (f: () => void) => (): void => {
    try {
      f()
    } catch (error) {
      events.emit(timerFailed, { reason: stackOfThrown(error) })
    }
  }
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms, f) => clock.after(ms, guarded(f)),
    every: (ms, f) => clock.every(ms, guarded(f)),
    keepAlive: () => clock.keepAlive(),
  }
}
