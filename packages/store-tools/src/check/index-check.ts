import type { Disk, DiskFile } from '@skylarkmq/env'
import { readInt, readLong } from '@skylarkmq/protocol'
import {
  forEachKeyHash,
  indexEntry,
  indexFileBytes,
  indexHeader,
  keySpans,
  topicHash,
} from '@skylarkmq/store/internals'
import type { IndexSizes } from '@skylarkmq/store/internals'
import type { Findings } from './problem.ts'

const ENTRY_BYTES = indexEntry.sizeBytes
const WINDOW_ENTRIES = 4096
const SLOTS_PER_READ = 256 * 1024
const MAX_INT = 0x7fffffff

/** What a check of the index needs. */
export interface IndexCheckContext {
  readonly disk: Disk
  readonly directory: string
  /** The sizes with which the files were created. */
  readonly sizes: IndexSizes
  /** Start of the part of the log that is read. */
  readonly readFrom: number
  /** False after a kill: then the next start drops the files whose last message is newer than `indexMsgTimestamp`. */
  readonly isClean: boolean
  readonly indexMsgTimestamp: number
  readonly findings: Findings
}

/** Physical offsets of messages with keys missing in the index. */
interface Missing {
  count: number
  first: number
  last: number
}

/** Compares every index entry with its record, and every key of a record with the index, in one walk along the log. */
export class IndexCheck {
  readonly #context: IndexCheckContext
  readonly #files: CheckedIndexFile[] = []
  #at = 0
  #hasIndex = false
  #hashes: number[] = []
  #seen: number[] = []
  readonly #inFile: Missing = { count: 0, first: 0, last: 0 }
  readonly #between: Missing = { count: 0, first: 0, last: 0 }
  readonly #behind: Missing = { count: 0, first: 0, last: 0 }
  #entries = 0

  constructor(context: IndexCheckContext) {
    this.#context = context
    this.#openFiles()
  }

  get fileCount(): number {
    return this.#files.length
  }

  /** Number of entries checked. */
  get entries(): number {
    return this.#entries
  }

