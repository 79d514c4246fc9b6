import { randomBytes } from 'node:crypto'
import type { Random } from '../env.ts'

/** The host's random numbers. */
export const nodeRandom: Random = {
  next: () => Math.random(),
  bytes: (n) => randomBytes(n),
}
