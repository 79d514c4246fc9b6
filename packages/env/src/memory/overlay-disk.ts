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
import { ChunkedContent, ChunkedFile, type ChunkBudget, type Ground } from './chunked-file.ts'

/** Options of an overlay. */
export interface OverlayOptions {
  /** Wall clock, ms since 1970. */
  readonly now: () => number
  /** Limit of bytes in memory; a write beyond fails with ENOSPC. */
  readonly bytesMax: number
}

/** What an overlay asks of the disk below it. */
export type DiskBelow = Pick<Disk, 'open' | 'list' | 'stat' | 'usage'>

/**
 * A disk with changes on top: what is written, renamed or removed is kept in memory, everything else is read from the
 * disk below, which is never changed. Its files must not change meanwhile.
 */
export class OverlayDisk implements Disk {
  readonly #below: DiskBelow
  readonly #now: () => number
  readonly #budget: Budget
  /** What was created, written or renamed, by directory and name. */
  readonly #made = new Map<string, Map<string, ChunkedContent | 'directory'>>()
  /** Removed names of the disk below, with everything below them. */
  readonly #gone = new Set<string>()

  constructor(below: DiskBelow, options: OverlayOptions) {
    this.#below = below
    this.#now = options.now
    this.#budget = new Budget(options.bytesMax)
  }

  /** Whether a write was refused because of the memory limit. */
  get isFull(): boolean {
    return this.#budget.isFull
  }

  /** Bytes of memory that its files take. */
  get heldBytes(): number {
    return this.#budget.bytes
  }

  open(path: string, mode: OpenMode): DiskFile {
    return new ChunkedFile(path, this.#content(path, mode))
  }

  #content(path: string, mode: OpenMode): ChunkedContent {
    const found = this.#find(path)
    if (found === 'directory') throw hostError('EISDIR', 'open', path)
    if (found !== undefined) return found
    if (mode !== 'create') throw hostError('ENOENT', 'open', path)
    if (this.#find(parentOf(path)) !== 'directory') throw hostError('ENOENT', 'open', path)
    const made = new ChunkedContent({ now: this.#now, budget: this.#budget })
    this.#put(path, made)
    return made
  }

  #find(path: string): ChunkedContent | 'directory' | undefined {
    const made = this.#made.get(parentOf(path))?.get(lastOf(path))
    if (made !== undefined) return made
    const stat = this.#isGone(path) ? undefined : this.#below.stat(path)
    if (stat === undefined) return undefined
    if (stat.isDirectory) return 'directory'
    const content = new ChunkedContent({
      now: this.#now,
      budget: this.#budget,
      sizeBytes: stat.sizeBytes,
      modifiedMs: stat.modifiedMs,
      ground: new FileBelow(this.#below, path, stat.sizeBytes),
    })
    this.#put(path, content)
    return content
  }

  #isGone(path: string): boolean {
    for (let at = path; at !== '/'; at = parentOf(at)) if (this.#gone.has(at)) return true
    return false
  }

  #put(path: string, what: ChunkedContent | 'directory'): void {
    const folder = parentOf(path)
    const names = this.#made.get(folder) ?? new Map<string, ChunkedContent | 'directory'>()
    this.#made.set(folder, names.set(lastOf(path), what))
  }

  list(path: string): DiskEntry[] {
    const made = this.#made.get(path) ?? new Map<string, ChunkedContent | 'directory'>()
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
    } else if (from !== to) {
      this.remove(to)
      this.#drop(from)
      this.#put(to, found)
    }
  }

  #drop(path: string): void {
    const folder = parentOf(path)
    const names = this.#made.get(folder)
    names?.delete(lastOf(path))
    if (names?.size === 0) this.#made.delete(folder)
    if (this.#below.stat(path) !== undefined) this.#gone.add(path)
  }

  remove(path: string): void {
    const found = this.#find(path)
    if (found === undefined || found === 'directory') return
    found.forget()
    this.#drop(path)
  }

  removeDirectory(path: string): boolean {
    if (this.list(path).length > 0) return false
    if (this.#find(path) === 'directory') this.#drop(path)
    return true
  }

  removeTree(path: string): void {
    for (const { name, isDirectory } of this.list(path)) {
      if (isDirectory) this.removeTree(`${path}/${name}`)
      else this.remove(`${path}/${name}`)
    }
    this.removeDirectory(path)
  }

  syncDirectory(): Promise<void> {
    return Promise.resolve()
  }

  syncDirectoryNow(): void {
    // Memory is never durable.
  }

  usage(path: string): DiskUsage {
    return this.#below.usage(path)
  }

  readFile(path: string): Buffer | undefined {
    const found = this.#find(path)
    if (found === undefined || found === 'directory') return undefined
    const data = Buffer.alloc(found.sizeBytes)
    const file = new ChunkedFile(path, found)
    file.readNow(data, 0)
    file.close()
    return data
  }

  writeFile(path: string, data: Uint8Array): void {
    const content = this.#content(path, 'create')
    content.resize(0)
    content.write(data, 0)
  }

  /** Nobody else sees these changes, so locks are not needed. */
  lock(): Promise<DirectoryLock> {
    return Promise.resolve({ release: () => undefined })
  }
}

/** The content below, for a file that was not written here. */
class FileBelow implements Ground {
  readonly #disk: DiskBelow
  readonly #path: string
  /** Bytes of the file that are still valid. */
  #bytes: number
  #users = 0
  #file: DiskFile | undefined

  constructor(disk: DiskBelow, path: string, sizeBytes: number) {
    this.#disk = disk
    this.#path = path
    this.#bytes = sizeBytes
  }

  read(target: Uint8Array, position: number): void {
    const length = Math.max(0, Math.min(target.length, this.#bytes - position))
    target.fill(0, length)
    if (length === 0) return
    const file = this.#file ?? this.#disk.open(this.#path, 'read')
    if (this.#users > 0) this.#file = file
    file.readNow(target.subarray(0, length), position)
    if (this.#users === 0) file.close()
  }

  cut(sizeBytes: number): void {
    this.#bytes = Math.min(this.#bytes, sizeBytes)
  }

  opened(): void {
    this.#users++
  }

  /** The file below is open while a handle of the one above is. */
  closed(): void {
    if (--this.#users > 0) return
    this.#file?.close()
    this.#file = undefined
  }
}

/** The budget for written data. */
class Budget implements ChunkBudget {
  readonly #bytesMax: number
  bytes = 0
  isFull = false

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  take(bytes: number): void {
    if (this.bytes + bytes > this.#bytesMax) {
      this.isFull = true
      throw hostError('ENOSPC', 'write', 'memory')
    }
    this.bytes += bytes
  }

  give(bytes: number): void {
    this.bytes -= bytes
  }
}
