import type { Disk } from '@skylarkmq/env'
import type { StoreConfig } from '../options.ts'

/** Share of the file system under a path that is in use, 0 to 1. */
export function diskUsedRatio(disk: Disk, path: string): number {
  const { totalBytes, freeBytes } = disk.usage(path)
  return totalBytes === 0 ? 0 : 1 - freeBytes / totalBytes
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
