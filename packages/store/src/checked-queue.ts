import type { Disk } from '@skylarkmq/env'
import {
  UNIT_BYTES,
  isFiller,
  unitPhysicalOffset,
  unitSize,
} from './consumequeue/consume-queue-unit.ts'
import type { OpenFiles } from './segment/open-files.ts'
import { segmentName } from './segment/segment-file.ts'
import { listSegments } from './segment/segment-queue.ts'
import type { FoundSegment } from './segment/segment-queue.ts'

const WINDOW_UNITS = 512
// One for all queues: they are read one at a time, and there may be very many.
const sharedWindow = Buffer.alloc(WINDOW_UNITS * UNIT_BYTES)

/** The files of one queue of a store that nobody has open, read unit by unit. Its files follow each other. */
export class CheckedQueue {
  readonly topic: string
  readonly queueId: number
  readonly name: string
  readonly files: readonly FoundSegment[]
  /** Offset of the first unit. */
  readonly first: number
  /** Offset after the last unit. */
  readonly end: number
  /** Physical offset of the first message that a unit names; Infinity when none does. */
  readonly firstPhysical: number
  readonly #directory: string
  readonly #open: OpenFiles

  constructor(disk: Disk, open: OpenFiles, directory: string, topic: string, queueId: number) {
    this.topic = topic
    this.queueId = queueId
    this.name = `${topic}/${queueId}`
    this.#directory = `${directory}/${this.name}`
    this.#open = open
    this.files = listSegments(disk, this.#directory)
    this.first = (this.files[0]?.firstOffset ?? 0) / UNIT_BYTES
    this.firstPhysical = Infinity
    let end = this.first
    for (const [offset, units, at] of this.units(Infinity)) {
      if (!isFiller(units, at) && this.firstPhysical === Infinity) {
        this.firstPhysical = unitPhysicalOffset(units, at)
      }
      end = offset + 1
    }
    this.end = end
  }

  /** Offset, buffer and place in it of each unit, up to the first place without one. */
  *units(end = this.end): Iterable<[offset: number, units: Buffer, at: number]> {
    let offset = this.first
    while (offset < end) {
      const count = this.#read(offset)
      for (let i = 0; i < count && offset < end; i++, offset++) {
        if (unitSize(sharedWindow, i * UNIT_BYTES) <= 0) return
        yield [offset, sharedWindow, i * UNIT_BYTES]
      }
      if (count === 0) return
    }
  }

  /** The physical offset that the unit of an offset names; undefined when there is no such unit. */
  physicalOffsetOf(offset: number): number | undefined {
    if (offset < this.first || offset >= this.end) return undefined
    const unit = sharedWindow.subarray(0, UNIT_BYTES)
    return this.#read(offset, unit) === 0 ? undefined : unitPhysicalOffset(unit, 0)
  }

  /** True when nothing but zeros lies behind the end, as far as a window shows. */
  endsInZeros(): boolean {
    const count = this.#read(this.end)
    return sharedWindow.subarray(0, count * UNIT_BYTES).every((byte) => byte === 0)
  }

  #read(offset: number, target = sharedWindow): number {
    const position = offset * UNIT_BYTES
    const file = this.files.findLast((each) => each.firstOffset <= position)
    if (file === undefined || position >= file.firstOffset + file.sizeBytes) return 0
    const path = `${this.#directory}/${segmentName(file.firstOffset)}`
    const read = this.#open.get(path).readNow(target, position - file.firstOffset)
    return Math.floor(read / UNIT_BYTES)
  }
}
