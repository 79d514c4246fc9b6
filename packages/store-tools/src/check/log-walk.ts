import type { Disk, DiskFile } from '@skylarkmq/env'
import { RecordAt, RecordMagic, checkRecord, readLong, writeInt } from '@skylarkmq/protocol'
import type { RecordCheck } from '@skylarkmq/protocol'
import { segmentName } from '@skylarkmq/store/internals'

const WINDOW_BYTES = 1024 * 1024
const HEAD_BYTES = 36
const magics = [RecordMagic.V1, RecordMagic.V2].map((magic) => {
  const bytes = Buffer.alloc(4)
  writeInt(bytes, 0, magic)
  return bytes
})
const zeros = Buffer.alloc(WINDOW_BYTES)

/** A file of the log. */
export interface LogFile {
  readonly firstOffset: number
  readonly sizeBytes: number
}

/** Bytes of the log that are not a record. */
export interface BadBytes {
  readonly from: number
  /** Start of the next intact record. */
  readonly to: number
  readonly reason: string
}

/** Callbacks of a walk, in log order. `buffer` is valid during the call. */
export interface LogVisitor {
  record(buffer: Buffer, at: number, offset: number, sizeBytes: number): void
  /** Bytes between intact records that are not a record. */
  bad?(bytes: BadBytes): void
  /** Called before each record: true ends the walk. */
  isDone?(): boolean
  /** Called periodically with the current offset. */
  reached?(offset: number): void
}

/** The end of the intact records of a log, and what follows. */
export interface LogEnd {
  readonly offset: number
  /** Start of the last intact record; −1 when there is none. */
  readonly lastRecord: number
  readonly records: number
  /** What is wrong with the bytes that follow; undefined when only zeros follow. */
  readonly reason: string | undefined
  /** End of the last non-zero byte. */
  readonly usedEnd: number
}

/**
 * Reads a log file by file, and continues behind damaged bytes at the next record: a magic code at an offset that the
 * record itself states, intact in every other way. The log must not be written meanwhile. Writes nothing, and its
 * memory does not grow with the log. Throws the host's error.
 */
export function walkLog(
  disk: Disk,
  directory: string,
  files: readonly LogFile[],
  from: number,
  visitor: LogVisitor,
): LogEnd {
  const reader = new LogReader(disk, directory)
  try {
    return new LogWalk(reader, files, visitor).run(from)
  } finally {
    reader.close()
  }
}

/** Start of the first intact record at or behind an offset; undefined when there is none. */
export function nextRecord(
  disk: Disk,
  directory: string,
  files: readonly LogFile[],
  from: number,
): number | undefined {
  const reader = new LogReader(disk, directory)
  try {
    return findRecord(reader, files, from).record
  } finally {
    reader.close()
  }
}

class LogWalk {
  readonly #reader: LogReader
  readonly #files: readonly LogFile[]
  readonly #visitor: LogVisitor
  #file: LogFile | undefined
  #lastRecord = -1
  #records = 0

  constructor(reader: LogReader, files: readonly LogFile[], visitor: LogVisitor) {
    this.#reader = reader
    this.#files = files
    this.#visitor = visitor
  }

