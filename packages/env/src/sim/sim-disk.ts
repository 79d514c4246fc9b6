import { SimNames } from './sim-names.ts'
import type { World } from './world.ts'

/** Faults of a disk; shares are fractions of operations, from 0 to 1. */
export interface DiskFaults {
  /** Capacity of the disk in bytes. */
  capacityBytes: number
  /** Writes that fail with EIO after a partial write. */
  writeErrors: number
  /** Reads that fail with EIO. */
  readErrors: number
  /** Syncs that fail with EIO: the affected pages count as clean and never reach the disk. */
  syncErrors: number
  /** Reads in which one bit is flipped. */
  flips: number
  /** Whether a failed sync makes the page cache drop what it could not write. */
  dropsCache: boolean
  /** The paths that these faults affect; undefined: all. A full disk is full for all. */
  where: RegExp | undefined
}

/** A disk without faults. */
export const healthyDisk: Readonly<DiskFaults> = {
  capacityBytes: Infinity,
  writeErrors: 0,
  readErrors: 0,
  syncErrors: 0,
  flips: 0,
  dropsCache: false,
  where: undefined,
}

/** What a disk needs to know of its user. */
export interface DiskUser {
  readonly isAlive: boolean
}

/** The disk of one machine, with its page cache. Processes come and go; its content stays. */
export class SimDisk {
  readonly world: World
  /** The machine's clock, ms, for modification times. */
  readonly wallMs: () => number
  readonly names = new SimNames()
  faults: DiskFaults = { ...healthyDisk }
  /** Faults so far, by kind; `drops` are the failed syncs that dropped the cache. */
  readonly struck = { writes: 0, reads: 0, syncs: 0, drops: 0, full: 0, flips: 0 }
  /** The owner of each locked directory. */
  readonly holders = new Map<string, DiskUser>()
  #countdown = Infinity
  #strike: (() => void) | undefined

  constructor(world: World, wallMs: () => number = () => world.time) {
    this.world = world
    this.wallMs = wallMs
  }

  /** Calls `strike` within one of the next operations that change the disk. */
  strikeAt(operations: number, strike: () => void): void {
    this.#countdown = operations
    this.#strike = strike
  }

  /** Whether an operation on a path fails, given the share that does. */
  fails(share: number, path: string): boolean {
    // Drawn for every path, so that a seed runs the same way with and without faults in other files.
    const isStruck = this.world.random.chance(share)
    return isStruck && this.faults.where?.test(path) !== false
  }

  /** Counts an operation; true when `strike` must be called in it. */
  counts(): boolean {
    return --this.#countdown === 0
  }

  /** The callback of `strikeAt`. */
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

  /** A power cut: unsynced data survives, is torn, or is lost. */
  powerCut(): void {
    // Files without a name may get it back, so contents are cut before names.
    const { random } = this.world
    const contents = new Set(this.names.everyContent())
    for (const content of contents) content.powerCut(random)
    this.names.powerCut(random)
  }
}
