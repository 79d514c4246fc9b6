import type { Disk } from '@skylarkmq/env'
import type { StoreConfig } from '../options.ts'

/**
 * Share of the file system under a path that is in use, 0 to 1, as `df` has it: of what is used and what may still be
 * written. What is free and may not be written, reserved blocks and what is beyond a quota, is neither.
 * Apache: `UtilAll.java`, getDiskPartitionSpaceUsedPercent.
 */
export function diskUsedRatio(disk: Disk, path: string): number {
  const { totalBytes, freeBytes, availableBytes } = disk.usage(path)
  const usedBytes = Math.max(0, totalBytes - freeBytes)
  const entireBytes = usedBytes + Math.max(0, availableBytes)
  // A file system that does not say how large it is counts as empty: nothing is deleted on a guess.
  return entireBytes === 0 ? 0 : usedBytes / entireBytes
}

/** The share as Apache shows it: whole hundredths, rounded up. */
export function diskUsedText(usedRatio: number): string {
  return String(Math.ceil(usedRatio * 100) / 100)
}

/** What a degree of disk use asks for. */
export interface DiskPressure {
  /** Expired files go whatever the hour. */
  readonly cleansAtAnyHour: boolean
  /** The oldest files go whatever their age. */
  readonly cleansForcibly: boolean
  /** Messages are refused. */
  readonly isTooFull: boolean
}

/** What a degree of disk use asks for, by the ratios of the configuration. Apache: `DefaultMessageStore.java`, isSpaceToDelete. */
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
