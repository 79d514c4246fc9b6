import type { Turn } from '../env.ts'
import { turnBy } from '../turn.ts'

/** The end of a turn on Node's event loop: `setImmediate` runs after all readable sockets were read. */
export function nodeTurn(): Turn {
  return turnBy(setImmediate)
}
