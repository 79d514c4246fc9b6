import type { Disk } from '@skylarkmq/env'
import { hostErrorCode } from '@skylarkmq/env'

const PREFIX = 'unsynced.'

/**
 * A file in the root of the store that is there while a part of the log may be in the page cache only, though
 * the host counts it as written: after a failed sync. Its name ends with the offset up to where the log is on
 * disk, so that it needs no room on a full disk. A process that opens the store after a kill writes that part
 * again. After a power cut it is of no interest.
 */
export function markUnsynced(disk: Disk, root: string, offset: number): void {
  try {
    disk.open(`${root}/${PREFIX}${offset}`, 'create').close()
  } catch (error) {
    // The disk is in no good state, and the process that sees it goes on to refuse messages.
    if (hostErrorCode(error) === undefined) throw error
  }
}

/** The offset up to where the log is on disk; undefined when all that it shows is. Throws the host's error. */
export function unsyncedMark(disk: Disk, root: string): number | undefined {
  const offsets = marks(disk, root).map((name) => Number(name.slice(PREFIX.length)))
  return offsets.length === 0 ? undefined : Math.min(...offsets)
}

/** Takes the file away. Throws the host's error. */
export function unmarkUnsynced(disk: Disk, root: string): void {
  for (const name of marks(disk, root)) disk.remove(`${root}/${name}`)
}

function marks(disk: Disk, root: string): string[] {
  return disk
    .list(root)
    .map((entry) => entry.name)
    .filter((name) => /^unsynced\.\d{1,16}$/.test(name))
}
