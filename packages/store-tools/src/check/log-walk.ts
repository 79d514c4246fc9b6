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

/** A file of the log as it lies there. */
export interface LogFile {
  readonly firstOffset: number
  readonly sizeBytes: number
}

/** Bytes of the log that are no record. */
export interface BadBytes {
  readonly from: number
  /** Where the next sound record begins. */
  readonly to: number
  readonly reason: string
}

/** What a walk meets, in the order of the log. `buffer` is valid during the call. */
export interface LogVisitor {
  record(buffer: Buffer, at: number, offset: number, sizeBytes: number): void
  /** Bytes between sound records that are none. */
  bad?(bytes: BadBytes): void
  /** Asked before each record: true ends the walk there. */
  isDone?(): boolean
  /** Called now and then with the offset that was reached. */
  reached?(offset: number): void
}

/** Where the sound records of a log end, and what lies behind. */
export interface LogEnd {
  readonly offset: number
  /** Start of the last sound record; −1 when there is none. */
  readonly lastRecord: number
  readonly records: number
  /** What is wrong with what follows; undefined when nothing but zeros follows. */
  readonly reason: string | undefined
  /** Behind the last byte that is not zero. */
  readonly usedEnd: number
}

/**
 * Reads a log that nobody writes, file by file, and goes on behind bytes that are no record: at the next place
 * that has a magic code, says of itself that it lies there, and is sound in all else. Nothing is written, and
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

/** Where the first sound record at or behind an offset begins; undefined when there is none. */
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
        // A file is missing here; who lists the files says so.
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

/** Looks for a sound record from an offset on, and for the end of what is not zero on the way. */
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
      // A head that the window cut is looked at again in the next one.
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

/** Reads a log's files through a window that moves on. */
class LogReader {
  buffer = Buffer.allocUnsafe(WINDOW_BYTES)
  /** Where the place that was moved to lies in `buffer`. */
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

  /** Moves to an offset, with a whole window behind it or what the file has; returns how many bytes. */
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
