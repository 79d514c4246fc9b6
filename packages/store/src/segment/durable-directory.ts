import type { Disk } from '@skylarkmq/env'
import { hostErrorCode } from '@skylarkmq/env'

// Directories above ours may be closed to this user; whoever made them keeps them.
const NOT_OURS: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM', 'EROFS', 'EINVAL'])

/**
 * Makes a directory, and brings its name and those of the directories above to disk: they may have been made by
 * a start that did not get further. Throws the host's error.
 */
export function makeDurableDirectory(disk: Disk, directory: string): void {
  disk.makeDirectory(directory)
  for (let at = above(directory); at !== undefined; at = above(at)) {
    try {
      disk.syncDirectoryNow(at)
    } catch (error) {
      if (!NOT_OURS.has(hostErrorCode(error))) throw error
    }
  }
}

function above(directory: string): string | undefined {
  const cut = directory.replace(/[/\\]+$/, '').search(/[/\\][^/\\]*$/)
  if (cut < 0) return undefined
  return cut === 0 ? (directory.length > 1 ? '/' : undefined) : directory.slice(0, cut)
}
