import type { Disk } from '@skylarkmq/env'
import { hostErrorCode } from '@skylarkmq/env'

const PREFIX = 'unsynced.'
/** Pattern of these files' names. */
export const UNSYNCED = /^unsynced\.\d{1,16}(-\d{1,16})?$/

/**
 * Creates a file in the root of the store that marks a part of the log as possibly not on disk, although the host
 * counts it as written: after a failed sync. Its name contains the offset up to where the log is on disk, and the end
 * of the part if known, so that it works on a full disk. A process that opens the store later rewrites that part.
 * After a power cut the mark has no meaning.
 */
export function markUnsynced(disk: Disk, root: string, offset: number, end?: number): void {
  const part = end === undefined ? String(offset) : `${offset}-${end}`
  try {
    disk.open(`${root}/${PREFIX}${part}`, 'create').close()
  } catch (error) {
    // The disk is in a bad state; the calling process refuses messages anyway.
    if (hostErrorCode(error) === undefined) throw error
  }
}

/** A part of the log that may not be on disk; `end` is Infinity when unknown. */
export interface UnsyncedPart {
  readonly offset: number
  readonly end: number
}

/**
 * The part that may not be on disk, from the first mark to the last; undefined without marks. Throws the host's
 * error.
 */
export function unsyncedMark(disk: Disk, root: string): UnsyncedPart | undefined {
  const parts = marks(disk, root).map((name) => name.slice(PREFIX.length).split('-').map(Number))
  if (parts.length === 0) return undefined
  return {
    offset: Math.min(...parts.map(([offset = 0]) => offset)),
    end: Math.max(...parts.map(([, end = Infinity]) => end)),
  }
}

/** Removes the marks. Throws the host's error. */
export function unmarkUnsynced(disk: Disk, root: string): void {
  for (const name of marks(disk, root)) disk.remove(`${root}/${name}`)
}

function marks(disk: Disk, root: string): string[] {
  return disk
    .list(root)
    .map((entry) => entry.name)
    .filter((name) => UNSYNCED.test(name))
}
