import type {
  DirectoryLock,
  Disk,
  DiskEntry,
  DiskFile,
  DiskStat,
  DiskUsage,
  OpenMode,
} from '../env.ts'
import { DirectoryLocked } from '../errors.ts'
import { hostError, parentOf } from '../file-names.ts'
import { SIM_PAGE_BYTES, SimContent, pagesOf } from './sim-content.ts'
import type { DiskUser, SimDisk } from './sim-disk.ts'
import { copyIn } from './sim-names.ts'
import type { SimNames } from './sim-names.ts'

const NOMINAL_BYTES = 2 ** 40

/**
 * A disk as one process sees it. When the process dies within an operation, the rest of what it does before it yields
 * goes to a copy, so that no code has to know of its death.
 */
export class SimDiskView implements Disk {
  readonly disk: SimDisk
  readonly #user: DiskUser
  #afterDeath: { names: SimNames; copies: Map<SimContent, SimContent> } | undefined

  constructor(disk: SimDisk, user: DiskUser) {
    this.disk = disk
    this.#user = user
  }

  get isAlive(): boolean {
    return this.#user.isAlive
  }

  get #names(): SimNames {
    return this.#user.isAlive ? this.disk.names : this.#copy().names
  }

  #copy(): { names: SimNames; copies: Map<SimContent, SimContent> } {
    if (this.#afterDeath === undefined) {
      const copies = new Map<SimContent, SimContent>()
      this.#afterDeath = { names: this.disk.names.fork(copies), copies }
    }
    return this.#afterDeath
  }

  /** The content itself while the process lives, then the copy. */
  current(content: SimContent): SimContent {
    return this.#user.isAlive ? content : copyIn(this.#copy().copies, content)
  }

  /** Performs a change of the disk, or dies before or after it. */
  change(apply: () => void): void {
    if (!this.#user.isAlive || !this.disk.counts()) {
      apply()
      return
    }
    const isDone = this.disk.world.random.chance(0.5)
    if (isDone) apply()
    this.die()
    if (!isDone) apply()
  }

  /** The process dies now. */
  die(): void {
    // From now on it sees its last state, whatever the power cut leaves.
    this.#copy()
    this.disk.strike()
  }

  open(path: string, mode: OpenMode): DiskFile {
    const found = this.#names.get(path)
    if (found === 'directory') throw hostError('EISDIR', 'open', path)
    if (found !== undefined) return new SimFile(this, path, found)
    const isOrphan = this.#names.get(parentOf(path)) !== 'directory'
    if (mode !== 'create' || isOrphan) throw hostError('ENOENT', 'open', path)
    this.#refuseWhenFull(path)
    const made = new SimContent()
    made.modifiedMs = this.disk.wallMs()
    this.change(() => {
      this.#names.link(path, made)
    })
    return new SimFile(this, path, made)
  }

  #refuseWhenFull(path: string): void {
    const { faults, usedPages, world, struck } = this.disk
    const isFull = usedPages * SIM_PAGE_BYTES >= faults.capacityBytes
    if (!isFull || !this.#user.isAlive || world.random.chance(0.5)) return
    struck.full++
    throw hostError('ENOSPC', 'create', path)
  }

  list(path: string): DiskEntry[] {
    const names = this.#names
    return names
      .below(path)
      .filter((each) => parentOf(each) === path)
      .map((each) => ({
        name: each.slice(each.lastIndexOf('/') + 1),
        isDirectory: names.get(each) === 'directory',
      }))
  }

  stat(path: string): DiskStat | undefined {
    const named = this.#names.get(path)
    if (named === undefined) return undefined
    if (named === 'directory') return { sizeBytes: 0, modifiedMs: 0, isDirectory: true }
    return { sizeBytes: named.cached.sizeBytes, modifiedMs: named.modifiedMs, isDirectory: false }
  }

  makeDirectory(path: string): void {
    const missing: string[] = []
    for (let at = path; this.#names.get(at) === undefined; at = parentOf(at)) missing.push(at)
    for (const each of missing.reverse()) {
      this.change(() => {
        this.#names.link(each, 'directory')
      })
    }
  }

  rename(from: string, to: string): void {
    if (this.#names.get(from) === undefined) throw hostError('ENOENT', 'rename', from)
    this.change(() => {
      this.#names.rename(from, to)
    })
  }

  remove(path: string): void {
    if (this.#names.get(path) === undefined) return
    this.change(() => {
      this.#names.unlink(path)
    })
  }

  removeDirectory(path: string): boolean {
    if (this.#names.below(path).length > 0) return false
    this.remove(path)
    return true
  }

  removeTree(path: string): void {
    for (const each of this.#names.below(path).reverse()) this.remove(each)
    this.remove(path)
  }

  syncDirectory(path: string): Promise<void> {
    const changes = this.#names.pendingIn(path)
    return this.later('fsync', path, () => {
      this.#names.synced(changes)
    })
  }

  syncDirectoryNow(path: string): void {
    this.failSync(path, () => undefined)
    this.#names.synced(this.#names.pendingIn(path))
  }

  /** Fails a sync at random, after calling `lose`. */
  failSync(path: string, lose: () => void): void {
    const { faults, struck } = this.disk
    if (!this.#user.isAlive || !this.disk.fails(faults.syncErrors, path)) return
    struck.syncs++
    if (faults.dropsCache) struck.drops++
    lose()
    throw hostError('EIO', 'fsync', path)
  }

  /** An asynchronous operation: never ends when the process dies meanwhile. */
  later(call: string, path: string, done: () => void, lose?: () => void): Promise<void> {
    const { world } = this.disk
    const { random } = world
    // Now and then a disk takes longer than any timeout.
    const ms = random.chance(0.003) ? 8000 : random.next() * random.pick([0.2, 5, 30])
    return new Promise((resolve, reject) => {
      world.after(ms, () => {
        if (!this.#user.isAlive) return
        try {
          if (call === 'fsync') this.failSync(path, () => lose?.())
          done()
          resolve()
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      })
    })
  }

  usage(): DiskUsage {
    const { capacityBytes } = this.disk.faults
    const totalBytes = capacityBytes === Infinity ? NOMINAL_BYTES : capacityBytes
    const usedBytes = capacityBytes === Infinity ? 0 : this.disk.usedPages * SIM_PAGE_BYTES
    const freeBytes = Math.max(0, totalBytes - usedBytes)
    return { totalBytes, freeBytes, availableBytes: freeBytes }
  }

  readFile(path: string): Buffer | undefined {
    const named = this.#names.get(path)
    if (named === undefined || named === 'directory') return undefined
    const data = Buffer.alloc(named.cached.sizeBytes)
    new SimFile(this, path, named).readNow(data, 0)
    return data
  }

  writeFile(path: string, data: Uint8Array): void {
    const file = this.open(path, 'create')
    file.resize(0)
    file.writeNow(data, 0)
  }

  lock(directory: string): Promise<DirectoryLock> {
    const { holders } = this.disk
    const user = this.#user
    if (holders.get(directory)?.isAlive === true) {
      return Promise.reject(new DirectoryLocked({ directory, holder: 'another process' }))
    }
    holders.set(directory, user)
    return Promise.resolve({
      release: () => {
        if (holders.get(directory) === user) holders.delete(directory)
      },
    })
  }
}

class SimFile implements DiskFile {
  readonly path: string
  readonly #view: SimDiskView
  readonly #opened: SimContent

  constructor(view: SimDiskView, path: string, content: SimContent) {
    this.#view = view
    this.path = path
    this.#opened = content
  }

  get #content(): SimContent {
    return this.#view.current(this.#opened)
  }

  writeNow(data: Uint8Array, position: number): void {
    const { disk } = this.#view
    if (!this.#view.isAlive) {
      this.#write(data, position)
      return
    }
    const { random } = disk.world
    if (disk.counts()) {
      this.#write(data.subarray(0, random.below(data.length + 1)), position)
      this.#view.die()
      this.#write(data, position)
      return
    }
    if (disk.fails(disk.faults.writeErrors, this.path)) {
      disk.struck.writes++
      this.#write(data.subarray(0, random.below(data.length + 1)), position)
      throw hostError('EIO', 'write', this.path)
    }
    const room = this.#room(position, data.length)
    this.#write(data.subarray(0, room), position)
    if (room === data.length) return
    disk.struck.full++
    throw hostError('ENOSPC', 'write', this.path)
  }

  /** How many of these bytes fit on the disk. */
  #room(position: number, sizeBytes: number): number {
    const { disk } = this.#view
    const { pages } = this.#content
    const { first, end } = pagesOf(position, sizeBytes)
    let free = Infinity
    if (disk.faults.capacityBytes !== Infinity) {
      free = Math.floor(disk.faults.capacityBytes / SIM_PAGE_BYTES) - disk.usedPages
    }
    for (let page = first; page < end; page++) {
      if (pages.has(page)) continue
      if (free <= 0) return Math.max(0, page * SIM_PAGE_BYTES - position)
      pages.add(page)
      free--
    }
    return sizeBytes
  }

  #write(data: Uint8Array, position: number): void {
    const content = this.#content
    content.write(position, Buffer.from(data))
    content.modifiedMs = this.#view.disk.wallMs()
  }

  readNow(target: Uint8Array, position: number): number {
    const { disk } = this.#view
    const { random } = disk.world
    if (this.#view.isAlive && disk.fails(disk.faults.readErrors, this.path)) {
      disk.struck.reads++
      throw hostError('EIO', 'read', this.path)
    }
    const read = this.#content.cached.read(target, position)
    if (read > 0 && this.#view.isAlive && disk.fails(disk.faults.flips, this.path)) {
      disk.struck.flips++
      const at = random.below(read)
      target[at] = (target[at] as number) ^ (1 << random.below(8))
    }
    return read
  }

  async writeAt(data: readonly Uint8Array[], position: number): Promise<void> {
    await this.#view.later('write', this.path, () => {
      let at = position
      for (const piece of data) {
        this.writeNow(piece, at)
        at += piece.length
      }
    })
  }

  async readAt(target: Uint8Array, position: number): Promise<number> {
    let read = 0
    await this.#view.later('read', this.path, () => {
      read = this.readNow(target, position)
    })
    return read
  }

  sync(): Promise<void> {
    const content = this.#content
    const changes = new Set(content.pending)
    const { disk } = this.#view
    return this.#view.later(
      'fsync',
      this.path,
      () => {
        content.synced(changes)
      },
      () => {
        content.syncFailed(changes, disk.world.random, disk.faults.dropsCache)
      },
    )
  }

  syncNow(): void {
    const content = this.#content
    const changes = new Set(content.pending)
    const { disk } = this.#view
    this.#view.failSync(this.path, () => {
      content.syncFailed(changes, disk.world.random, disk.faults.dropsCache)
    })
    content.synced(changes)
  }

  size(): number {
    return this.#content.cached.sizeBytes
  }

  resize(sizeBytes: number): void {
    this.#view.change(() => {
      this.#content.resize(sizeBytes)
      this.#content.modifiedMs = this.#view.disk.wallMs()
    })
  }

  close(): void {
    // The content stays as long as a handle exists.
  }
}