  #openFiles(): void {
    const { disk, directory, sizes, findings, isClean, indexMsgTimestamp } = this.#context
    let endOffset = -1
    const names = disk.list(directory).map((entry) => entry.name)
    for (const name of names.sort()) {
      if (!/^\d{17}$/.test(name)) {
        findings.note(`index/${name} is not an index file`)
        continue
      }
      const path = `${directory}/${name}`
      const sizeBytes = disk.stat(path)?.sizeBytes ?? 0
      if (sizeBytes !== indexFileBytes(sizes)) {
        const what = `has ${sizeBytes} bytes; files of ${sizes.slots} slots and ${sizes.entries} entries (maxHashSlotNum, maxIndexNum) have ${indexFileBytes(sizes)}`
        findings.report('index-file', `index/${name}`, what)
        continue
      }
      const file = new CheckedIndexFile(disk, path, name, sizes, findings)
      if (!isClean && file.head.endTimestamp > indexMsgTimestamp) {
        findings.note(`index/${name} and later ones will be repaired by the next start`)
        return
      }
      if (!file.isHeadSane()) continue
      if (file.head.indexCount > 1 && file.head.beginOffset < endOffset) {
        const what = `begins at ${file.head.beginOffset}, before the end of the previous file`
        findings.report('index-file', `index/${name}`, what)
      }
      this.#hasIndex = true
      if (file.head.indexCount <= 1) {
        file.close()
        continue
      }
      endOffset = file.head.endOffset
      this.#files.push(file)
    }
  }

  /** Checks the next indexed record of the log. */
  record(
    buffer: Buffer,
    offset: number,
    storeTimestamp: number,
    topic: string,
    propertiesStart: number,
    propertiesEnd: number,
  ): void {
    if (!this.#hasIndex) return
    this.#hashes = []
    const keys = keySpans(buffer, propertiesStart, propertiesEnd)
    forEachKeyHash(topicHash(topic), buffer, propertiesStart, keys, (hash) => {
      this.#hashes.push(hash)
    })
    this.#passEntriesBefore(offset)
    this.#seen = []
    for (let file = this.#files[this.#at]; file !== undefined; file = this.#files[this.#at]) {
      if (file.entry === 0) file.next()
      if (file.isAtEnd) {
        file.finish()
        this.#at++
      } else if (file.physicalOffset === offset) {
        this.#checkEntry(file, storeTimestamp)
        file.next()
      } else break
    }
    if (this.#hashes.some((hash) => !this.#seen.includes(hash))) this.#missed(offset)
  }

  #passEntriesBefore(offset: number): void {
    const { readFrom, findings } = this.#context
    for (let file = this.#files[this.#at]; file !== undefined; file = this.#files[this.#at]) {
      if (file.entry === 0) file.next()
      if (file.isAtEnd) {
        file.finish()
        this.#at++
        continue
      }
      if (file.physicalOffset >= offset) return
      this.#entries++
      if (file.physicalOffset >= readFrom && !findings.isDamaged(file.physicalOffset)) {
        const what = `names ${file.physicalOffset}, where no message with a key begins`
        findings.report('index-entry', file.where, what)
      }
      file.next()
    }
  }

  #checkEntry(file: CheckedIndexFile, storeTimestamp: number): void {
    const { findings } = this.#context
    this.#entries++
    if (this.#hashes.includes(file.keyHash)) this.#seen.push(file.keyHash)
    else {
      const what = `has the hash of no key of the message at ${file.physicalOffset}`
      findings.report('index-entry', file.where, what)
    }
    file.checkTime(storeTimestamp)
  }

  #missed(offset: number): void {
    const first = this.#files[0]?.head
    const last = this.#files.at(-1)?.head
    // Keys of one message may lie in two files, the second of which the next start rebuilds.
    const isAtEnd = !this.#context.isClean && offset === last?.endOffset
    if (first === undefined || last === undefined || offset > last.endOffset || isAtEnd) {
      note(this.#behind, offset)
    } else if (offset < first.beginOffset || this.#isLastOfFile(offset)) note(this.#between, offset)
    else if (this.#files.some(({ head }) => head.beginOffset <= offset && offset <= head.endOffset))
      note(this.#inFile, offset)
    else note(this.#between, offset)
  }

  /** Keys of one message may lie in two files, the second of which a start may have dropped. */
  #isLastOfFile(offset: number): boolean {
    return this.#files.some(({ head }) => head.endOffset === offset)
  }

  /** Must be called after the last record. */
  finish(): void {
    const { findings, isClean } = this.#context
    this.#passEntriesBefore(Infinity)
    const say = ({ count, first, last }: Missing): string =>
      `keys of ${count} messages from ${first} to ${last} are not in the index`
    if (this.#inFile.count > 0) findings.report('index-missing', 'index', say(this.#inFile))
    if (this.#behind.count > 0 && isClean)
      findings.report('index-missing', 'index', say(this.#behind))
    if (this.#between.count > 0) {
      findings.note(
        `${say(this.#between)}, as after an unclean stop; \`skylark store repair --all\` completes it`,
      )
    }
    for (const file of this.#files) file.close()
  }
}

function note(missing: Missing, offset: number): void {
  if (missing.count++ === 0) missing.first = offset
  missing.last = offset
}

/** One index file, read entry by entry; its chains and slots are checked meanwhile. */
class CheckedIndexFile {
  readonly name: string
  readonly head
  /** Number of the current entry; 0 before the first. */
  entry = 0
  keyHash = 0
  physicalOffset = 0
  #seconds = 0
  #lastTimestamp = 0
  #lastOffset = -1
  #firstOffset = -1
  readonly #file: DiskFile
  readonly #sizes: IndexSizes
  readonly #findings: Findings
  // The newest entry of each slot so far, to which the next entry of that slot must link.
  #newest: Int32Array | undefined
  readonly #window = Buffer.allocUnsafe(WINDOW_ENTRIES * ENTRY_BYTES)
  #windowFirst = 0

  constructor(disk: Disk, path: string, name: string, sizes: IndexSizes, findings: Findings) {
    this.name = name
    this.#file = disk.open(path, 'read')
    this.#sizes = sizes
    this.#findings = findings
    const bytes = Buffer.alloc(indexHeader.sizeBytes)
    this.#file.readNow(bytes, 0)
    this.head = {
      beginTimestamp: readLong(bytes, indexHeader.beginTimestamp),
      endTimestamp: readLong(bytes, indexHeader.endTimestamp),
      beginOffset: readLong(bytes, indexHeader.beginOffset),
      endOffset: readLong(bytes, indexHeader.endOffset),
      slotCount: readInt(bytes, indexHeader.slotCount),
      indexCount: Math.max(1, readInt(bytes, indexHeader.indexCount)),
    }
  }

  get where(): string {
    return `entry ${this.entry} of index/${this.name}`
  }

  get isAtEnd(): boolean {
    return this.entry >= this.head.indexCount
  }

  isHeadSane(): boolean {
    if (this.head.indexCount <= this.#sizes.entries) return true
    this.#report(
      `states ${this.head.indexCount} entries, more than the maximum of ${this.#sizes.entries}`,
    )
    return false
  }

  #report(what: string): void {
    this.#findings.report('index-file', `index/${this.name}`, what)
  }

  /** Advances to the next entry. */
  next(): void {
    this.entry++
    if (this.isAtEnd) return
    const at = this.#at(this.entry)
    this.keyHash = readInt(this.#window, at + indexEntry.keyHash)
    this.physicalOffset = readLong(this.#window, at + indexEntry.physicalOffset)
    this.#seconds = readInt(this.#window, at + indexEntry.seconds)
    const previous = readInt(this.#window, at + indexEntry.previous)
    const goesBack = this.physicalOffset < this.#lastOffset
    if (this.keyHash < 0 || goesBack || this.physicalOffset < 0) {
      const what = goesBack ? `goes back to ${this.physicalOffset}` : 'is none'
      this.#findings.report('index-entry', this.where, what)
    }
    this.#newest ??= new Int32Array(this.#sizes.slots)
    const slot = Math.abs(this.keyHash) % this.#sizes.slots
    if (previous !== this.#newest[slot]) {
      const what = `follows entry ${previous} in its chain, and should follow ${this.#newest[slot] ?? 0}`
      this.#findings.report('index-entry', this.where, what)
    }
    this.#newest[slot] = this.entry
    if (this.#firstOffset < 0) this.#firstOffset = this.physicalOffset
    this.#lastOffset = this.physicalOffset
    this.#lastTimestamp = 0
  }

  #at(number: number): number {
    if (
      number < this.#windowFirst ||
      number >= this.#windowFirst + WINDOW_ENTRIES ||
      this.#windowFirst === 0
    ) {
      this.#windowFirst = number
      const position = indexHeader.sizeBytes + this.#sizes.slots * 4 + number * ENTRY_BYTES
      this.#file.readNow(this.#window, position)
    }
    return (number - this.#windowFirst) * ENTRY_BYTES
  }

  /** Compares the timestamp of the current entry with that of its message. */
  checkTime(storeTimestamp: number): void {
    this.#lastTimestamp = storeTimestamp
    const { beginTimestamp } = this.head
    const passedMs = beginTimestamp <= 0 ? 0 : Math.max(0, storeTimestamp - beginTimestamp)
    const seconds = Math.min(Math.floor(passedMs / 1000), MAX_INT)
    if (seconds !== this.#seconds) {
      const what = `says ${this.#seconds} s after the first, its message came after ${seconds} s`
      this.#findings.report('index-entry', this.where, what)
    }
    if (this.entry === 1 && storeTimestamp !== beginTimestamp) {
      this.#report(`begins at the time ${beginTimestamp}, its first message at ${storeTimestamp}`)
    }
  }

  /** Compares slots and header with the entries, all of which were read. */
  finish(): void {
    const { head } = this
    if (head.indexCount <= 1) return
    if (head.beginOffset !== this.#firstOffset || head.endOffset !== this.#lastOffset) {
      this.#report(
        `states offsets from ${head.beginOffset} to ${head.endOffset}, but its entries go from ${this.#firstOffset} to ${this.#lastOffset}`,
      )
    }
    if (this.#lastTimestamp > 0 && head.endTimestamp !== this.#lastTimestamp) {
      this.#report(
        `ends at the time ${head.endTimestamp}, its last message at ${this.#lastTimestamp}`,
      )
    }
    this.#checkSlots()
  }

  #checkSlots(): void {
    const newest = this.#newest ?? new Int32Array(0)
    const chunk = Buffer.allocUnsafe(Math.min(SLOTS_PER_READ, newest.length) * 4)
    let wrong = 0
    let used = 0
    for (let first = 0; first < newest.length; first += SLOTS_PER_READ) {
      const count = Math.min(SLOTS_PER_READ, newest.length - first)
      this.#file.readNow(chunk.subarray(0, count * 4), indexHeader.sizeBytes + first * 4)
      for (let i = 0; i < count; i++) {
        const wanted = newest[first + i] as number
        if (wanted !== 0) used++
        if (readInt(chunk, i * 4) !== wanted) wrong++
      }
    }
    if (wrong > 0) this.#report(`${wrong} slots do not name the newest entry of their chain`)
    if (used !== this.head.slotCount) {
      this.#report(`states ${this.head.slotCount} used slots, but has ${used}`)
    }
  }

  close(): void {
    this.#file.close()
  }
}
