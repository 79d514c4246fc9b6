import {
  BLANK_RECORD_BYTES,
  RECORD_BYTES_MIN,
  checkRecord,
  encodeBlank,
  readInt,
  recordStoreTimestamp,
} from '@skylarkmq/protocol'
import type { SegmentFile } from '../segment/segment-file.ts'
import type { SegmentQueue } from '../segment/segment-queue.ts'
import { BlockCache } from './block-cache.ts'
import type { BlockPlace } from './block-cache.ts'
import { LogTail } from './log-tail.ts'
import type { LogChunk } from './log-tail.ts'

/** Enough of a record to read its store time, with hosts of any length. */
const HEAD_BYTES = RECORD_BYTES_MIN

/**
 * The commit log: records of all topics, one after the other, in files of equal size. Apache: `CommitLog.java`.
 *
 * Three ends: `offsetMax` counts what is staged, `offsetWritten` what is in the page cache, and the flusher
 * knows what is on disk.
 */
export class CommitLog {
  readonly segments: SegmentQueue
  /** Files that were written since they were last synced. */
  readonly unsynced = new Set<SegmentFile>()
  readonly #tail: LogTail
  readonly #cache: BlockCache
  #offsetMax = 0
  #offsetWritten = 0
  // What this process wrote is surely in the page cache; a read of older bytes may have to wait for the disk.
  #warmFrom = 0
  // Behind this offset only bytes in memory are trusted, not the files.
  #believedEnd = Infinity

  /** `afterTurn` calls a function once the answers of the current turn are built. */
  constructor(
    segments: SegmentQueue,
    memory: { tailBytes: number; cacheBytes: number },
    afterTurn: (f: () => void) => void,
  ) {
    this.segments = segments
    this.#tail = new LogTail(memory.tailBytes)
    this.#cache = new BlockCache(memory.cacheBytes, afterTurn)
    this.startAt(segments.endOffset)
  }

  /** First offset that the log still has. */
  get offsetMin(): number {
    return this.segments.firstOffset
  }

  /** Offset of the next record. */
  get offsetMax(): number {
    return this.#offsetMax
  }

  /** Up to where the log is in the page cache. */
  get offsetWritten(): number {
    return this.#offsetWritten
  }

  /** Sets the end of the log, after recovery. */
  startAt(offset: number): void {
    this.#tail.cut(0)
    this.#cache.clear()
    this.#offsetMax = offset
    this.#offsetWritten = offset
    this.#warmFrom = offset
  }

  /** Cuts the log at `offset`. */
  truncate(offset: number): void {
    this.segments.truncate(offset)
    this.startAt(offset)
  }

  /** The newest chunks of the log, in memory; the first may begin anywhere. */
  get chunks(): readonly LogChunk[] {
    return this.#tail.chunks
  }

  /** Up to where the files can be trusted to hold what was written; Infinity unless a sync failed. */
  get believedEnd(): number {
    return this.#believedEnd
  }

  /** From here on the files may not hold what was written to them. */
  suspect(offset: number): void {
    this.#believedEnd = offset
    this.#cache.clear()
  }

  /** The files can be trusted again. */
  trust(): void {
    this.#believedEnd = Infinity
    this.#cache.clear()
  }

