import type { Disk, DiskFile } from '@skylarkmq/env'
import { readInt, readLong } from '@skylarkmq/protocol'
import {
  TIMER_UNIT_BYTES,
  TIMER_WHEEL_BYTES,
  decodeTimerUnit,
  listSegments,
  readTimerCheck,
  segmentName,
  timerSlotLayout,
} from '@skylarkmq/store/internals'
import type { FoundSegment, TimerCheckFile, TimerSlot, TimerUnit } from '@skylarkmq/store/internals'

const CHUNK_BYTES = 1024 * TIMER_UNIT_BYTES
const WHEEL_CHUNK_BYTES = 2048 * timerSlotLayout.sizeBytes

/** A slot of the wheel and its time. */
export interface TimerSlotAt extends TimerSlot {
  readonly slotMs: number
}

/** End of the units of the timer log. */
export interface TimerLogEnd {
  readonly offset: number
  readonly units: number
  /** End of the last non-zero byte; `offset` when there is none. */
  readonly usedEnd: number
}

/** Read-only access to the files of the timer messages. */
export class TimerFiles {
  readonly #disk: Disk
  readonly #root: string
  readonly #precisionMs: number
  readonly segments: readonly FoundSegment[]
  #open: { readonly firstOffset: number; readonly file: DiskFile } | undefined

  /** Throws the host's error. */
  constructor(disk: Disk, root: string, precisionMs: number) {
    this.#disk = disk
    this.#root = root
    this.#precisionMs = precisionMs
    this.segments = listSegments(disk, `${root}/timerlog`).filter((each) => each.sizeBytes > 0)
  }

  /** The content of config/timercheck; undefined when it is missing. Throws the host's error. */
  checkPoint(): TimerCheckFile | undefined {
    return readTimerCheck(this.#disk, `${this.#root}/config/timercheck`)
  }

  /** Length of the wheel's file; undefined when it is missing. */
  get wheelBytes(): number | undefined {
    return this.#disk.stat(`${this.#root}/timerwheel`)?.sizeBytes
  }

  /** Visits all units in order, up to the first invalid bytes. Throws the host's error. */
  walk(visit: (unit: TimerUnit, position: number) => void): TimerLogEnd {
    let units = 0
    let expected = this.segments[0]?.firstOffset ?? 0
    for (const { firstOffset, sizeBytes } of this.segments) {
      if (firstOffset !== expected) break
      expected = firstOffset + sizeBytes
      const stop = this.#walkFile(firstOffset, sizeBytes, (unit, position) => {
        units++
        visit(unit, position)
      })
      if (stop === undefined) continue
      return { offset: stop, units, usedEnd: this.#usedEnd(stop, firstOffset, sizeBytes) }
    }
    return { offset: expected, units, usedEnd: expected }
  }

  /** End of the units of a file; undefined when it is full. */
  #walkFile(
    firstOffset: number,
    sizeBytes: number,
    visit: (unit: TimerUnit, position: number) => void,
  ): number | undefined {
    const bytes = Buffer.allocUnsafe(CHUNK_BYTES)
    for (let at = 0; at < sizeBytes;) {
      const length = this.#read(bytes, firstOffset, at)
      let inside = 0
      for (; inside + TIMER_UNIT_BYTES <= length; inside += TIMER_UNIT_BYTES) {
        const unit = decodeTimerUnit(bytes.subarray(0, length), inside)
        if (unit === 'blank') return undefined
        if (unit === undefined) return firstOffset + at + inside
        visit(unit, firstOffset + at + inside)
      }
      const rest = decodeTimerUnit(bytes.subarray(0, length), inside)
      if (rest === 'blank') return undefined
      if (inside === 0) return firstOffset + at
      at += inside
    }
    return undefined
  }

  #usedEnd(from: number, firstOffset: number, sizeBytes: number): number {
    const bytes = Buffer.allocUnsafe(CHUNK_BYTES)
    let used = from
    for (let at = from - firstOffset; at < sizeBytes;) {
      const length = this.#read(bytes, firstOffset, at)
      if (length === 0) break
      for (let i = length - 1; i >= 0; i--) {
        if (bytes[i] === 0) continue
        used = firstOffset + at + i + 1
        break
      }
      at += length
    }
    return used
  }

  /** The unit at a position; undefined when there is none. Throws the host's error. */
  unitAt(position: number): TimerUnit | undefined {
    const found = this.segments.find(
      ({ firstOffset, sizeBytes }) => position >= firstOffset && position < firstOffset + sizeBytes,
    )
    if (found === undefined) return undefined
    const bytes = Buffer.alloc(TIMER_UNIT_BYTES)
    const length = this.#read(bytes, found.firstOffset, position - found.firstOffset)
    const unit = decodeTimerUnit(bytes.subarray(0, length), 0)
    return unit === 'blank' ? undefined : unit
  }

  #read(target: Buffer, firstOffset: number, at: number): number {
    if (this.#open?.firstOffset !== firstOffset) {
      this.#open?.file.close()
      const path = `${this.#root}/timerlog/${segmentName(firstOffset)}`
      this.#open = { firstOffset, file: this.#disk.open(path, 'read') }
    }
    return this.#open.file.readNow(target, at)
  }

  /** The occupied slots from a time on, by time. Throws the host's error. */
  slots(fromMs: number): TimerSlotAt[] {
    const found: TimerSlotAt[] = []
    if (this.wheelBytes !== TIMER_WHEEL_BYTES) return found
    const file = this.#disk.open(`${this.#root}/timerwheel`, 'read')
    const bytes = Buffer.allocUnsafe(WHEEL_CHUNK_BYTES)
    const fromTime = Math.floor(fromMs / this.#precisionMs)
    try {
      for (let at = 0; at < TIMER_WHEEL_BYTES; at += WHEEL_CHUNK_BYTES) {
        const length = file.readNow(bytes, at)
        for (let i = 0; i < length; i += timerSlotLayout.sizeBytes) {
          const time = readLong(bytes, i)
          if (time <= 0 || time < fromTime) continue
          found.push({
            slotMs: time * this.#precisionMs,
            first: readLong(bytes, i + timerSlotLayout.first),
            last: readLong(bytes, i + timerSlotLayout.last),
            count: readInt(bytes, i + timerSlotLayout.count),
          })
        }
      }
    } finally {
      file.close()
    }
    return found.sort((a, b) => a.slotMs - b.slotMs)
  }

  close(): void {
    this.#open?.file.close()
    this.#open = undefined
  }
}
