import type {
  DirectoryLock,
  Disk,
  DiskEntry,
  DiskFile,
  DiskStat,
  DiskUsage,
  OpenMode,
} from '../env.ts'
import { hostError, lastOf, parentOf } from '../file-names.ts'

const CHUNK_BYTES = 64 * 1024

/** How an overlay is to be. */
export interface OverlayOptions {
  /** Wall clock, ms since 1970. */
  readonly now: () => number
  /** Bytes that may be held in memory; a write beyond fails with ENOSPC. */
  readonly bytesMax: number
}

/**
 * A disk as it would be after some changes: what is written, renamed or removed is kept in memory, and all else is read
 * from the disk below, which is never changed. Its files must not change meanwhile.
 */
export class OverlayDisk implements Disk {
  readonly #below: Disk
  readonly #memory: Memory
  /** What was made, written or renamed, by folder and name. */
  readonly #made = new Map<string, Map<string, Content | 'directory'>>()
  /** Names of the disk below that are not there any more, with all below them. */
  readonly #gone = new Set<string>()

  constructor(below: Disk, options: OverlayOptions) {
    this.#below = below
    this.#memory = { ...options, bytes: 0, isFull: false }
  }

  /** Whether a write was refused because too much is held in memory. */
  get isFull(): boolean {
    return this.#memory.isFull
  }

  open(path: string, mode: OpenMode): DiskFile {
    return new OverlayFile(path, this.#content(path, mode))
  }

  #content(path: string, mode: OpenMode): Content {
    const found = this.#find(path)
    if (found === 'directory') throw hostError('EISDIR', 'open', path)
    if (found !== undefined) return found
    if (mode !== 'create') throw hostError('ENOENT', 'open', path)
    if (this.#find(parentOf(path)) !== 'directory') throw hostError('ENOENT', 'open', path)
    const made = new Content(this.#memory)
    this.#put(path, made)
    return made
  }

  #find(path: string): Content | 'directory' | undefined {
    const made = this.#made.get(parentOf(path))?.get(lastOf(path))
    if (made !== undefined) return made
    const stat = this.#isGone(path) ? undefined : this.#below.stat(path)
    if (stat === undefined) return undefined
    if (stat.isDirectory) return 'directory'
    const content = new Content(this.#memory, { disk: this.#below, path, stat })
    this.#put(path, content)
    return content
  }

  #isGone(path: string): boolean {
    for (let at = path; at !== '/'; at = parentOf(at)) if (this.#gone.has(at)) return true
    return false
  }

  #put(path: string, what: Content | 'directory'): void {
    const folder = parentOf(path)
    const names = this.#made.get(folder) ?? new Map<string, Content | 'directory'>()
    this.#made.set(folder, names.set(lastOf(path), what))
  }

  list(path: string): DiskEntry[] {
    const made = this.#made.get(path) ?? new Map<string, Content | 'directory'>()
    const below = this.#isGone(path) ? [] : this.#below.list(path)
    const entries = below.filter(
      ({ name }) =>
        !made.has(name) && !this.#gone.has(path === '/' ? `/${name}` : `${path}/${name}`),
    )
    for (const [name, what] of made) entries.push({ name, isDirectory: what === 'directory' })
    return entries
  }

  stat(path: string): DiskStat | undefined {
    const found = this.#find(path)
    if (found === undefined) return undefined
    if (found === 'directory') return { sizeBytes: 0, modifiedMs: 0, isDirectory: true }
    return { sizeBytes: found.sizeBytes, modifiedMs: found.modifiedMs, isDirectory: false }
  }

  makeDirectory(path: string): void {
    const found = this.#find(path)
    if (found === 'directory') return
    if (found !== undefined) throw hostError('EEXIST', 'mkdir', path)
    if (path !== '/') this.makeDirectory(parentOf(path))
    this.#put(path, 'directory')
  }

  rename(from: string, to: string): void {
    const found = this.#find(from)
    if (found === undefined) throw hostError('ENOENT', 'rename', from)
    if (found === 'directory') {
      if (this.list(to).length > 0) throw hostError('ENOTEMPTY', 'rename', to)
      this.makeDirectory(to)
      for (const { name } of this.list(from)) this.rename(`${from}/${name}`, `${to}/${name}`)
      this.#drop(from)
    } else {
      this.#drop(from)
      this.#put(to, found)
    }
  }

  #drop(path: string): void {
    this.#made.get(parentOf(path))?.delete(lastOf(path))
    this.#gone.add(path)
  }

  remove(path: string): void {
    const found = this.#find(path)
    if (found === undefined || found === 'directory') return
    found.forget()
    this.#drop(path)
  }

  removeDirectory(path: string): boolean {
    if (this.list(path).length > 0) return false
    this.#drop(path)
    return true
  }

  removeTree(path: string): void {
    for (const { name, isDirectory } of this.list(path)) {
      if (isDirectory) this.removeTree(`${path}/${name}`)
      else this.remove(`${path}/${name}`)
    }
    this.#drop(path)
  }

  syncDirectory(): Promise<void> {
    return Promise.resolve()
  }

  syncDirectoryNow(): void {
    // What is in memory is never durable.
  }

  usage(path: string): DiskUsage {
    return this.#below.usage(path)
  }

  readFile(path: string): Buffer | undefined {
    const found = this.#find(path)
    if (found === undefined || found === 'directory') return undefined
    const data = Buffer.alloc(found.sizeBytes)
    found.opened()
    found.read(data, 0)
    found.closed()
    return data
  }

