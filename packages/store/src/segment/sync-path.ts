import type { Disk, DiskFile } from '@skylarkmq/env'
import { hostErrorCode } from '@skylarkmq/env'

/**
 * Syncs a file through a handle of its own, so that its usual handle may be closed meanwhile. Rejects with the host's
 * error. A file that is gone counts as synced.
 */
export async function syncPath(disk: Disk, path: string): Promise<void> {
  const file = openIfThere(disk, path)
  if (file === undefined) return
  try {
    await file.sync()
  } finally {
    file.close()
  }
}

function openIfThere(disk: Disk, path: string): DiskFile | undefined {
  try {
    return disk.open(path, 'write')
  } catch (error) {
    if (hostErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
