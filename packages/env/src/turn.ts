import type { Turn } from './env.ts'

/**
 * Collects the work for the end of a turn; `schedule` calls a function when all input is handled. A callback that
 * throws does not prevent the others; the first error is thrown after them.
 */
export function turnBy(schedule: (end: () => void) => void): Turn {
  let writes: (() => void)[] = []
  let sends: ((failure: unknown) => void)[] = []
  let nexts: (() => void)[] = []
  let isScheduled = false

  /** Runs all writes, including those that writes register: nothing is acknowledged before. */
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
    // What a write made available (a message that can be read now) is sent in this turn.
    const now = sends
    const begins = nexts
    sends = []
    nexts = []
    isScheduled = false
    const errors: unknown[] = []
    for (const send of now) {
      try {
        send(failure)
      } catch (error) {
        errors.push(error)
      }
    }
    for (const begin of begins) {
      try {
        begin()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
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
    next: (f) => {
      nexts.push(f)
      scheduleOnce()
    },
  }
}
