import { hostErrorCode } from '@skylarkmq/env'
import {
  FILLER_SIZE,
  isFiller,
  unitPhysicalOffset,
  unitSize,
  writeUnit,
} from './consume-queue-unit.ts'
import { writeBatchPart, type BatchPart } from './batch-unit.ts'
import type { InsidePath } from '../segment/inside-path.ts'
import type { QueueFiles } from './queue-files.ts'

const TAIL_UNITS_FIRST = 16
const FILES_AT_RISK = 3

/** `count` units in a buffer from byte `at` on. */
export interface UnitSpan {
  buffer: Buffer
  at: number
  count: number
}

/** Facts about the topic that a queue needs. */
interface QueueTopic {
  readonly name: string
  /** The name in UTF-8. */
  readonly bytes: Buffer
  /** Hash state of `topic#`, for keys in the index. */
  readonly state: number
}

/**
 * One queue of a topic: units of 20 bytes, each naming a record of the commit log. Apache: `ConsumeQueue.java`. The
 * newest units are in memory and reach the file a little later; an idle queue keeps none in memory. Places count
 * units from 0; in this class, where each unit stands for one message, places are offsets.
 */
export class ConsumeQueue {
  readonly topic: string
  /** The topic in UTF-8. */
  readonly topicBytes: Buffer
  /** Hash state of `topic#`, for keys in the index. */
  readonly topicState: number
  readonly queueId: number
  /** Length of a unit. */
  readonly unitBytes: number
  /** Place of the first unit that can be read. */
  placeMin = 0
  /** Place after the last one that can be read. */
  placeEnd = 0
  /** Offset of the next message: ahead of `offsetMax` while messages are not dispatched yet. */
  offsetNext = 0
  /** End in the commit log of the record that the last unit names; 0 when there is none. */
  physicalEnd = 0
  /** Set while the queue is on the list of queues to write. */
  isDirty = false
  /** Set when the topic was deleted; messages that still arrive are dropped. */
  isGone = false
  /** Counts cuts and rewrites: units read before an increment are stale. */
  cuts = 0
  /** Batch fields of the unit at `units[at …]`; absent where each unit stands for one message. */
  readonly batchIn?: (units: Buffer, at: number) => BatchPart | undefined
  readonly #files: QueueFiles
  #written = 0
  #hasLeftovers = false
  // The existing files cover units [#fileFirst, #fileEnd), both multiples of the units per file.
  #fileFirst = 0
  #fileEnd = 0
  #tail: Buffer | undefined
  #tailFirst = 0

  constructor(files: QueueFiles, topic: QueueTopic, queueId: number) {
    this.#files = files
    this.unitBytes = files.unitBytes
    this.topic = topic.name
    this.topicBytes = topic.bytes
    this.topicState = topic.state
    this.queueId = queueId
  }

  /** First offset that can be read. */
  get offsetMin(): number {
    return this.placeMin
  }

  /** Offset after the last that can be read. */
  get offsetMax(): number {
    return this.placeEnd
  }

  /** Place of the unit that has an offset, or of the next one. */
  placeOf(offset: number): number {
    return offset
  }

  /** First offset of the unit at a place; the end of the queue for a place behind the last unit. */
  offsetAt(place: number): number {
    return place
  }

  /** How many units a file has. */
  get unitsPerFile(): number {
    return this.#files.unitsPerFile
  }

  /** First unit of the first file. */
  get fileFirst(): number {
    return this.#fileFirst
  }

  /** Unit after the last one that the files have room for. */
  get fileEnd(): number {
    return this.#fileEnd
  }

  /** Takes over files that recovery found and counts them as full; `endAt` then sets the end. */
  adopt(fileFirst: number, fileEnd: number): void {
    this.#fileFirst = fileFirst
    this.#fileEnd = fileEnd
    this.placeMin = fileFirst
    this.placeEnd = fileEnd
    this.#written = fileEnd
  }

