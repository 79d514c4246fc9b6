import { hostError, lastOf, parentOf } from '../file-names.ts'
import type { Disk, DiskEntry, DiskFile, DiskStat, DiskUsage, OpenMode } from '../env.ts'

const CHUNK_BYTES = 64 * 1024

/**
 * A file system in memory, for a broker that forgets and for tests. Files are sparse: what was never
 * written reads as zeros and takes no memory.
 */
export function memoryDisk(now: () => number, totalBytes = 2 ** 40): Disk {
  const files = new Map<string, MemoryContent>()
  const directories = new Set<string>(['/'])
  const used = (): number => {
    let bytes = 0
    for (const content of files.values()) bytes += content.chunks.size * CHUNK_BYTES
    return bytes
  }
  const open = (name: string, mode: OpenMode): MemoryContent => {
    const found = files.get(name)
    if (found !== undefined) return found
    if (mode !== 'create') throw hostError('ENOENT', 'open', name)
    if (!directories.has(parentOf(name))) throw hostError('ENOENT', 'open', name)
    const made = { chunks: new Map<number, Buffer>(), sizeBytes: 0, modifiedMs: now() }
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
    open: (name, mode) => new MemoryFile(name, open(name, mode), now),
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
      new MemoryFile(name, content, now).readNow(data, 0)
      return data
    },
    writeFile: (name, data) => {
      const file = new MemoryFile(name, open(name, 'create'), now)
      file.resize(0)
      file.writeNow(data, 0)
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
  files: ReadonlyMap<string, MemoryContent>,
  directories: ReadonlySet<string>,
): DiskStat | undefined {
  const file = files.get(name)
  if (file !== undefined) {
    return { sizeBytes: file.sizeBytes, modifiedMs: file.modifiedMs, isDirectory: false }
  }
  return directories.has(name) ? { sizeBytes: 0, modifiedMs: 0, isDirectory: true } : undefined
}

interface MemoryContent {
  readonly chunks: Map<number, Buffer>
  sizeBytes: number
  modifiedMs: number
}

class MemoryFile implements DiskFile {
  readonly path: string
  readonly #content: MemoryContent
  readonly #now: () => number

  constructor(path: string, content: MemoryContent, now: () => number) {
    this.path = path
    this.#content = content
    this.#now = now
  }

  writeNow(data: Uint8Array, position: number): void {
    let done = 0
    while (done < data.length) {
      const index = Math.floor((position + done) / CHUNK_BYTES)
      const at = (position + done) % CHUNK_BYTES
      const part = data.subarray(done, done + CHUNK_BYTES - at)
      let chunk = this.#content.chunks.get(index)
      if (chunk === undefined) {
        chunk = Buffer.alloc(CHUNK_BYTES)
        this.#content.chunks.set(index, chunk)
      }
      chunk.set(part, at)
      done += part.length
    }
    this.#content.sizeBytes = Math.max(this.#content.sizeBytes, position + data.length)
    this.#content.modifiedMs = this.#now()
  }

  readNow(target: Uint8Array, position: number): number {
    const length = Math.max(0, Math.min(target.length, this.#content.sizeBytes - position))
    let done = 0
    while (done < length) {
      const at = (position + done) % CHUNK_BYTES
      const part = Math.min(CHUNK_BYTES - at, length - done)
      const chunk = this.#content.chunks.get(Math.floor((position + done) / CHUNK_BYTES))
      if (chunk === undefined) target.fill(0, done, done + part)
      else target.set(chunk.subarray(at, at + part), done)
      done += part
    }
    return length
  }

  writeAt(data: readonly Uint8Array[], position: number): Promise<void> {
    let at = position
    for (const piece of data) {
      this.writeNow(piece, at)
      at += piece.length
    }
    return Promise.resolve()
  }

  readAt(target: Uint8Array, position: number): Promise<number> {
    return Promise.resolve(this.readNow(target, position))
  }

  sync(): Promise<void> {
    return Promise.resolve()
  }

  syncNow(): void {
    // Memory is as durable as it gets.
  }

  size(): number {
    return this.#content.sizeBytes
  }

  resize(sizeBytes: number): void {
    const { chunks } = this.#content
    for (const index of chunks.keys()) {
      if (index * CHUNK_BYTES >= sizeBytes) chunks.delete(index)
    }
    chunks.get(Math.floor(sizeBytes / CHUNK_BYTES))?.fill(0, sizeBytes % CHUNK_BYTES)
    this.#content.sizeBytes = sizeBytes
    this.#content.modifiedMs = this.#now()
  }

  close(): void {
    // Nothing is held open.
  }
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
  files: Map<string, MemoryContent>,
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