  /**
   * False for a range that cannot be read now although the log has it: it is not in memory, and the files are not
   * trusted.
   */
  isBelieved(offset: number, sizeBytes: number): boolean {
    if (offset + sizeBytes <= this.#believedEnd) return true
    return this.#tail.view(offset, sizeBytes) !== undefined
  }

  /** Longest record that fits a file. */
  get recordBytesMax(): number {
    return this.segments.segmentBytes - BLANK_RECORD_BYTES
  }

  /**
   * Reserves `sizeBytes` for records in one file, the first of which has `firstBytes`; moves to the next file when
   * this one is too full. Returns the chunk at the end of the log. Throws the host's error when the next file cannot
   * be created; then nothing has changed.
   */
  reserve(sizeBytes: number, firstBytes: number): LogChunk {
    const file = this.segments.at(this.#offsetMax) ?? this.segments.append()
    const room = file.endOffset - this.#offsetMax
    if (sizeBytes + BLANK_RECORD_BYTES <= room) {
      return this.#tail.at(this.#offsetMax, firstBytes, room)
    }
    const next = this.segments.at(file.endOffset) ?? this.segments.append()
    const blank = this.#tail.at(this.#offsetMax, BLANK_RECORD_BYTES, room)
    encodeBlank(blank.buffer, blank.length, room)
    blank.length += BLANK_RECORD_BYTES
    blank.endOffset = next.firstOffset
    this.#offsetMax = next.firstOffset
    return this.#tail.at(this.#offsetMax, firstBytes, next.sizeBytes)
  }

  /** Counts a record that was built in the chunk that `reserve` returned. */
  staged(chunk: LogChunk, sizeBytes: number): void {
    chunk.length += sizeBytes
    chunk.endOffset += sizeBytes
    this.#offsetMax += sizeBytes
  }

  /**
   * Writes staged records to the page cache. Throws the host's error; unwritten records stay staged until `rollback`.
   */
  writeStaged(): void {
    if (this.#offsetWritten === this.#offsetMax) return
    const chunks = this.#tail.chunks
    let i = chunks.length - 1
    while (i > 0 && (chunks[i - 1] as LogChunk).written < (chunks[i - 1] as LogChunk).length) i--
    for (; i < chunks.length; i++) {
      const chunk = chunks[i] as LogChunk
      if (chunk.written === chunk.length) continue
      const offset = chunk.start + chunk.written
      const file = this.segments.at(offset) as SegmentFile
      const bytes = chunk.buffer.subarray(chunk.written, chunk.length)
      file.file.writeNow(bytes, offset - file.firstOffset)
      this.unsynced.add(file)
      chunk.written = chunk.length
      this.#offsetWritten = chunk.endOffset
    }
  }

  /** Frees old chunks; see `LogTail.trim`. */
  trim(neededFrom: number): void {
    this.#tail.trim(neededFrom)
  }

  /** Drops records that are staged and not written. Returns the end of the log. */
  rollback(): number {
    this.#tail.cut(this.#offsetWritten)
    this.#offsetMax = this.#offsetWritten
    return this.#offsetMax
  }

  /**
   * Tests whether the log can be written again by writing zeros where the next record will be. Throws the host's
   * error when it cannot.
   */
  probe(sizeBytes: number): void {
    const file = this.segments.at(this.#offsetWritten) ?? this.segments.append()
    const at = this.#offsetWritten - file.firstOffset
    file.file.writeNow(Buffer.alloc(Math.min(sizeBytes, file.sizeBytes - at)), at)
  }

  /**
   * Zeroes what a failed write left behind the end, and syncs. Throws the host's error; then it is unknown what part
   * of the log is on disk.
   */
  zeroEnd(): void {
    this.segments.at(this.#offsetWritten)?.zeroFrom(this.#offsetWritten)
  }

  /** True for a range that the log has, within one file. */
  has(offset: number, sizeBytes: number): boolean {
    const file = this.segments.at(offset)
    if (file === undefined || sizeBytes <= 0) return false
    return offset + sizeBytes <= Math.min(file.endOffset, this.#offsetMax)
  }

  /**
   * A view of a range that `has` confirmed; undefined when reading might block on the disk: `load` it first. The view
   * is valid until the turn's answers are sent.
   */
  view(offset: number, sizeBytes: number): Buffer | undefined {
    const young = this.#tail.view(offset, sizeBytes)
    if (young !== undefined) return young
    const file = this.segments.at(offset) as SegmentFile
    const cached = this.#cache.view(file.firstOffset, offset, sizeBytes)
    if (cached !== undefined || offset < this.#warmFrom) return cached
    return this.viewNow(offset, sizeBytes)
  }

  /**
   * A view of a range in the block read last, where most reads of a pull continue; undefined otherwise. Valid as long
   * as one of `view`.
   */
  near(offset: number, sizeBytes: number): Buffer | undefined {
    return offset < this.offsetMin ? undefined : this.#cache.near(offset, sizeBytes)
  }

  /** As `view`, but blocks on the disk. Undefined when the range is not there. Throws the host's error. */
  viewNow(offset: number, sizeBytes: number): Buffer | undefined {
    if (!this.has(offset, sizeBytes)) return undefined
    const young = this.#tail.view(offset, sizeBytes)
    if (young !== undefined) return young
    if (offset + sizeBytes > this.#believedEnd) return undefined
    const file = this.segments.at(offset) as SegmentFile
    for (const place of this.#missing(file, offset, sizeBytes)) {
      const buffer = this.#cache.take()
      const bytes = buffer.subarray(0, place.sizeBytes)
      this.#cache.put(
        place.offset,
        buffer,
        file.file.readNow(bytes, place.offset - file.firstOffset),
      )
    }
    return (
      this.#cache.view(file.firstOffset, offset, sizeBytes) ?? readDirectly(file, offset, sizeBytes)
    )
  }

  /** A copy of a few bytes that are needed once; undefined when the range is not there. Throws the host's error. */
  peek(offset: number, sizeBytes: number): Buffer | undefined {
    if (offset < this.offsetMin || !this.has(offset, sizeBytes)) return undefined
    const young = this.#tail.view(offset, sizeBytes)
    if (young !== undefined || offset + sizeBytes > this.#believedEnd) return young
    return readDirectly(this.segments.at(offset) as SegmentFile, offset, sizeBytes)
  }

  /** Reads a range into the cache without blocking, for `view`. Rejects with the host's error. */
  async load(offset: number, sizeBytes: number): Promise<Buffer | undefined> {
    const file = this.segments.at(offset)
    if (file === undefined || !this.has(offset, sizeBytes)) return undefined
    if (!this.isBelieved(offset, sizeBytes)) return undefined
    for (const place of this.#missing(file, offset, sizeBytes)) {
      const buffer = this.#cache.take()
      const bytes = buffer.subarray(0, place.sizeBytes)
      const read = await file.use((open) => open.readAt(bytes, place.offset - file.firstOffset))
      this.#cache.put(place.offset, buffer, read)
    }
    return this.#cache.view(file.firstOffset, offset, sizeBytes) ?? this.viewNow(offset, sizeBytes)
  }

  #missing(file: SegmentFile, offset: number, sizeBytes: number): BlockPlace[] {
    const end = Math.min(file.endOffset, this.#offsetWritten, this.#believedEnd)
    return this.#cache.missing(file.firstOffset, offset, sizeBytes, end)
  }

  /** Whether this process stored the record at an offset, so that it needs no check. */
  isOwn(offset: number): boolean {
    return offset >= this.#warmFrom
  }

  /** Whether the bytes are one intact record, as it was stored. */
  isSound(record: Buffer, offset: number): boolean {
    const check = checkRecord(record, 0, record.length, { physicalOffset: offset })
    return check.kind === 'good' && check.sizeBytes === record.length
  }

  /** The record that starts at an offset, checked. Undefined when none does, or when its size is not `sizeBytes`. */
  recordAt(offset: number, sizeBytes?: number): Buffer | undefined {
    if (offset < this.offsetMin) return undefined
    const size = sizeBytes ?? this.#sizeAt(offset)
    const record = size < RECORD_BYTES_MIN ? undefined : this.viewNow(offset, size)
    if (record === undefined) return undefined
    const check = checkRecord(record, 0, record.length, { physicalOffset: offset })
    return check.kind === 'good' && check.sizeBytes === size ? record : undefined
  }

  #sizeAt(offset: number): number {
    const head = this.peek(offset, 4)
    return head === undefined ? -1 : readInt(head, 0)
  }

  /** Store time of the record at an offset taken from a queue; −1 when the log does not have it. */
  storeTimestampAt(offset: number): number {
    const head = this.peek(offset, HEAD_BYTES)
    return head === undefined ? -1 : recordStoreTimestamp(head)
  }
}

/** Reads past the cache: for single reads, and for ranges larger than the cache. */
function readDirectly(file: SegmentFile, offset: number, sizeBytes: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(sizeBytes)
  const read = file.file.readNow(bytes, offset - file.firstOffset)
  return read === sizeBytes ? bytes : undefined
}