  /** Sets the end that recovery found; the bytes behind it stay. */
  endAt(placeEnd: number): void {
    this.#setEnd(placeEnd)
  }

  /**
   * Whether the file has something behind the last unit: remains from before a cut, or a page behind a lost one.
   * Throws the host's error.
   */
  hasMoreInFile(): boolean {
    if (!this.isWritten || this.placeEnd >= this.#fileEnd) return false
    const perFile = this.#files.unitsPerFile
    const first = this.placeEnd - (this.placeEnd % perFile)
    const { scratch } = this.#files
    const count = Math.min(first + perFile - this.placeEnd, scratch.length / this.unitBytes)
    const read = this.#files.read(this.#path(first), scratch, this.placeEnd - first, count)
    return scratch.subarray(0, read * this.unitBytes).some((byte) => byte !== 0)
  }

  #setEnd(placeEnd: number): void {
    this.cuts++
    this.placeEnd = placeEnd
    this.placeMin = Math.min(this.placeMin, placeEnd)
    this.#written = placeEnd
    this.#dropTail()
    this.physicalEnd = 0
    const last = this.units(placeEnd - 1, 1)
    if (last !== undefined && !isFiller(last.buffer, last.at)) {
      this.physicalEnd = unitPhysicalOffset(last.buffer, last.at) + unitSize(last.buffer, last.at)
    }
    this.ended()
  }

  /** Called when the last unit has changed. */
  protected ended(): void {
    this.offsetNext = this.placeEnd
  }

  /** Whether all units are in the files. */
  get isWritten(): boolean {
    return this.#written === this.placeEnd
  }

