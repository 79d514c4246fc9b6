import { hostError, lastOf, parentOf } from '../file-names.ts'
import type { Disk, DiskEntry, DiskStat, DiskUsage, OpenMode } from '../env.ts'
import { ChunkedContent, ChunkedFile } from './chunked-file.ts'

/**
 * A file system in memory, for a broker that forgets and for tests. Files are sparse: what was never
 * written reads as zeros and takes no memory.
 */
export function memoryDisk(now: () => number, totalBytes = 2 ** 40): Disk {
  const files = new Map<string, ChunkedContent>()
  const directories = new Set<string>(['/'])
  const used = (): number => {
    let bytes = 0
    for (const content of files.values()) bytes += content.heldBytes
    return bytes
  }
  const open = (name: string, mode: OpenMode): ChunkedContent => {
    const found = files.get(name)
    if (found !== undefined) return found
    if (mode !== 'create') throw hostError('ENOENT', 'open', name)
    if (!directories.has(parentOf(name))) throw hostError('ENOENT', 'open', name)
    const made = new ChunkedContent({ now })
    files.set(name, made)
    return made
  }
  const removeTree = (directory: string): void => {
    const below = directory.endsWith('/') ? directory : `${directory}/`
    for (const name of files.keys()) if (name.startsWith(below)) files.delete(name)
    for (const name of directories) {
      if (name === directory || name.startsWith(below)) directories.delete(name)
    }
  }
  return {
    open: (name, mode) => new ChunkedFile(name, open(name, mode)),
    list: (directory) => listOf(directory, files, directories),
    stat: (name) => statOf(name, files, directories),
    makeDirectory: (directory) => {
      for (let at = directory; !directories.has(at); at = parentOf(at)) directories.add(at)
    },
    rename: (from, to) => {
      const file = files.get(from)
      if (file !== undefined) {
        files.delete(from)
        files.set(to, file)
      } else if (directories.has(from)) renameTree(from, to, files, directories)
      else throw hostError('ENOENT', 'rename', from)
    },
    remove: (name) => {
      files.delete(name)
    },
    removeDirectory: (directory) => {
      if (listOf(directory, files, directories).length > 0) return false
      directories.delete(directory)
      return true
    },
    removeTree,
    syncDirectory: () => Promise.resolve(),
    syncDirectoryNow: () => undefined,
    usage: () => usageOf(totalBytes, used()),
    readFile: (name) => {
      const content = files.get(name)
      if (content === undefined) return undefined
      const data = Buffer.alloc(content.sizeBytes)
      content.read(data, 0)
      return data
    },
    writeFile: (name, data) => {
      const content = open(name, 'create')
      content.resize(0)
      content.write(data, 0)
    },
    lock: () => Promise.resolve({ release: () => undefined }),
  }
}

function usageOf(totalBytes: number, usedBytes: number): DiskUsage {
  const freeBytes = totalBytes - usedBytes
  return { totalBytes, freeBytes, availableBytes: freeBytes }
}

function statOf(
  name: string,
  files: ReadonlyMap<string, ChunkedContent>,
  directories: ReadonlySet<string>,
): DiskStat | undefined {
  const file = files.get(name)
  if (file !== undefined) {
    return { sizeBytes: file.sizeBytes, modifiedMs: file.modifiedMs, isDirectory: false }
  }
  return directories.has(name) ? { sizeBytes: 0, modifiedMs: 0, isDirectory: true } : undefined
}

function listOf(
  directory: string,
  files: ReadonlyMap<string, unknown>,
  directories: ReadonlySet<string>,
): DiskEntry[] {
  const entries: DiskEntry[] = []
  for (const name of files.keys()) {
    if (parentOf(name) === directory) entries.push({ name: lastOf(name), isDirectory: false })
  }
  for (const name of directories) {
    if (name !== '/' && parentOf(name) === directory) {
      entries.push({ name: lastOf(name), isDirectory: true })
    }
  }
  return entries
}

function renameTree(
  from: string,
  to: string,
  files: Map<string, ChunkedContent>,
  directories: Set<string>,
): void {
  const taken = [...files.keys(), ...directories].some((name) => name.startsWith(`${to}/`))
  if (taken || files.has(to)) throw hostError('ENOTEMPTY', 'rename', to)
  const isIn = (name: string): boolean => name === from || name.startsWith(`${from}/`)
  for (const [name, content] of [...files]) {
    if (!isIn(name)) continue
    files.delete(name)
    files.set(to + name.slice(from.length), content)
  }
  for (const name of [...directories]) {
    if (!isIn(name)) continue
    directories.delete(name)
    directories.add(to + name.slice(from.length))
  }
}