  run(from: number): LogEnd {
    let offset = from
    let reachedAt = from
    for (;;) {
      if (this.#visitor.isDone?.() === true) return this.#end(offset, undefined, offset)
      const file = this.#fileAt(offset)
      if (file === undefined) {
        const next = this.#files.find((each) => each.firstOffset > offset)
        // A file is missing here, which the listing reports.
        if (next === undefined) return this.#end(offset, undefined, offset)
        offset = next.firstOffset
        continue
      }
      if (offset - reachedAt >= 16 * WINDOW_BYTES) {
        reachedAt = offset
        this.#visitor.reached?.(offset)
      }
      const found = this.#reader.check(file, offset)
      const end = file.firstOffset + file.sizeBytes
      if (found.kind === 'good') {
        this.#visitor.record(this.#reader.buffer, this.#reader.at, offset, found.sizeBytes)
        this.#lastRecord = offset
        this.#records++
        offset += found.sizeBytes
      } else if (found.kind === 'blank' && found.sizeBytes === end - offset) offset = end
      else {
        const reason = found.kind === 'blank' ? `a blank of ${found.sizeBytes} bytes` : found.reason
        const search = findRecord(this.#reader, this.#files, offset + 1)
        if (search.record === undefined) {
          const usedEnd = Math.max(search.usedEnd, this.#isZero(file, offset) ? 0 : offset + 1)
          return this.#end(offset, usedEnd > offset ? reason : undefined, usedEnd)
        }
        this.#visitor.bad?.({ from: offset, to: search.record, reason })
        offset = search.record
      }
    }
  }

  #fileAt(offset: number): LogFile | undefined {
    const isIn = (f: LogFile): boolean =>
      f.firstOffset <= offset && offset < f.firstOffset + f.sizeBytes
    if (this.#file === undefined || !isIn(this.#file)) this.#file = this.#files.find(isIn)
    return this.#file
  }

  #isZero(file: LogFile, offset: number): boolean {
    this.#reader.moveTo(file, offset, 1)
    return this.#reader.buffer[this.#reader.at] === 0
  }

  #end(offset: number, reason: string | undefined, usedEnd: number): LogEnd {
    const [lastRecord, records] = [this.#lastRecord, this.#records]
    return { offset, lastRecord, records, reason, usedEnd: Math.max(offset, usedEnd) }
  }
}

/** Searches for an intact record from an offset on, and for the end of non-zero bytes meanwhile. */
function findRecord(
  reader: LogReader,
  files: readonly LogFile[],
  from: number,
): { record: number | undefined; usedEnd: number } {
  let usedEnd = 0
  for (const file of files) {
    const end = file.firstOffset + file.sizeBytes
    for (let offset = Math.max(from, file.firstOffset); offset < end;) {
      const length = reader.fill(file, offset)
      const chunk = reader.buffer.subarray(reader.at, reader.at + length)
      if (!chunk.equals(zeros.subarray(0, length))) {
        const found = candidates(chunk)
          .map((at) => offset + at)
          .filter((at) => saysItLiesAt(chunk, at - offset, at))
        for (const each of found) {
          if (reader.check(file, each).kind === 'good') return { record: each, usedEnd }
        }
        reader.fill(file, offset)
        usedEnd = offset + lengthWithoutZeros(reader.buffer, reader.at, length)
      }
      // A header that the window cuts is examined in the next window.
      offset += offset + length >= end ? length : length - HEAD_BYTES
    }
  }
  return { record: undefined, usedEnd }
}

function candidates(chunk: Buffer): number[] {
  const found: number[] = []
  for (const magic of magics) {
    for (let at = chunk.indexOf(magic, 4); at >= 0; at = chunk.indexOf(magic, at + 1)) {
      found.push(at - RecordAt.magicCode)
    }
  }
  return found.sort((a, b) => a - b)
}

function saysItLiesAt(chunk: Buffer, at: number, offset: number): boolean {
  if (at + HEAD_BYTES > chunk.length) return false
  return readLong(chunk, at + RecordAt.physicalOffset) === offset
}

function lengthWithoutZeros(buffer: Buffer, at: number, length: number): number {
  let end = at + length
  while (end > at && buffer[end - 1] === 0) end--
  return end - at
}

/** Reads a log's files through a sliding window. */
class LogReader {
  buffer = Buffer.allocUnsafe(WINDOW_BYTES)
  /** Position in `buffer` of the current offset. */
  at = 0
  readonly #disk: Disk
  readonly #directory: string
  #open: { file: LogFile; handle: DiskFile } | undefined
  #start = 0
  #length = 0

  constructor(disk: Disk, directory: string) {
    this.#disk = disk
    this.#directory = directory
  }

  check(file: LogFile, offset: number): RecordCheck {
    this.moveTo(file, offset, 1)
    const expected = { physicalOffset: offset }
    const found = checkRecord(this.buffer, this.at, this.#length - this.at, expected)
    if (found.kind !== 'bad') return found
    const rest = file.firstOffset + file.sizeBytes - offset
    const needed = Math.min(found.neededBytes ?? HEAD_BYTES * 4, rest)
    if (this.#length - this.at >= needed) return found
    this.moveTo(file, offset, needed)
    return checkRecord(this.buffer, this.at, this.#length - this.at, expected)
  }

  /** Moves to an offset and fills the window from the file; returns the number of bytes. */
  fill(file: LogFile, offset: number): number {
    const wanted = Math.min(WINDOW_BYTES, file.firstOffset + file.sizeBytes - offset)
    this.moveTo(file, offset, wanted)
    return Math.min(wanted, this.#length - this.at)
  }

  moveTo(file: LogFile, offset: number, needed: number): void {
    if (this.#open?.file === file && offset >= this.#start) {
      this.at = offset - this.#start
      if (this.at + needed <= this.#length) return
    }
    if (needed > this.buffer.length) this.buffer = Buffer.allocUnsafe(needed)
    this.#start = offset
    this.at = 0
    const room = Math.min(this.buffer.length, file.firstOffset + file.sizeBytes - offset)
    const handle = this.#handle(file)
    this.#length = handle.readNow(this.buffer.subarray(0, room), offset - file.firstOffset)
  }

  #handle(file: LogFile): DiskFile {
    if (this.#open?.file === file) return this.#open.handle
    this.close()
    const path = `${this.#directory}/${segmentName(file.firstOffset)}`
    const handle = this.#disk.open(path, 'read')
    this.#open = { file, handle }
    return handle
  }

  close(): void {
    this.#open?.handle.close()
    this.#open = undefined
  }
}
