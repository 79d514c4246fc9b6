import { directoryOf } from '@skylarkmq/env'
import type { Disk, DiskFile } from '@skylarkmq/env'
import { offsetsOf, readInt, readLong, writeInt, writeLong } from '@skylarkmq/protocol'

/**
 * One slot of the wheel: the messages that wait for one second (or what `timerPrecisionMs` says). Big-endian.
 * Apache: `Slot.java`.
 *
 * | at | field | bytes | what it is                                                |
 * | -- | ----- | ----- | --------------------------------------------------------- |
 * |  0 | time  | 8     | ms since 1970 divided by the precision                    |
 * |  8 | first | 8     | position of the slot's first unit in the timer log        |
 * | 16 | last  | 8     | … of its last                                             |
 * | 24 | count | 4     | units; those that recall others count −1                  |
 * | 28 | magic | 4     | 0                                                         |
 */
export const timerSlotLayout = offsetsOf([
  { name: 'time', bytes: 8, doc: 'Ms divided by the precision.' },
  { name: 'first', bytes: 8, doc: 'Position of the first unit in the timer log.' },
  { name: 'last', bytes: 8, doc: 'Position of the last unit.' },
  { name: 'count', bytes: 4, doc: 'Units; those that call back count −1.' },
  { name: 'magic', bytes: 4, doc: '0.' },
])

/** Slots of the wheel: two weeks of seconds, whatever the precision. */
export const TIMER_SLOTS = 7 * 24 * 3600 * 2
/** Length of the wheel's file. */
export const TIMER_WHEEL_BYTES = TIMER_SLOTS * timerSlotLayout.sizeBytes

const PAGE_SLOTS = 128
const PAGE_BYTES = PAGE_SLOTS * timerSlotLayout.sizeBytes
const PAGES_MAX = 2048

/** The units of one slot. */
export interface TimerSlot {
  readonly first: number
  readonly last: number
  readonly count: number
}

/** Copies of changed pages, to be written. */
export type WheelPages = readonly (readonly [page: number, bytes: Buffer])[]

/**
 * Which messages wait for which time. Only pages in use are in memory, at most 8 MiB besides unwritten ones; the file
 * is created with the first message. Apache: `TimerWheel.java`.
 */
export class TimerWheel {
  readonly #disk: Disk
  readonly #path: string
  readonly #precisionMs: number
  // Ordered by load time, oldest first.
  readonly #pages = new Map<number, Buffer>()
  readonly #changed = new Set<number>()
  #file: DiskFile | undefined
  // A killed process may have created the file without syncing its name.
  #isNameOnDisk = false

  /** A file of another size is not a wheel and is replaced by an empty one. Throws the host's error. */
  constructor(disk: Disk, path: string, precisionMs: number) {
    this.#disk = disk
    this.#path = path
    this.#precisionMs = precisionMs
    const stat = disk.stat(path)
    if (stat === undefined) return
    if (stat.sizeBytes === TIMER_WHEEL_BYTES) this.#file = disk.open(path, 'write')
    else disk.remove(path)
  }

  /** Whether there is a file. */
  get isThere(): boolean {
    return this.#file !== undefined
  }

  /** Whether no message ever waited. */
  get isUnused(): boolean {
    return this.#file === undefined && this.#pages.size === 0
  }

