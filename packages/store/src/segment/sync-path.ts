import type { Disk } from '@skylarkmq/env'

/**
 * Brings a file to disk by a handle of its own, so that its usual handle may be closed meanwhile. Rejects with
 * the host's error. A file that is gone counts as done.
 */
export async function syncPath(disk: Disk, path: string): Promise<void> {
  if (disk.stat(path) === undefined) return
  const file = disk.open(path, 'write')
  try {
    await file.sync()
  } finally {
    file.close()
  }
}