  /** Appends the unit of place `placeEnd`, in memory; `batch` for a queue of batches. */
  append(physicalOffset: number, sizeBytes: number, tagsCode: number, batch?: BatchPart): void {
    if (this.#tail === undefined) {
      this.#tail = Buffer.allocUnsafe(TAIL_UNITS_FIRST * this.unitBytes)
      this.#tailFirst = this.placeEnd
      this.#files.tails.taken()
    }
    const at = (this.placeEnd - this.#tailFirst) * this.unitBytes
    if (at === this.#tail.length) {
      this.#makeRoom()
      this.append(physicalOffset, sizeBytes, tagsCode, batch)
      return
    }
    writeUnit(this.#tail, at, physicalOffset, sizeBytes, tagsCode)
    if (batch !== undefined) writeBatchPart(this.#tail, at, batch)
    this.placeEnd++
    if (this.offsetNext < this.placeEnd) this.offsetNext = this.placeEnd
    if (sizeBytes !== FILLER_SIZE) this.physicalEnd = physicalOffset + sizeBytes
  }

  /**
   * Lets the next unit have a greater offset than `placeEnd` by filling the gap with fillers. An empty queue begins
   * there instead.
   */
  fillTo(offset: number): void {
    if (this.#fileFirst === this.#fileEnd && this.placeEnd === this.#fileEnd) {
      const first = offset - (offset % this.#files.unitsPerFile)
      if (first > this.#fileEnd) {
        this.#fileFirst = first
        this.#fileEnd = first
        this.#setEnd(first)
      }
    }
    const isEmpty = this.placeMin === this.placeEnd
    while (this.placeEnd < offset) this.append(0, FILLER_SIZE, 0)
    if (isEmpty) this.placeMin = offset
  }

  #makeRoom(): void {
    const tail = this.#tail as Buffer
    const units = tail.length / this.unitBytes
    const { unitsMax } = this.#files.tails
    if (units * 2 <= unitsMax) {
      this.#tail = Buffer.allocUnsafe(tail.length * 2)
      tail.copy(this.#tail)
      return
    }
    // Half of the units stay for readers; the others must be in the file before they are dropped.
    const kept = Math.floor(Math.min(units, unitsMax) / 2)
    const keepFrom = this.placeEnd - kept
    if (this.#written < keepFrom && !this.#tryWrite()) {
      this.#tail = Buffer.concat([tail, Buffer.alloc(tail.length)])
      return
    }
    this.#tail = units <= unitsMax ? tail : Buffer.allocUnsafe(unitsMax * this.unitBytes)
    tail.copy(this.#tail, 0, (units - kept) * this.unitBytes)
    this.#tailFirst = keepFrom
  }

  #dropTail(): void {
    if (this.#tail === undefined) return
    this.#tail = undefined
    this.#files.tails.givenBack()
  }

  #tryWrite(): boolean {
    try {
      this.write()
      return true
    } catch (error) {
      // The next write of all queues will fail in the same way, and that failure makes the store refuse messages.
      if (hostErrorCode(error) === undefined) throw error
      this.#files.hasWriteFailed = true
      return false
    }
  }

  /** Writes units that are only in memory. Throws the host's error; then they stay in memory. */
  write(): void {
    const perFile = this.#files.unitsPerFile
    while (this.#written < this.placeEnd) {
      const first = this.#written - (this.#written % perFile)
      if (first >= this.#fileEnd) {
        this.#files.create(this.topic, this.queueId, first)
        if (this.#fileFirst === this.#fileEnd) this.#fileFirst = first
        this.#fileEnd = first + perFile
      }
      const end = Math.min(this.placeEnd, first + perFile)
      const from = (this.#written - this.#tailFirst) * this.unitBytes
      const to = (end - this.#tailFirst) * this.unitBytes
      const units = (this.#tail as Buffer).subarray(from, to)
      this.#files.write(this.#path(first), units, this.#written - first)
      this.#written = end
    }
    if (!this.#hasLeftovers) return
    this.clearBehindEnd()
    this.#hasLeftovers = false
  }

  /**
   * Zeroes the bytes behind the end as soon as all units are in the files: until then the recovery point may count on
   * the old bytes. Throws the host's error; then the next write retries.
   */
  clearOnceWritten(): void {
    this.#hasLeftovers = true
    if (this.isWritten) this.write()
  }

  /** Whether the files may have bytes behind the end that must be zeroed. */
  get hasLeftovers(): boolean {
    return this.#hasLeftovers
  }

  /** Rewrites one unit of the files from its record in the log. Throws the host's error. */
  writeAgain(
    offset: number,
    physicalOffset: number,
    sizeBytes: number,
    tagsCode: number,
    batch?: BatchPart,
  ): void {
    if (offset < this.#fileFirst || offset >= Math.min(this.#written, this.#fileEnd)) return
    this.cuts++
    const first = offset - (offset % this.#files.unitsPerFile)
    const unit = Buffer.allocUnsafe(this.unitBytes)
    writeUnit(unit, 0, physicalOffset, sizeBytes, tagsCode)
    if (batch !== undefined) writeBatchPart(unit, 0, batch)
    this.#files.write(this.#path(first), unit, offset - first)
  }

  /** Marks the newest files as unsynced: the process that wrote them was killed. */
  markUnsynced(): void {
    const perFile = this.#files.unitsPerFile
    const from = Math.max(this.#fileFirst, this.#fileEnd - FILES_AT_RISK * perFile)
    for (let first = from; first < this.#fileEnd; first += perFile) {
      this.#files.unsynced.add(this.#path(first))
    }
  }

  /** Frees in-memory units that are in the file as well. */
  forgetTail(): void {
    if (this.#written === this.placeEnd) this.#dropTail()
  }

  /** Whether the unit of an offset is in memory. */
  isInMemory(offset: number): boolean {
    return this.#tail !== undefined && offset >= this.#tailFirst
  }

  /**
   * Up to `count` adjacent units from `offset` on; undefined when the queue has no such offset. Valid until the next
   * call on any queue. Throws the host's error.
   */
  units(offset: number, count: number): UnitSpan | undefined {
    if (offset < this.#fileFirst || offset >= this.placeEnd || offset < 0) return undefined
    const wanted = Math.min(count, this.placeEnd - offset)
    if (this.#tail !== undefined && offset >= this.#tailFirst) {
      return { buffer: this.#tail, at: (offset - this.#tailFirst) * this.unitBytes, count: wanted }
    }
    const first = offset - (offset % this.#files.unitsPerFile)
    const limit = Math.min(
      this.#written - offset,
      first + this.#files.unitsPerFile - offset,
      this.#files.scratch.length / this.unitBytes,
    )
    const asked = Math.min(wanted, limit)
    const { scratch } = this.#files
    const read = this.#files.read(this.#path(first), scratch, offset - first, asked)
    return read === 0 ? undefined : { buffer: scratch, at: 0, count: read }
  }

  #path(firstUnit: number): InsidePath {
    return this.#files.path(this.topic, this.queueId, firstUnit)
  }

  /**
   * Cuts the queue: `offset` becomes its end, and also its beginning when the files begin behind it. Throws the
   * host's error.
   */
  truncate(offset: number): void {
    this.write()
    if (offset < this.#fileFirst) {
      this.#beginAt(offset)
      return
    }
    this.#setEnd(offset)
    this.clearOnceWritten()
    const lastFile = this.#fileEnd - this.#files.unitsPerFile
    if (lastFile >= this.#fileFirst) this.#files.unsynced.add(this.#path(lastFile))
  }

  /** After a power cut kept later files and lost the first: all files are dropped. */
  #beginAt(offset: number): void {
    const perFile = this.#files.unitsPerFile
    while (this.#fileEnd > this.#fileFirst) {
      this.#files.removeDurably(this.#path(this.#fileEnd - perFile))
      this.#fileEnd -= perFile
    }
    const first = offset - (offset % perFile)
    this.#fileFirst = first
    this.#fileEnd = first
    this.#setEnd(first)
  }

  /**
   * Zeroes the bytes behind the last unit, left there by a cut or a crash. If there were any, the zeros are synced
   * before the next recovery point, so that another crash cannot bring the old bytes back. Throws the host's error.
   */
  clearBehindEnd(): void {
    const perFile = this.#files.unitsPerFile
    while (this.#fileEnd - perFile >= this.placeEnd && this.#fileEnd - perFile > this.#fileFirst) {
      this.#files.removeDurably(this.#path(this.#fileEnd - perFile))
      this.#fileEnd -= perFile
    }
    const lastFile = this.#fileEnd - perFile
    if (lastFile >= this.#fileFirst && this.placeEnd < this.#fileEnd) {
      // Most queues have nothing there and should not be synced for it.
      if (this.hasMoreInFile()) this.#files.unsynced.add(this.#path(lastFile))
      this.#files.zeroFrom(this.#path(lastFile), this.placeEnd - lastFile)
    }
  }

  /**
   * Moves `placeMin` to the first unit at or behind the physical offset `logMin`. When none is left, the queue is
   * empty and keeps its numbering.
   */
  correctMin(logMin: number): void {
    let low = this.#fileFirst
    let high = this.placeEnd
    if (low < high && this.#isLive(low, logMin)) high = low
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (this.#isLive(middle, logMin)) high = middle
      else low = middle + 1
    }
    this.placeMin = high
  }

  #isLive(offset: number, logMin: number): boolean {
    const span = this.units(offset, 1)
    if (span === undefined || isFiller(span.buffer, span.at)) return false
    return unitPhysicalOffset(span.buffer, span.at) >= logMin
  }

  /** Deletes files that have only units before `placeMin`, except the last one. Returns how many. */
  removeExpiredFiles(): number {
    const perFile = this.#files.unitsPerFile
    let removed = 0
    while (
      this.#fileEnd - this.#fileFirst > perFile &&
      this.#fileFirst + perFile <= this.placeMin
    ) {
      this.#files.remove(this.#path(this.#fileFirst))
      this.#fileFirst += perFile
      removed++
    }
    return removed
  }

  /** Its topic was deleted: stops all reads and writes. Others remove the files. */
  leave(): void {
    this.isGone = true
    this.cuts++
    this.#dropTail()
  }
}
