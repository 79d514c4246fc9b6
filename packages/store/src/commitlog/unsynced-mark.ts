import type { Disk } from '@skylarkmq/env'
import { hostErrorCode } from '@skylarkmq/env'

/**
 * A file that is there while a part of the log may be in the page cache only, though the host counts it as
 * written: after a failed sync. Its content is the offset, in digits, up to where the log is on disk. A process that
 * opens the store after a kill writes that part again. After a power cut it is of no interest.
 */
export function markUnsynced(disk: Disk, path: string, offset: number): void {
  try {
    disk.writeFile(path, Buffer.from(String(offset), 'latin1'))
  } catch (error) {
    // The disk is in no good state; an empty file says the same, for the whole log.
    if (hostErrorCode(error) === undefined) throw error
  }
}

/** The offset up to where the log is on disk; undefined when all that it shows is. Throws the host's error. */
export function unsyncedMark(disk: Disk, path: string): number | undefined {
  const content = disk.readFile(path)?.toString('latin1')
  if (content === undefined) return undefined
  return /^\d+$/.test(content) ? Number(content) : 0
}

/** Takes the file away. Throws the host's error. */
export function unmarkUnsynced(disk: Disk, path: string): void {
  disk.remove(path)
}
