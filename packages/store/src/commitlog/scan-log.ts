import { checkRecord, recordSpans } from '@skylarkmq/protocol'
import type { SegmentFile } from '../segment/segment-file.ts'
import type { SegmentQueue } from '../segment/segment-queue.ts'
import { hasHole } from './torn-properties.ts'

const WINDOW_BYTES = 1024 * 1024
// How far to search for remains of an earlier, longer log.
const ZEROS_BYTES = 64 * 1024

/** Called with each sound record; `buffer` is valid during the call. */
export type RecordVisitor = (
  buffer: Buffer,
  at: number,
  physicalOffset: number,
  sizeBytes: number,
) => void

/** Where a scan of the log ended. */
export interface ScanEnd {
  /** Offset after the last intact record. */
  readonly offset: number
  /** What is wrong with the bytes that follow; undefined when only zeros follow. */
  readonly reason: string | undefined
  /** Start of the last intact record; −1 when there was none. */
  readonly lastRecord: number
  readonly records: number
}

/**
 * Reads records from an offset where one begins, up to the first that is not intact or up to `to`. Blocks: for starts
 * and checks. Throws the host's error.
 */
export function scanLog(
  segments: SegmentQueue,
  from: number,
  options: { checkCrc: boolean; to?: number },
  visit: RecordVisitor,
): ScanEnd {
  const reader = new WindowReader()
  const end = Math.min(options.to ?? Infinity, segments.endOffset)
  let offset = from
  let lastRecord = -1
  let records = 0
  while (offset < end) {
    const file = segments.at(offset)
    if (file === undefined) break
    const found = reader.check(file, offset, options.checkCrc)
    if (found.kind === 'good' && reader.isTorn(file, offset, found.sizeBytes)) {
      return { offset, reason: 'its properties were not written', lastRecord, records }
    }
    if (found.kind === 'bad') {
      const reason = reader.isZeroAt(file, offset) ? undefined : found.reason
      return { offset, reason, lastRecord, records }
    }
    if (found.kind === 'good') {
      visit(reader.buffer, reader.at, offset, found.sizeBytes)
      lastRecord = offset
      records++
    }
    offset = found.kind === 'good' ? offset + found.sizeBytes : file.endOffset
  }
  return { offset, reason: undefined, lastRecord, records }
}

/** Reads a file through a sliding window. */
class WindowReader {
  buffer = Buffer.allocUnsafe(WINDOW_BYTES)
  /** Position in `buffer` of the record checked last. */
  at = 0
  #file: SegmentFile | undefined
  #start = 0
  #length = 0

  check(file: SegmentFile, offset: number, bodyCrc: boolean): ReturnType<typeof checkRecord> {
    this.#moveTo(file, offset, 1)
    const expected = { physicalOffset: offset, bodyCrc }
    let found = checkRecord(this.buffer, this.at, this.#length - this.at, expected)
    if (found.kind !== 'bad') return found
    const rest = file.endOffset - offset
    const needed = Math.min(found.neededBytes ?? WINDOW_BYTES, rest)
    if (this.#length - this.at < needed) {
      this.#moveTo(file, offset, needed)
      found = checkRecord(this.buffer, this.at, this.#length - this.at, expected)
    }
    return found
  }

  /**
   * Whether the record just checked is the last one and its end is missing, or it has a hole. The CRC covers the body
   * only; topic and properties lie behind it, so a write that was cut short may lack just these.
   */
  isTorn(file: SegmentFile, offset: number, sizeBytes: number): boolean {
    const spans = recordSpans(this.buffer, this.at, sizeBytes)
    if (typeof spans === 'string') return false
    const { topicStart, topicEnd, propertiesStart, propertiesEnd } = spans
    if (this.buffer.subarray(topicStart, topicEnd).includes(0)) return true
    if (propertiesStart === propertiesEnd) return false
    const physicalStart = offset + propertiesStart - this.at
    if (hasHole(this.buffer, propertiesStart, propertiesEnd, physicalStart)) return true
    if (this.buffer[propertiesEnd - 1] !== 0) return false
    const isLast = this.check(file, offset + sizeBytes, true).kind === 'bad'
    this.#moveTo(file, offset, sizeBytes)
    return isLast
  }

  /** Whether the next bytes of the file are zeros: as many as are enough to tell. */
  isZeroAt(file: SegmentFile, offset: number): boolean {
    const needed = Math.min(ZEROS_BYTES, file.endOffset - offset)
    this.#moveTo(file, offset, needed)
    return this.buffer.subarray(this.at, this.at + needed).every((byte) => byte === 0)
  }

  #moveTo(file: SegmentFile, offset: number, needed: number): void {
    if (this.#file === file && offset >= this.#start) {
      this.at = offset - this.#start
      if (this.at + needed <= this.#length) return
    }
    if (needed > this.buffer.length) this.buffer = Buffer.allocUnsafe(needed)
    this.#file = file
    this.#start = offset
    this.at = 0
    const room = Math.min(this.buffer.length, file.endOffset - offset)
    this.#length = file.file.readNow(this.buffer.subarray(0, room), offset - file.firstOffset)
  }
}
