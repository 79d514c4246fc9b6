import type { Env } from '@skylarkmq/env'
import { indexDropped } from '../events.ts'
import { localTime } from '../message/local-time.ts'
import type { KeySpans } from '../message/message.ts'
import type { IndexPoint, RecoveryPoint } from '../checkpoint/recovery-point.ts'
import { IndexFile } from './index-file.ts'
import type { IndexQuery } from './index-file.ts'
import type { IndexSizes } from './index-layout.ts'
import { forEachKeyHash } from './index-key.ts'

/** The result of a search in the index. */
export interface IndexFound {
  readonly physicalOffsets: readonly number[]
  /** Store time of the newest message in the index, ms; 0 when it is empty. */
  readonly lastTimestamp: number
  /** Physical offset of the newest message in the index; 0 when it is empty. */
  readonly lastOffset: number
}

/** The index from keys to messages: a row of files, the newest of which takes new keys. Apache: `IndexService.java`. */
export class MessageIndex {
  readonly #env: Env
  readonly #directory: string
  readonly #sizes: IndexSizes
  #files: IndexFile[] = []
  // Messages before this offset are in the index already.
  #endOffset = -1
  #wasIdle = false
  /** Store time up to which full index files were written, ms. */
  fullTimestamp = 0
  /** Paths of files that are not known to be on disk. */
  readonly unsynced = new Set<string>()
  /** Directories with new names since the last sync. */
  readonly unsyncedDirectories = new Set<string>()
  /** While a write failure keeps messages out of the index: the physical offset of the first of them. */
  behindFrom: number | undefined

  constructor(env: Env, directory: string, sizes: IndexSizes) {
    this.#env = env
    this.#directory = directory
    this.#sizes = sizes
  }

