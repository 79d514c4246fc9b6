import type { Disk } from '@skylarkmq/env'
import type { StoreConfig } from '../options.ts'

/**
 * The used share of the file system of a path, 0 to 1, as `df` computes it: used / (used + available). Reserved
 * blocks and space beyond a quota count as neither. Apache: `UtilAll.java`, getDiskPartitionSpaceUsedPercent.
 */
export function diskUsedRatio(disk: Disk, path: string): number {
  const { totalBytes, freeBytes, availableBytes } = disk.usage(path)
  const usedBytes = Math.max(0, totalBytes - freeBytes)
  const entireBytes = usedBytes + Math.max(0, availableBytes)
  // A file system that does not report its size counts as empty, so that nothing is deleted on a guess.
  return entireBytes === 0 ? 0 : usedBytes / entireBytes
}

/** The share as Apache shows it: whole hundredths, rounded up. */
export function diskUsedText(usedRatio: number): string {
  return String(Math.ceil(usedRatio * 100) / 100)
}

/** Measures required at a disk usage. */
export interface DiskPressure {
  /** Delete expired files at any hour. */
  readonly cleansAtAnyHour: boolean
  /** Delete the oldest files whatever their age. */
  readonly cleansForcibly: boolean
  /** Refuse messages. */
  readonly isTooFull: boolean
}

/**
 * The measures for a disk usage, by the ratios of the configuration. Apache: `DefaultMessageStore.java`,
 * isSpaceToDelete.
 */
export function diskPressure(usedRatio: number, config: StoreConfig): DiskPressure {
  const percent = usedRatio * 100
  const isTooFull = percent > Math.max(35, Math.min(90, config.diskSpaceWarningLevelRatio))
  const isTight = percent > Math.max(30, Math.min(85, config.diskSpaceCleanForciblyRatio))
  return {
    cleansAtAnyHour: isTooFull || isTight || percent > config.diskMaxUsedSpaceRatio,
    cleansForcibly: (isTooFull || isTight) && config.cleanFileForciblyEnable,
    isTooFull,
  }
}
