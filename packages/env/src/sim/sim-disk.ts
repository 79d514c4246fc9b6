import { SimNames } from './sim-names.ts'
import type { World } from './world.ts'

/** What is wrong with a disk; shares are of all such operations, from 0 to 1. */
export interface DiskFaults {
  /** Bytes that all files together may take. */
  capacityBytes: number
  /** Writes that fail with EIO, having written a part. */
  writeErrors: number
  /** Reads that fail with EIO. */
  readErrors: number
  /** Syncs that fail with EIO: what they were to bring to disk counts as clean, and never gets there. */
  syncErrors: number
  /** Reads in which one bit is not as it was written. */
  flips: number
  /** Whether a failed sync makes the page cache forget what it could not write. */
  dropsCache: boolean
  /** The paths that fail so; undefined: all do. A full disk is full for all. */
  where: RegExp | undefined
}

/** A disk of which nothing is wrong. */
export const healthyDisk: Readonly<DiskFaults> = {
  capacityBytes: Infinity,
  writeErrors: 0,
  readErrors: 0,
  syncErrors: 0,
  flips: 0,
  dropsCache: false,
  where: undefined,
}

/** Who uses a disk, as far as the disk needs to know. */
export interface DiskUser {
  readonly isAlive: boolean
}

/** The disk of one machine, with its page cache. Processes come and go; what is on it stays. */
export class SimDisk {
  readonly world: World
  /** What the clock of the machine says, ms: when files were changed. */
  readonly wallMs: () => number
  readonly names = new SimNames()
  faults: DiskFaults = { ...healthyDisk }
  /** What went wrong so far, by kind; `drops` are the failed syncs that dropped the cache. */
  readonly struck = { writes: 0, reads: 0, syncs: 0, drops: 0, full: 0, flips: 0 }
  /** Who locked which directory. */
  readonly holders = new Map<string, DiskUser>()
  #countdown = Infinity
  #strike: (() => void) | undefined

  constructor(world: World, wallMs: () => number = () => world.time) {
    this.world = world
    this.wallMs = wallMs
  }

  /** Calls `strike` in the middle of one of the next operations that change the disk. */
  strikeAt(operations: number, strike: () => void): void {
    this.#countdown = operations
    this.#strike = strike
  }

  /** Whether an operation on a path fails, of which a share does. */
  fails(share: number, path: string): boolean {
    // Drawn whatever the path is, so that a seed goes the same way with and without faults in other files.
    const isStruck = this.world.random.chance(share)
    return isStruck && this.faults.where?.test(path) !== false
  }

  /** Counts an operation; true when it is the one to be struck in. Then `strike` has to be called. */
  counts(): boolean {
    return --this.#countdown === 0
  }

  /** What `strikeAt` was given. */
  strike(): void {
    this.#countdown = Infinity
    this.#strike?.()
    this.#strike = undefined
  }

  /** Bytes that all files take. */
  get usedPages(): number {
    let pages = 0
    for (const content of this.names.contents()) pages += content.pages.size
    return pages
  }

  /** The power goes: what was not synced survives, is torn, or is lost. */
  powerCut(): void {
    // Files without a name may get it back, so contents are cut before names.
    const { random } = this.world
    const contents = new Set(this.names.everyContent())
    for (const content of contents) content.powerCut(random)
    this.names.powerCut(random)
  }
}
