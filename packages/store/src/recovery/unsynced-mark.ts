import type { Disk } from '@skylarkmq/env'
import { hostErrorCode } from '@skylarkmq/env'

const PREFIX = 'unsynced.'
/** Names of these files. */
export const UNSYNCED = /^unsynced\.\d{1,16}(-\d{1,16})?$/

/**
 * A file in the root of the store that is there while a part of the log may be in the page cache only, though
 * the host counts it as written: after a failed sync. Its name ends with the offset up to where the log is on
 * disk, and with the end of the part where that is known, so that it needs no room on a full disk. A process that opens the
 * store later writes that part again. After a power cut it is of no interest.
 */
export function markUnsynced(disk: Disk, root: string, offset: number, end?: number): void {
  const part = end === undefined ? String(offset) : `${offset}-${end}`
  try {
    disk.open(`${root}/${PREFIX}${part}`, 'create').close()
  } catch (error) {
    // The disk is in no good state, and the process that sees it goes on to refuse messages.
    if (hostErrorCode(error) === undefined) throw error
  }
}

/** A part of the log that may not be on disk; `end` is Infinity where nobody knows. */
export interface UnsyncedPart {
  readonly offset: number
  readonly end: number
}

/** What may not be on disk, from the first mark to the last; undefined when all that the log shows is. Throws the host's error. */
export function unsyncedMark(disk: Disk, root: string): UnsyncedPart | undefined {
  const parts = marks(disk, root).map((name) => name.slice(PREFIX.length).split('-').map(Number))
  if (parts.length === 0) return undefined
  return {
    offset: Math.min(...parts.map(([offset = 0]) => offset)),
    end: Math.max(...parts.map(([, end = Infinity]) => end)),
  }
}

/** Takes the file away. Throws the host's error. */
export function unmarkUnsynced(disk: Disk, root: string): void {
  for (const name of marks(disk, root)) disk.remove(`${root}/${name}`)
}

function marks(disk: Disk, root: string): string[] {
  return disk
    .list(root)
    .map((entry) => entry.name)
    .filter((name) => UNSYNCED.test(name))
}
