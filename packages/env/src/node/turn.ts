import type { Turn } from '../env.ts'

/** The end of a turn on Node's event loop: `setImmediate` runs after all sockets that were ready were read. */
export function nodeTurn(): Turn {
  let writes: (() => void)[] = []
  let sends: ((failure: unknown) => void)[] = []
  let scheduled = false

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
    scheduled = false
    for (const send of now) send(failure)
  }
  const schedule = (): void => {
    if (scheduled) return
    scheduled = true
    setImmediate(end)
  }
  return {
    writes: (f) => {
      writes.push(f)
      schedule()
    },
    sends: (f) => {
      sends.push(f)
      schedule()
    },
  }
}
