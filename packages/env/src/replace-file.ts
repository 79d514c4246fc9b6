import type { Disk, DiskFile } from './env.ts'

/**
 * Replaces a file as a whole, so that there is one at any time that is whole, after a power cut too: the new one is on disk
 * under another name before it takes the place of the old one, and its name is on disk when this resolves. Rejects with the
 * host's error; then either of them is there.
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

/** As `replaceFile`, blocking; for starts and for what is rare. Throws the host's error. */
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

/** The directory that a file is in, by its path. */
export function directoryOf(path: string): string {
  const end = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
  return end < 0 ? '.' : path.slice(0, Math.max(1, end))
}

/** The new file, open; what one that was killed left there is gone. */
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
