import type { Disk } from '@skylarkmq/env'
import {
  UNIT_BYTES,
  isFiller,
  listSegments,
  readBatchPart,
  segmentName,
  unitBytesOf,
  unitPhysicalOffset,
  unitSize,
  unitTagsCode,
} from '@skylarkmq/store/internals'
import type { FoundSegment, OpenFiles } from '@skylarkmq/store/internals'

const WINDOW_UNITS = 64
const SEARCH_BYTES = 1024 * UNIT_BYTES
const zeros = Buffer.alloc(SEARCH_BYTES)
const search = Buffer.alloc(SEARCH_BYTES)

/** The current unit of a cursor. */
export interface CursorUnit {
  /** Offset of its message, or of the first message of a batch. */
  readonly offset: number
  readonly count: number
  /** When a batch was stored, ms; 0 when the unit does not state it. */
  readonly storeTimestamp: number
  readonly physicalOffset: number
  readonly sizeBytes: number
  readonly tagsCode: number
  readonly isFiller: boolean
}

/**
 * Iterates over the units of one queue, which must not be written meanwhile. It reads ahead only a little, so that
 * many queues can be walked at once.
 */
export class QueueCursor {
  readonly topic: string
  readonly queueId: number
  readonly name: string
  readonly files: readonly FoundSegment[]
  /** Whether it is a queue of batches, whose units may stand for several messages. */
  readonly isBatch: boolean
  /** The current unit; undefined behind the last one. */
  unit: CursorUnit | undefined
  /** Offset after the last unit, once it is reached. */
  end = 0
  readonly #unitBytes: number
  readonly #directory: string
  readonly #open: OpenFiles
  readonly #emptyPlaces: (from: number, to: number) => void
  #next: number
  #window: Buffer | undefined
  #windowFirst = 0
  #windowCount = 0

  /**
   * Starts at the first unit. `emptyPlaces` is called for places `[from, to)` without a unit that are followed by
   * one. Throws the host's error.
   */
  constructor(
    disk: Disk,
    open: OpenFiles,
    directory: string,
    topic: string,
    queueId: number,
    emptyPlaces: (from: number, to: number) => void,
    isBatch = false,
  ) {
    this.isBatch = isBatch
    this.#unitBytes = unitBytesOf(isBatch)
    this.topic = topic
    this.queueId = queueId
    this.name = `${topic}/${queueId}`
    this.#directory = `${directory}/${this.name}`
    this.#open = open
    this.#emptyPlaces = emptyPlaces
    this.files = listSegments(disk, this.#directory).filter((file) => file.sizeBytes > 0)
    this.#next = (this.files[0]?.firstOffset ?? 0) / this.#unitBytes
    if (!isBatch) this.end = this.#next
    this.next()
  }

  /** Advances to the next unit. */
  next(): void {
    if (this.#read()) return
    this.unit = undefined
    if (!this.isBatch) this.end = this.#next
    const found = this.#nextUsed(this.#next)
    if (found === undefined) return
    this.#emptyPlaces(this.#next, found)
    this.#next = found
    // Invalid units there are skipped together with the empty places.
    if (!this.#read()) {
      this.#next++
      this.next()
    }
  }

  /** Advances to the first unit that names a place from `physicalOffset` on, if all earlier files can be skipped. */
  skipFilesBefore(physicalOffset: number): void {
    for (const file of this.files.slice(1)) {
      const first = Buffer.alloc(this.#unitBytes)
      this.#readAt(file, first, file.firstOffset)
      const isEarly =
        unitSize(first, 0) > 0 &&
        !isFiller(first, 0) &&
        unitPhysicalOffset(first, 0) < physicalOffset
      if (!isEarly) return
      this.#next = file.firstOffset / this.#unitBytes
      this.next()
    }
  }

  #read(): boolean {
    const at = this.#at(this.#next)
    if (at < 0) return false
    const window = this.#window as Buffer
    const sizeBytes = unitSize(window, at)
    const batch = this.isBatch ? readBatchPart(window, at) : undefined
    if (sizeBytes <= 0 || (this.isBatch && batch === undefined)) return false
    if (batch !== undefined) this.end = batch.baseOffset + batch.count
    this.unit = {
      offset: batch?.baseOffset ?? this.#next,
      count: batch?.count ?? 1,
      storeTimestamp: batch?.storeTimestamp ?? 0,
      physicalOffset: unitPhysicalOffset(window, at),
      sizeBytes,
      tagsCode: unitTagsCode(window, at),
      isFiller: isFiller(window, at),
    }
    this.#next++
    return true
  }

  /** Position of a unit in the window; −1 when no file has it. */
  #at(unit: number): number {
    if (unit < this.#windowFirst || unit >= this.#windowFirst + this.#windowCount) {
      const position = unit * this.#unitBytes
      const file = this.files.find(
        (f) =>
          f.firstOffset <= position && position + this.#unitBytes <= f.firstOffset + f.sizeBytes,
      )
      if (file === undefined) return -1
      this.#window ??= Buffer.allocUnsafe(WINDOW_UNITS * this.#unitBytes)
      this.#windowFirst = unit
      this.#windowCount = Math.floor(this.#readAt(file, this.#window, position) / this.#unitBytes)
      if (this.#windowCount === 0) return -1
    }
    return (unit - this.#windowFirst) * this.#unitBytes
  }

  #readAt(file: FoundSegment, target: Buffer, position: number): number {
    const path = `${this.#directory}/${segmentName(file.firstOffset)}`
    return this.#open.get(path).readNow(target, position - file.firstOffset)
  }

  /** The first unit from one on that has a non-zero byte. */
  #nextUsed(unit: number): number | undefined {
    for (const file of this.files) {
      const end = file.firstOffset + file.sizeBytes
      for (
        let at = Math.max(unit * this.#unitBytes, file.firstOffset);
        at < end;
        at += SEARCH_BYTES
      ) {
        const length = this.#readAt(file, search, at)
        if (search.subarray(0, length).equals(zeros.subarray(0, length))) continue
        let first = 0
        while (search[first] === 0) first++
        return Math.floor((at + first) / this.#unitBytes)
      }
    }
    return undefined
  }
}
