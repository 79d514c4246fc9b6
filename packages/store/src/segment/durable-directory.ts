import type { Disk } from '@skylarkmq/env'
import { hostErrorCode } from '@skylarkmq/env'

// This user may have no access to parent directories; they belong to whoever created them.
const NOT_OURS: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM', 'EROFS', 'EINVAL'])

/**
 * Creates a directory and syncs its name and those of its parents, which an interrupted start may have created.
 * Throws the host's error.
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
