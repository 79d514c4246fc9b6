import type { Turn } from './env.ts'

/** Gathers what a turn has to do at its end; `schedule` calls a function when all that has arrived is handled. */
export function turnBy(schedule: (end: () => void) => void): Turn {
  let writes: (() => void)[] = []
  let sends: ((failure: unknown) => void)[] = []
  let isScheduled = false

  /** Runs all writes, those that come of writes too: nothing is acknowledged before. */
  const runWrites = (): unknown => {
    let failure: unknown
    while (writes.length > 0) {
      const now = writes
      writes = []
      for (const write of now) {
        try {
          write()
        } catch (error) {
          failure ??= error
        }
      }
    }
    return failure
  }
  const end = (): void => {
    const failure = runWrites()
    // What a write made known (a message that can be read now) is sent in this turn.
    const now = sends
    sends = []
    isScheduled = false
    for (const send of now) send(failure)
  }
  const scheduleOnce = (): void => {
    if (isScheduled) return
    isScheduled = true
    schedule(end)
  }
  return {
    writes: (f) => {
      writes.push(f)
      scheduleOnce()
    },
    sends: (f) => {
      sends.push(f)
      scheduleOnce()
    },
  }
}