  /** The slot of a time; undefined when it is empty. Throws the host's error. */
  slot(timeMs: number): TimerSlot | undefined {
    const time = Math.floor(timeMs / this.#precisionMs)
    const { page, at } = this.#place(time)
    const bytes = this.#load(page)
    if (bytes === undefined || readLong(bytes, at) !== time) return undefined
    return {
      first: readLong(bytes, at + timerSlotLayout.first),
      last: readLong(bytes, at + timerSlotLayout.last),
      count: readInt(bytes, at + timerSlotLayout.count),
    }
  }

  /** Sets the slot of a time. Throws the host's error. */
  put(timeMs: number, slot: TimerSlot): void {
    const time = Math.floor(timeMs / this.#precisionMs)
    const { page, at } = this.#place(time)
    let bytes = this.#load(page)
    if (bytes === undefined) this.#pages.set(page, (bytes = Buffer.alloc(PAGE_BYTES)))
    writeLong(bytes, at + timerSlotLayout.time, time)
    writeLong(bytes, at + timerSlotLayout.first, slot.first)
    writeLong(bytes, at + timerSlotLayout.last, slot.last)
    writeInt(bytes, at + timerSlotLayout.count, slot.count)
    this.#changed.add(page)
  }

  /** The first time in `[fromMs, untilMs)` with an occupied slot. Throws the host's error. */
  nextOccupied(fromMs: number, untilMs: number): number | undefined {
    const end = Math.ceil(untilMs / this.#precisionMs)
    for (let time = Math.floor(fromMs / this.#precisionMs); time < end;) {
      const { page, at } = this.#place(time)
      const bytes = this.#load(page)
      const left = PAGE_SLOTS - at / timerSlotLayout.sizeBytes
      if (bytes !== undefined) {
        const stop = Math.min(left, end - time)
        for (let i = 0; i < stop; i++) {
          const isOccupied = readLong(bytes, at + i * timerSlotLayout.sizeBytes) === time + i
          if (isOccupied) return (time + i) * this.#precisionMs
        }
      }
      time += left
    }
    return undefined
  }

  /** Empties slots from a time on that point behind the end of the timer log. Throws the host's error. */
  dropBehind(logEnd: number, fromMs: number): void {
    const untilMs = fromMs + TIMER_SLOTS * this.#precisionMs
    for (let at = this.nextOccupied(fromMs, untilMs); at !== undefined;) {
      if ((this.slot(at)?.last ?? 0) >= logEnd) this.#clear(at)
      at = this.nextOccupied(at + this.#precisionMs, untilMs)
    }
  }

  #clear(timeMs: number): void {
    const { page, at } = this.#place(Math.floor(timeMs / this.#precisionMs))
    this.#load(page)?.fill(0, at, at + timerSlotLayout.sizeBytes)
    this.#changed.add(page)
  }

  /** How many messages wait for times in `[fromMs, untilMs)`. Throws the host's error. */
  count(fromMs: number, untilMs: number): number {
    let count = 0
    for (let at = this.nextOccupied(fromMs, untilMs); at !== undefined;) {
      count += this.slot(at)?.count ?? 0
      at = this.nextOccupied(at + this.#precisionMs, untilMs)
    }
    return count
  }

  /** Calls `visit` for each occupied slot, from a time on. Throws the host's error. */
  forEach(fromMs: number, visit: (slot: TimerSlot, timeMs: number) => void): void {
    const untilMs = fromMs + TIMER_SLOTS * this.#precisionMs
    for (let at = this.nextOccupied(fromMs, untilMs); at !== undefined;) {
      const slot = this.slot(at)
      if (slot !== undefined) visit(slot, at)
      at = this.nextOccupied(at + this.#precisionMs, untilMs)
    }
  }

  #place(time: number): { page: number; at: number } {
    const index = time % TIMER_SLOTS
    const page = Math.floor(index / PAGE_SLOTS)
    return { page, at: (index % PAGE_SLOTS) * timerSlotLayout.sizeBytes }
  }

  #load(page: number): Buffer | undefined {
    const found = this.#pages.get(page)
    if (found !== undefined || this.#file === undefined) return found
    const bytes = Buffer.alloc(PAGE_BYTES)
    this.#file.readNow(bytes, page * PAGE_BYTES)
    if (this.#pages.size >= PAGES_MAX) this.#evict()
    this.#pages.set(page, bytes)
    return bytes
  }

  #evict(): void {
    for (const page of this.#pages.keys()) {
      if (this.#changed.has(page)) continue
      this.#pages.delete(page)
      if (this.#pages.size < PAGES_MAX) return
    }
  }

  /** Copies of the pages changed since the last call. */
  takeChanged(): WheelPages {
    const taken = [...this.#changed]
      .sort((a, b) => a - b)
      .map((page) => [page, Buffer.from(this.#pages.get(page) as Buffer)] as const)
    return taken
  }

  /** Writes and syncs pages from `takeChanged`. Rejects with the host's error; then they count as changed again. */
  async write(pages: WheelPages): Promise<void> {
    if (pages.length === 0) return
    if (this.#file === undefined) {
      this.#file = this.#create()
      this.#isNameOnDisk = false
    }
    if (!this.#isNameOnDisk) await this.#disk.syncDirectory(directoryOf(this.#path))
    this.#isNameOnDisk = true
    const file = this.#file
    for (let i = 0; i < pages.length;) {
      const [first] = pages[i] as WheelPages[number]
      const run: Buffer[] = []
      while (pages[i]?.[0] === first + run.length) run.push((pages[i++] as WheelPages[number])[1])
      await file.writeAt(run, first * PAGE_BYTES)
    }
    await file.sync()
    for (const [page, bytes] of pages) {
      if (this.#pages.get(page)?.equals(bytes) === true) this.#changed.delete(page)
    }
  }

  #create(): DiskFile {
    const file = this.#disk.open(this.#path, 'create')
    file.resize(TIMER_WHEEL_BYTES)
    return file
  }

  close(): void {
    this.#file?.close()
    this.#file = undefined
  }
}
