import type { Disk, DiskFile } from './env.ts'

/**
 * Replaces a file atomically: a complete file exists at any time, after a power cut too. The new one is synced under
 * another name before it replaces the old one, and its name is synced when this resolves. Rejects with the host's
 * error; then either of them exists.
 */
export async function replaceFile(disk: Disk, path: string, content: Uint8Array): Promise<void> {
  const file = written(disk, path, content)
  try {
    await file.sync()
  } finally {
    file.close()
  }
  disk.rename(newPath(path), path)
  await disk.syncDirectory(directoryOf(path))
}

/** As `replaceFile`, but blocking; for starts and rare operations. Throws the host's error. */
export function replaceFileNow(disk: Disk, path: string, content: Uint8Array): void {
  const file = written(disk, path, content)
  try {
    file.syncNow()
  } finally {
    file.close()
  }
  disk.rename(newPath(path), path)
  disk.syncDirectoryNow(directoryOf(path))
}

/** The directory of a path. */
export function directoryOf(path: string): string {
  const end = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
  return end < 0 ? '.' : path.slice(0, Math.max(1, end))
}

/** The new file, open; a remnant of a killed process is removed. */
function written(disk: Disk, path: string, content: Uint8Array): DiskFile {
  const file = disk.open(newPath(path), 'create')
  try {
    file.resize(0)
    file.writeNow(content, 0)
    return file
  } catch (error) {
    file.close()
    throw error
  }
}

const newPath = (path: string): string => `${path}.new`