  /**
   * Opens the existing files; after a crash only those that `point` knows. The first one whose size differs from the
   * configuration is dropped with all later ones. Returns what `drop` returns. Throws the host's error.
   */
  load(point: RecoveryPoint | undefined): number | undefined {
    const newest = point === undefined ? '~' : (point.index?.name ?? '')
    const names = this.#env.disk
      .list(this.#directory)
      .filter((entry) => !entry.isDirectory && /^\d{17}$/.test(entry.name))
      .map((entry) => entry.name)
      .sort()
    for (const name of names.filter((each) => each > newest)) {
      this.#env.disk.remove(`${this.#directory}/${name}`)
    }
    const paths = names.filter((each) => each <= newest).map((name) => `${this.#directory}/${name}`)
    this.#files = paths.map((path) => IndexFile.open(this.#env.disk, path, this.#sizes))
    this.#endOffset = this.#files.at(-1)?.endOffset ?? -1
    return this.drop((file) => !file.hasRightSize, 'its size is not the configured one')
  }

  /** Whether some dispatched messages are missing in the index. */
  get isBehind(): boolean {
    return this.behindFrom !== undefined
  }

  get files(): readonly IndexFile[] {
    return this.#files
  }

  /**
   * Drops the files for which `untrusted` is true, and all later ones. Returns the physical offset from which the log
   * must be read to add their keys again; undefined when nothing was dropped.
   */
  drop(untrusted: (file: IndexFile) => boolean, why: string): number | undefined {
    const first = this.#files.findIndex(untrusted)
    if (first < 0) return undefined
    const oldest = this.#files[first] as IndexFile
    const begin = oldest.isEmpty ? (this.#files[first - 1]?.endOffset ?? 0) : oldest.beginOffset
    // Newest first: if the host refuses a deletion, the next call starts from the same oldest file.
    while (this.#files.length > first) {
      const last = this.#files.at(-1) as IndexFile
      this.#env.disk.remove(last.path)
      last.close()
      this.#files.pop()
      this.#endOffset = this.#files.at(-1)?.endOffset ?? -1
      this.#env.events.emit(indexDropped, { name: last.name, why })
    }
    return begin
  }

  /** Drops the files created since a recovery point. Throws the host's error. */
  dropNewerThan(point: RecoveryPoint): void {
    const newest = point.index?.name ?? ''
    this.drop((file) => file.name > newest, 'it could not be brought to disk')
  }

  /** Whether the newest file is exactly in the state of a recovery point. */
  isAt(point: RecoveryPoint): boolean {
    const own = this.point
    if (own === undefined || point.index === undefined) return own === point.index
    return own.name === point.index.name && own.head.equals(point.index.head)
  }

  /**
   * Restores the index to a recovery point. Returns the physical offset from which the log must be read to complete
   * it. Throws the host's error.
   */
  restore(point: RecoveryPoint): number {
    const { index } = point
    const last = this.#files.at(-1)
    if (index === undefined) return point.indexEnd
    // The newest file of the point is missing: its keys must all be read again.
    if (last?.name !== index.name) return last?.endOffset ?? 0
    last.restore(index)
    if (!last.isAsItsHead()) {
      this.drop((file) => file === last, 'it is another one than the recovery point tells of')
      return Math.max(0, this.#endOffset)
    }
    this.#endOffset = last.endOffset
    return point.indexEnd
  }

  /**
   * Adds the keys of a message, unless they are there; `spans` are relative to byte `start` of `properties`, and
   * `topicState` is `topicHash` of its topic. Throws the host's error.
   */
  add(
    topicState: number,
    physicalOffset: number,
    storeTimestamp: number,
    properties: Buffer,
    start: number,
    spans: KeySpans,
  ): void {
    if (physicalOffset < this.#endOffset) return
    forEachKeyHash(topicState, properties, start, spans, (keyHash) => {
      if (!this.#writable().put(keyHash, physicalOffset, storeTimestamp)) {
        this.#writable().put(keyHash, physicalOffset, storeTimestamp)
      }
      this.#endOffset = physicalOffset
    })
  }

  #writable(): IndexFile {
    const last = this.#files.at(-1)
    if (last !== undefined && !last.isFull) return last
    if (last !== undefined) last.write()
    const made = IndexFile.create(this.#env.disk, this.#newPath(), this.#sizes)
    if (last !== undefined) {
      last.forgetSlots()
      this.fullTimestamp = last.endTimestamp
      this.unsynced.add(last.path)
      made.continueFrom(last)
    }
    this.#files.push(made)
    this.unsynced.add(made.path)
    // The directory itself may be new.
    this.unsyncedDirectories.add(this.#directory)
    this.unsyncedDirectories.add(this.#directory.slice(0, this.#directory.lastIndexOf('/')))
    return made
  }

  #newPath(): string {
    this.#env.disk.makeDirectory(this.#directory)
    const now = localTime(this.#env.clock.now()).digits
    const newest = this.#files.at(-1)?.name ?? ''
    // The clock may have been set back, but names must ascend.
    return `${this.#directory}/${now > newest ? now : String(BigInt(newest) + 1n)}`
  }

  /**
   * Finds messages by the hash of their key, newest file first. A key may have millions of messages outside the
   * requested time range, so the search yields every few thousand entries; the caller may resume it in a later turn.
   * Throws the host's error.
   */
  *search(query: IndexQuery): Generator<undefined, IndexFound> {
    const physicalOffsets: number[] = []
    for (const file of [...this.#files].reverse()) {
      if (query.endMs >= file.beginTimestamp && query.beginMs <= file.endTimestamp) {
        yield* file.find(query, physicalOffsets)
      }
      if (file.beginTimestamp < query.beginMs || physicalOffsets.length >= query.maxCount) break
    }
    const last = this.#files.at(-1)
    return {
      physicalOffsets,
      lastTimestamp: last?.endTimestamp ?? 0,
      lastOffset: last?.endOffset ?? 0,
    }
  }

  /** The state of the newest file, after `writeEntries`; undefined without a file. */
  get point(): IndexPoint | undefined {
    return this.#files.at(-1)?.point()
  }

  /** Writes entries that are only in memory. Throws the host's error. */
  writeEntries(): void {
    const last = this.#files.at(-1)
    if (last?.isDirty !== true) return
    last.writeEntries()
    this.unsynced.add(last.path)
  }

  /** Writes all that is only in memory. Throws the host's error. */
  write(): void {
    const last = this.#files.at(-1)
    if (last === undefined) return
    if (last.isDirty) {
      last.write()
      this.unsynced.add(last.path)
      this.#wasIdle = false
      return
    }
    if (this.#wasIdle) last.forgetSlots()
    this.#wasIdle = true
  }

  /** Deletes files whose messages are all gone from the log, except the last one. Returns how many. */
  removeExpired(logMin: number): number {
    let removed = 0
    while (this.#files.length > 1 && (this.#files[0] as IndexFile).endOffset < logMin) {
      const file = this.#files.shift() as IndexFile
      file.close()
      this.#env.disk.remove(file.path)
      removed++
    }
    return removed
  }

  close(): void {
    for (const file of this.#files) file.close()
  }
}