  writeFile(path: string, data: Uint8Array): void {
    const content = this.#content(path, 'create')
    content.resize(0)
    content.write(data, 0)
  }

  /** Nobody else sees what changes here, so nobody is kept out. */
  lock(): Promise<DirectoryLock> {
    return Promise.resolve({ release: () => undefined })
  }
}

interface Memory extends OverlayOptions {
  bytes: number
  isFull: boolean
}

/** Where the content of a file comes from that was not written here. */
interface Source {
  readonly disk: Disk
  readonly path: string
  readonly stat: DiskStat
}

/** What is in a file: chunks that were written, above a file of the disk below. */
class Content {
  sizeBytes: number
  modifiedMs: number
  readonly #memory: Memory
  readonly #source: Source | undefined
  /** Bytes of the file below that still count. */
  #belowBytes: number
  readonly #chunks = new Map<number, Buffer>()
  #users = 0
  #file: DiskFile | undefined

  constructor(memory: Memory, source?: Source) {
    this.#memory = memory
    this.#source = source
    this.sizeBytes = source?.stat.sizeBytes ?? 0
    this.modifiedMs = source?.stat.modifiedMs ?? memory.now()
    this.#belowBytes = this.sizeBytes
  }

  opened(): void {
    this.#users++
  }

  /** The file below is open while somebody has this one open. */
  closed(): void {
    if (--this.#users > 0) return
    this.#file?.close()
    this.#file = undefined
  }

  /** Gives back the memory of a file that is gone. */
  forget(): void {
    this.#memory.bytes -= this.#chunks.size * CHUNK_BYTES
    this.#chunks.clear()
  }

  read(target: Uint8Array, position: number): number {
    const length = Math.max(0, Math.min(target.length, this.sizeBytes - position))
    for (let done = 0; done < length;) {
      const at = (position + done) % CHUNK_BYTES
      const part = target.subarray(done, done + Math.min(CHUNK_BYTES - at, length - done))
      const chunk = this.#chunks.get(Math.floor((position + done) / CHUNK_BYTES))
      if (chunk === undefined) this.#readBelow(part, position + done)
      else part.set(chunk.subarray(at, at + part.length))
      done += part.length
    }
    return length
  }

  #readBelow(target: Uint8Array, position: number): void {
    const length = Math.max(0, Math.min(target.length, this.#belowBytes - position))
    target.fill(0, length)
    if (length === 0 || this.#source === undefined) return
    const { disk, path } = this.#source
    const file = this.#file ?? disk.open(path, 'read')
    if (this.#users > 0) this.#file = file
    file.readNow(target.subarray(0, length), position)
    if (this.#users === 0) file.close()
  }

  write(data: Uint8Array, position: number): void {
    for (let done = 0; done < data.length;) {
      const at = (position + done) % CHUNK_BYTES
      const part = data.subarray(done, done + CHUNK_BYTES - at)
      this.#chunk(Math.floor((position + done) / CHUNK_BYTES)).set(part, at)
      done += part.length
    }
    this.sizeBytes = Math.max(this.sizeBytes, position + data.length)
    this.modifiedMs = this.#memory.now()
  }

  #chunk(index: number): Buffer {
    const found = this.#chunks.get(index)
    if (found !== undefined) return found
    const memory = this.#memory
    if (memory.bytes + CHUNK_BYTES > memory.bytesMax) {
      memory.isFull = true
      throw hostError('ENOSPC', 'write', this.#source?.path ?? '')
    }
    const chunk = Buffer.alloc(CHUNK_BYTES)
    this.#readBelow(chunk, index * CHUNK_BYTES)
    memory.bytes += CHUNK_BYTES
    this.#chunks.set(index, chunk)
    return chunk
  }

  resize(sizeBytes: number): void {
    for (const index of this.#chunks.keys()) {
      if (index * CHUNK_BYTES < sizeBytes) continue
      this.#chunks.delete(index)
      this.#memory.bytes -= CHUNK_BYTES
    }
    this.#chunks.get(Math.floor(sizeBytes / CHUNK_BYTES))?.fill(0, sizeBytes % CHUNK_BYTES)
    this.#belowBytes = Math.min(this.#belowBytes, sizeBytes)
    this.sizeBytes = sizeBytes
    this.modifiedMs = this.#memory.now()
  }
}

class OverlayFile implements DiskFile {
  readonly path: string
  readonly #content: Content
  #isOpen = true

  constructor(path: string, content: Content) {
    this.path = path
    this.#content = content
    content.opened()
  }

  writeNow(data: Uint8Array, position: number): void {
    this.#content.write(data, position)
  }

  readNow(target: Uint8Array, position: number): number {
    return this.#content.read(target, position)
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is a rejection
  async writeAt(data: readonly Uint8Array[], position: number): Promise<void> {
    let at = position
    for (const piece of data) {
      this.#content.write(piece, at)
      at += piece.length
    }
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is a rejection
  async readAt(target: Uint8Array, position: number): Promise<number> {
    return this.#content.read(target, position)
  }

  sync(): Promise<void> {
    return Promise.resolve()
  }

  syncNow(): void {
    // What is in memory is never durable.
  }

  size(): number {
    return this.#content.sizeBytes
  }

  resize(sizeBytes: number): void {
    this.#content.resize(sizeBytes)
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#content.closed()
  }
}
