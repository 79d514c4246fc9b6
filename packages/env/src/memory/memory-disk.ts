import type { Disk } from '../env.ts'
import { hostError } from '../file-names.ts'
import { OverlayDisk } from './overlay-disk.ts'

/**
 * A file system in memory, for a broker that forgets and for tests: an overlay of a disk with nothing on it. Files are
 * sparse: what was never written reads as zeros and takes no memory. It is never full, whatever `totalBytes` says.
 */
export function memoryDisk(now: () => number, totalBytes = 2 ** 40): Disk {
  const files: OverlayDisk = new OverlayDisk(
    {
      stat: (path) =>
        path === '/' ? { sizeBytes: 0, modifiedMs: 0, isDirectory: true } : undefined,
      list: () => [],
      open: (path) => {
        throw hostError('ENOENT', 'open', path)
      },
      usage: () => {
        const freeBytes = totalBytes - files.heldBytes
        return { totalBytes, freeBytes, availableBytes: freeBytes }
      },
    },
    { now, bytesMax: Infinity },
  )
  // A plain object, so that one with some calls replaced can be made of it.
  return {
    open: (path, mode) => files.open(path, mode),
    list: (path) => files.list(path),
    stat: (path) => files.stat(path),
    makeDirectory: (path) => {
      files.makeDirectory(path)
    },
    rename: (from, to) => {
      files.rename(from, to)
    },
    remove: (path) => {
      files.remove(path)
    },
    removeDirectory: (path) => files.removeDirectory(path),
    removeTree: (path) => {
      files.removeTree(path)
    },
    syncDirectory: () => files.syncDirectory(),
    syncDirectoryNow: () => {
      files.syncDirectoryNow()
    },
    usage: (path) => files.usage(path),
    readFile: (path) => files.readFile(path),
    writeFile: (path, data) => {
      files.writeFile(path, data)
    },
    lock: () => files.lock(),
  }
}
