import type { Turn } from '../env.ts'

/** The end of a turn on Node's event loop: `setImmediate` runs after all sockets that were ready were read. */
export function nodeTurn(): Turn {
  let writes: (() => void)[] = []
  let sends: ((failure: unknown) => void)[] = []
  let scheduled = false

  const end = (): void => {
    scheduled = false
    const [nowWrites, nowSends] = [writes, sends]
    writes = []
    sends = []
    let failure: unknown
    for (const write of nowWrites) {
      try {
        write()
      } catch (error) {
        failure ??= error
      }
    }
    for (const send of nowSends) send(failure)
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
