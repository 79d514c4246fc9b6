import type { Disk, DiskFile } from '@skylarkmq/env'
import { readInt, readLong, writeInt, writeLong } from '@skylarkmq/protocol'
import type { IndexPoint } from '../checkpoint/recovery-point.ts'
import { indexEntry, indexFileBytes, indexHeader } from './index-layout.ts'
import type { IndexSizes } from './index-layout.ts'
import { slotsOfEntries } from './slots-of-entries.ts'

const ENTRY_BYTES = indexEntry.sizeBytes
const PAGE_BYTES = 4096
/** A search pauses after this many entries: some milliseconds. */
const ENTRIES_PER_STEP = 4096
const PAGE_SHIFT = 12
const UNWRITTEN_BYTES_FIRST = 64 * ENTRY_BYTES
const UNWRITTEN_BYTES_MAX = 32 * 1024 * ENTRY_BYTES

/** The parameters of a search in an index file. */
export interface IndexQuery {
  readonly keyHash: number
  readonly beginMs: number
  readonly endMs: number
  readonly maxCount: number
}

/**
 * One file of the index: a hash table from keys to physical offsets. New entries stay in memory until `write`; slots
 * are read from the file page by page on demand.
 */
export class IndexFile {
  readonly path: string
  readonly name: string
  beginTimestamp = 0
  endTimestamp = 0
  beginOffset = 0
  endOffset = 0
  slotCount = 0
  indexCount = 1
  /** False for a file created with other sizes: only its header can be read. */
  hasRightSize = true
  readonly #file: DiskFile
  readonly #sizes: IndexSizes
  #slots: Buffer | undefined
  #loaded: Uint8Array
  #dirty: Uint8Array
  #isClosed = false
  #isDirty = false
  #unwritten: Buffer | undefined
  #written = 1

  private constructor(file: DiskFile, path: string, sizes: IndexSizes) {
    this.#file = file
    this.path = path
    this.name = path.slice(path.lastIndexOf('/') + 1)
    this.#sizes = sizes
    const pages = Math.ceil((sizes.slots * 4) / PAGE_BYTES)
    this.#loaded = new Uint8Array(pages)
    this.#dirty = new Uint8Array(pages)
  }

  /** Creates an empty file. Throws the host's error. */
  static create(disk: Disk, path: string, sizes: IndexSizes): IndexFile {
    const file = disk.open(path, 'create')
    try {
      file.resize(indexFileBytes(sizes))
    } catch (error) {
      file.close()
      disk.remove(path)
      throw error
    }
    return new IndexFile(file, path, sizes)
  }

  /** Opens a file; see `hasRightSize`. Throws the host's error. */
  static open(disk: Disk, path: string, sizes: IndexSizes): IndexFile {
    const file = disk.open(path, 'write')
    const head = Buffer.alloc(indexHeader.sizeBytes)
    file.readNow(head, 0)
    const index = new IndexFile(file, path, sizes)
    index.hasRightSize = file.size() === indexFileBytes(sizes)
    index.#setHead(head)
    return index
  }

