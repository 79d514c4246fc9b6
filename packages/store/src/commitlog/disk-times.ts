import type { Histogram } from '@skylarkmq/env'

/** How long the log's disk took, in ms. */
export interface DiskTimes {
  /** The last write of what a turn staged. */
  readonly lastWriteMs: number
  /** The last sync that ended; 0 before the first. */
  readonly lastSyncMs: number
  /** The sync that is under way, so far; undefined when none is. */
  readonly syncingMs: number | undefined
}

/** How long all of them took since the start, in ms, for metrics. */
export interface DiskHistograms {
  readonly writeTimes: Histogram
  readonly syncTimes: Histogram
}

/** Buckets of what a write and a sync of the log take, ms. */
export const DISK_TIME_BOUNDS_MS: readonly number[] = [
  0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 5000,
]