  #setHead(head: Buffer): void {
    this.beginTimestamp = readLong(head, indexHeader.beginTimestamp)
    this.endTimestamp = readLong(head, indexHeader.endTimestamp)
    this.beginOffset = readLong(head, indexHeader.beginOffset)
    this.endOffset = readLong(head, indexHeader.endOffset)
    this.slotCount = readInt(head, indexHeader.slotCount)
    this.indexCount = Math.max(1, readInt(head, indexHeader.indexCount))
    this.#written = this.indexCount
  }

  /** Restores the state at a recovery point. Throws the host's error. */
  restore(point: IndexPoint): void {
    this.#setHead(point.head)
    this.#unwritten = undefined
    this.#slots = slotsOfEntries(this.#file, this.#sizes, this.indexCount)
    this.#loaded.fill(1)
    this.#markChangedSlots(this.#slots)
    this.#isDirty = true
  }

  /** Whether the first and the last entry match the header. Throws the host's error. */
  isAsItsHead(): boolean {
    if (this.isEmpty) return true
    const first = this.entry(1).physicalOffset
    const last = this.entry(this.indexCount - 1).physicalOffset
    return first === this.beginOffset && last === this.endOffset
  }

  #markChangedSlots(slots: Buffer): void {
    const onDisk = Buffer.alloc(slots.length)
    this.#file.readNow(onDisk, indexHeader.sizeBytes)
    for (let at = 0, page = 0; at < slots.length; at += PAGE_BYTES, page++) {
      const end = Math.min(at + PAGE_BYTES, slots.length)
      this.#dirty[page] = slots.compare(onDisk, at, end, at, end) === 0 ? 0 : 1
    }
  }

  /** The state for a recovery point; its entries must be written. */
  point(): IndexPoint {
    return { name: this.name, head: this.#head() }
  }

  get isFull(): boolean {
    return this.indexCount >= this.#sizes.entries
  }

  get isEmpty(): boolean {
    return this.indexCount <= 1
  }

  get isDirty(): boolean {
    return this.#isDirty
  }

  /** A new file starts at the end of its predecessor, until an entry is added. */
  continueFrom(before: IndexFile): void {
    this.beginTimestamp = this.endTimestamp = before.endTimestamp
    this.beginOffset = this.endOffset = before.endOffset
    this.#isDirty = true
  }

  /** Adds an entry. False when the file is full. Throws the host's error when a slot cannot be read. */
  put(keyHash: number, physicalOffset: number, storeTimestamp: number): boolean {
    if (this.isFull) return false
    const number = this.indexCount
    if (number <= 1) {
      this.beginOffset = physicalOffset
      this.beginTimestamp = storeTimestamp
    }
    const slot = keyHash % this.#sizes.slots
    const slots = this.#page(slot)
    const head = readInt(slots, slot * 4)
    const previous = head > 0 && head < number ? head : 0
    const seconds = Math.floor(Math.max(0, storeTimestamp - this.beginTimestamp) / 1000)
    const { buffer, at } = this.#nextEntry()
    writeInt(buffer, at + indexEntry.keyHash, keyHash)
    writeLong(buffer, at + indexEntry.physicalOffset, physicalOffset)
    writeInt(buffer, at + indexEntry.seconds, Math.min(seconds, 0x7fffffff))
    writeInt(buffer, at + indexEntry.previous, previous)
    writeInt(slots, slot * 4, number)
    this.#dirty[(slot * 4) >>> PAGE_SHIFT] = 1
    this.#isDirty = true
    if (previous === 0) this.slotCount++
    this.indexCount++
    this.endOffset = physicalOffset
    this.endTimestamp = storeTimestamp
    return true
  }

  #nextEntry(): { buffer: Buffer; at: number } {
    if ((this.indexCount - this.#written) * ENTRY_BYTES >= UNWRITTEN_BYTES_MAX) this.writeEntries()
    const at = (this.indexCount - this.#written) * ENTRY_BYTES
    this.#unwritten ??= Buffer.allocUnsafe(UNWRITTEN_BYTES_FIRST)
    if (at + ENTRY_BYTES > this.#unwritten.length) {
      const larger = Buffer.allocUnsafeSlow(this.#unwritten.length * 2)
      this.#unwritten.copy(larger)
      this.#unwritten = larger
    }
    return { buffer: this.#unwritten, at }
  }

  /** The slots, with the page of one slot loaded. Pages of zeros that are never touched take no memory. */
  #page(slot: number): Buffer {
    this.#slots ??= Buffer.alloc(this.#sizes.slots * 4)
    const page = (slot * 4) >>> PAGE_SHIFT
    if (this.#loaded[page] === 0) {
      const target = this.#slots.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES)
      this.#file.readNow(target, indexHeader.sizeBytes + page * PAGE_BYTES)
      this.#loaded[page] = 1
    }
    return this.#slots
  }

  /**
   * Adds the physical offsets of matching entries, newest first; yields after every ENTRIES_PER_STEP entries. Throws
   * the host's error.
   */
  *find(query: IndexQuery, found: number[]): Generator<undefined, void> {
    if (this.isEmpty) return
    let looked = 0
    const slot = query.keyHash % this.#sizes.slots
    const entry = Buffer.allocUnsafe(ENTRY_BYTES)
    let number = readInt(this.#page(slot), slot * 4)
    while (number > 0 && number < this.indexCount && found.length < query.maxCount) {
      this.#readEntry(number, entry)
      const seconds = readInt(entry, indexEntry.seconds)
      // Entries store whole seconds, so the message may be up to a second younger.
      const time = this.beginTimestamp + seconds * 1000
      if (seconds < 0 || time + 999 < query.beginMs) return
      if (readInt(entry, indexEntry.keyHash) === query.keyHash && time <= query.endMs) {
        found.push(readLong(entry, indexEntry.physicalOffset))
      }
      const previous = readInt(entry, indexEntry.previous)
      if (previous >= number) return
      number = previous
      if (++looked % ENTRIES_PER_STEP !== 0) continue
      yield
      if (this.#isClosed) return
    }
  }

  #readEntry(number: number, target: Buffer): void {
    if (number >= this.#written && this.#unwritten !== undefined) {
      this.#unwritten.copy(target, 0, (number - this.#written) * ENTRY_BYTES)
      return
    }
    this.#file.readNow(target, this.#entryAt(number))
  }

  #entryAt(number: number): number {
    return indexHeader.sizeBytes + this.#sizes.slots * 4 + number * ENTRY_BYTES
  }

  /** The hash and the offset of one entry, for checks. */
  entry(number: number): { keyHash: number; physicalOffset: number; previous: number } {
    const entry = Buffer.allocUnsafe(ENTRY_BYTES)
    this.#readEntry(number, entry)
    return {
      keyHash: readInt(entry, indexEntry.keyHash),
      physicalOffset: readLong(entry, indexEntry.physicalOffset),
      previous: readInt(entry, indexEntry.previous),
    }
  }

  /** Writes what is only in memory: entries, then slots, then the header. Throws the host's error. */
  write(): void {
    if (!this.#isDirty) return
    this.writeEntries()
    this.#writeSlots()
    this.#file.writeNow(this.#head(), 0)
    this.#unwritten = undefined
    this.#isDirty = false
  }

  /**
   * Writes entries that are only in memory; the header does not count them yet, so they are not visible in the file.
   */
  writeEntries(): void {
    const count = this.indexCount - this.#written
    if (count === 0 || this.#unwritten === undefined) return
    const entries = this.#unwritten.subarray(0, count * ENTRY_BYTES)
    this.#file.writeNow(entries, this.#entryAt(this.#written))
    this.#written = this.indexCount
  }

  #writeSlots(): void {
    const slots = this.#slots
    if (slots === undefined) return
    for (let page = this.#dirty.indexOf(1); page >= 0; page = this.#dirty.indexOf(1, page)) {
      let end = page
      while (this.#dirty[end] === 1) end++
      const bytes = slots.subarray(page * PAGE_BYTES, end * PAGE_BYTES)
      this.#file.writeNow(bytes, indexHeader.sizeBytes + page * PAGE_BYTES)
      this.#dirty.fill(0, page, end)
      page = end
    }
  }

  #head(): Buffer {
    const head = Buffer.alloc(indexHeader.sizeBytes)
    writeLong(head, indexHeader.beginTimestamp, this.beginTimestamp)
    writeLong(head, indexHeader.endTimestamp, this.endTimestamp)
    writeLong(head, indexHeader.beginOffset, this.beginOffset)
    writeLong(head, indexHeader.endOffset, this.endOffset)
    writeInt(head, indexHeader.slotCount, this.slotCount)
    writeInt(head, indexHeader.indexCount, this.indexCount)
    return head
  }

  /** Frees the slots in memory. They are read again on demand. */
  forgetSlots(): void {
    if (this.#isDirty || this.#slots === undefined) return
    this.#slots = undefined
    this.#loaded.fill(0)
  }

  close(): void {
    this.#isClosed = true
    this.#file.close()
  }
}
