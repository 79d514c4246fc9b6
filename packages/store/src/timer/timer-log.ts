import type { Disk, Env } from '@skylarkmq/env'
import { rewriteAsRead } from '../segment/rewrite-segments.ts'
import { makeDurableDirectory } from '../segment/durable-directory.ts'
import { segmentSizeKept } from '../events.ts'
import { SegmentFile, segmentName } from '../segment/segment-file.ts'
import { SegmentQueue, listSegments, removeEmptyLast } from '../segment/segment-queue.ts'
import type { FoundSegment } from '../segment/segment-queue.ts'
import {
  TIMER_BLANK_BYTES,
  TIMER_UNIT_BYTES,
  decodeTimerUnit,
  encodeTimerBlank,
  encodeTimerUnit,
} from './timer-log-unit.ts'
import type { TimerUnit } from './timer-log-unit.ts'
import { UnprovenUnits } from './unproven-units.ts'

const STAGED_BYTES = 1024 * TIMER_UNIT_BYTES
const WINDOW_BYTES = 64 * 1024
const UNPROVEN_BYTES_MAX = 32 * 1024 * 1024

/**
 * The timer messages, in the order in which they were put into the wheel; those of a slot are chained from last to
 * first. Units are staged and written in bulk. The first file is created with the first unit.
 * Apache: `TimerLog.java`.
 */
export class TimerLog {
  readonly #disk: Disk
  readonly #directory: string
  readonly #segments: SegmentQueue
  readonly #staged = Buffer.allocUnsafe(STAGED_BYTES)
  #stagedBytes = 0
  /** Position of the first staged unit. */
  #written = 0
  readonly #unproven = new UnprovenUnits()
  #hasSyncFailed = false
  readonly #window = Buffer.allocUnsafe(WINDOW_BYTES)
  #windowStart = 0
  #windowLength = 0

  /** Throws the host's error. Removes files that do not fit together. */
  constructor(env: Env, directory: string, configuredBytes: number) {
    this.#disk = env.disk
    this.#directory = directory
    this.#segments = loadFiles(env, directory, configuredBytes)
    this.#written = this.#segments.firstOffset
  }

  /** Position of the next unit, including staged ones. */
  get end(): number {
    return this.#written + this.#stagedBytes
  }

  /** Position of the first existing unit. */
  get first(): number {
    return this.#segments.firstOffset
  }

  /** Whether there is no file. */
  get isEmpty(): boolean {
    return this.#segments.files.length === 0
  }

  /**
   * Reads units from `position` on, or from the beginning of its file, up to the first invalid one or the first for
   * which `visit` returns false, and makes that the end; after an unclean stop nothing is left behind it. Throws the
   * host's error.
   */
  recover(
    position: number,
    wasClean: boolean,
    visit: (unit: TimerUnit, position: number) => boolean,
  ): void {
    const files = this.#segments.files
    const first = files.find((file) => position < file.endOffset)
    if (first === undefined) {
      this.#written = this.#segments.endOffset
      return
    }
    const isAligned = (position - first.firstOffset) % TIMER_UNIT_BYTES === 0
    let at = position > first.firstOffset && isAligned ? position : first.firstOffset
    for (const file of files.slice(files.indexOf(first))) {
      const stop = this.#recoverFile(file, Math.max(at, file.firstOffset), visit)
      if (stop !== 'blank') {
        this.#written = stop
        if (!wasClean) this.#segments.truncate(stop)
        return
      }
      at = file.endOffset
    }
    this.#written = this.#segments.endOffset
  }

  #recoverFile(
    file: SegmentFile,
    from: number,
    visit: (unit: TimerUnit, position: number) => boolean,
  ): number | 'blank' {
    const bytes = Buffer.allocUnsafe(Math.min(STAGED_BYTES, file.sizeBytes))
    for (let at = from; at + TIMER_BLANK_BYTES <= file.endOffset;) {
      const length = file.file.readNow(bytes, at - file.firstOffset)
      let inside = 0
      while (inside + TIMER_UNIT_BYTES <= length || at + length >= file.endOffset) {
        const unit = decodeTimerUnit(bytes.subarray(0, length), inside)
        if (unit === 'blank') return 'blank'
        if (unit === undefined || !visit(unit, at + inside)) return at + inside
        inside += TIMER_UNIT_BYTES
      }
      if (inside === 0) return at
      at += inside
    }
    return 'blank'
  }

  /** Visits every written unit, or those from the one at `from` on. Throws the host's error. */
  forEach(visit: (unit: TimerUnit, position: number) => void, from = 0): void {
    this.write()
    for (const file of this.#segments.files) {
      if (file.endOffset <= from) continue
      const start = Math.max(from, file.firstOffset)
      const stop = this.#recoverFile(file, start, (unit, position) => {
        if (position < this.#written) visit(unit, position)
        return position < this.#written
      })
      if (stop !== 'blank') return
    }
  }

  /**
   * Stages a unit; returns its position. Throws the host's error when a file cannot be created; then it is not
   * staged.
   */
  append(unit: TimerUnit): number {
    const file = this.#segments.at(this.end)
    if (file === undefined) {
      if (this.isEmpty) makeDurableDirectory(this.#disk, this.#directory)
      this.write()
      this.#segments.append()
    } else if (file.endOffset - this.end < TIMER_UNIT_BYTES + TIMER_BLANK_BYTES) {
      this.write()
      this.#endFile(file)
    } else if (this.#stagedBytes + TIMER_UNIT_BYTES > STAGED_BYTES) {
      this.write()
    }
    const position = this.end
    encodeTimerUnit(this.#staged, this.#stagedBytes, unit)
    this.#stagedBytes += TIMER_UNIT_BYTES
    return position
  }

  #endFile(file: SegmentFile): void {
    const blank = Buffer.alloc(TIMER_BLANK_BYTES)
    encodeTimerBlank(blank, 0, file.endOffset - this.#written)
    file.file.writeNow(blank, this.#written - file.firstOffset)
    if (this.#segments.endOffset === file.endOffset) this.#segments.append()
    this.#unproven.add(this.#written, blank)
    this.#written = file.endOffset
  }

  /** Writes staged units. Throws the host's error; then they stay staged. */
  write(): void {
    if (this.#stagedBytes === 0) return
    const file = this.#segments.at(this.#written) as SegmentFile
    const bytes = this.#staged.subarray(0, this.#stagedBytes)
    file.file.writeNow(bytes, this.#written - file.firstOffset)
    this.#unproven.add(this.#written, Buffer.from(bytes))
    this.#written += this.#stagedBytes
    this.#stagedBytes = 0
  }

  /** The unit at a position; undefined when there is none. Throws the host's error. */
  unitAt(position: number): TimerUnit | undefined {
    if (position < this.first || position + TIMER_UNIT_BYTES > this.end) return undefined
    const unit =
      position >= this.#written
        ? decodeTimerUnit(this.#staged, position - this.#written)
        : this.#unitInFile(position)
    return unit === 'blank' ? undefined : unit
  }

  #unitInFile(position: number): TimerUnit | 'blank' | undefined {
    const young = this.#unproven.at(position)
    if (young !== undefined) return decodeTimerUnit(young.bytes, young.at)
    const end = position + TIMER_UNIT_BYTES
    const isInside = position >= this.#windowStart && end <= this.#windowStart + this.#windowLength
    if (!isInside) {
      const file = this.#segments.at(position)
      if (file === undefined) return undefined
      // Chains lead back, so the window ends with the requested unit.
      const start = Math.max(file.firstOffset, end - WINDOW_BYTES)
      const target = this.#window.subarray(0, end - start)
      this.#windowLength = file.file.readNow(target, start - file.firstOffset)
      this.#windowStart = start
    }
    return decodeTimerUnit(
      this.#window.subarray(0, this.#windowLength),
      position - this.#windowStart,
    )
  }

  /** Deletes files whose messages all lie before a physical offset. Throws the host's error. */
  deleteBefore(physicalOffset: number): void {
    while (this.#segments.files.length > 1) {
      const [file] = this.#segments.files as [SegmentFile]
      const last = this.#lastOf(file)
      if (last !== undefined && last.physicalOffset >= physicalOffset) return
      this.#segments.removeFirst()
    }
  }

  #lastOf(file: SegmentFile): TimerUnit | undefined {
    const units = Math.floor((file.sizeBytes - TIMER_BLANK_BYTES) / TIMER_UNIT_BYTES)
    return this.unitAt(file.firstOffset + (units - 1) * TIMER_UNIT_BYTES)
  }

  /** Whether so much is unsynced that nothing more should be added. */
  get isFull(): boolean {
    return this.#unproven.sizeBytes >= UNPROVEN_BYTES_MAX
  }

  /**
   * Writes and syncs everything. After a failed sync the host counts pages that it could not write as written, so the
   * next call writes them again. Rejects with the host's error.
   */
  async sync(): Promise<void> {
    this.write()
    if (this.#hasSyncFailed) this.#writeAgain()
    const { from } = this.#unproven
    const end = this.#written
    if (from === undefined) return
    const files = this.#segments.files.filter((file) => file.endOffset > from)
    try {
      for (const file of files) await file.use((open) => open.sync())
    } catch (error) {
      this.#hasSyncFailed = true
      throw error
    }
    this.#hasSyncFailed = false
    this.#unproven.dropBefore(end)
  }

  #writeAgain(): void {
    const { from } = this.#unproven
    // Reopened files report failures from now on.
    for (const file of this.#segments.files) if (file.endOffset > (from ?? Infinity)) file.close()
    for (const { position, bytes } of this.#unproven.pieces) {
      const file = this.#segments.at(position)
      file?.file.writeNow(bytes, position - file.firstOffset)
    }
  }

  /**
   * Rewrites and syncs what was found from a position on: the process that was killed may have seen a sync fail.
   * Blocks. Throws the host's error.
   */
  proveFrom(position: number): void {
    const from = Math.max(position, this.first)
    if (from >= this.#written) return
    rewriteAsRead(this.#segments, from, this.#written)
    for (const file of this.#segments.files) if (file.endOffset > from) file.file.syncNow()
  }

  close(): void {
    this.#segments.close()
  }
}

function loadFiles(env: Env, directory: string, configuredBytes: number): SegmentQueue {
  const { disk } = env
  removeEmptyLast(disk, directory)
  const found = listSegments(disk, directory)
  const sizeBytes = sizeOf(disk, directory, found, configuredBytes)
  if (sizeBytes !== configuredBytes) {
    env.events.emit(segmentSizeKept, { directory, sizeBytes, configuredBytes })
  }
  const first = found[0]?.firstOffset ?? 0
  const files: SegmentFile[] = []
  for (const [i, each] of found.entries()) {
    const file = new SegmentFile(disk, directory, each.firstOffset, sizeBytes)
    // A crash while the log is cut leaves a last file that ends with its units.
    const isShort = i === found.length - 1 && each.sizeBytes < sizeBytes
    const fits = each.firstOffset === first + i * sizeBytes
    // The timer queue has all that these files contain.
    if (!fits || files.length < i || (!isShort && each.sizeBytes !== sizeBytes)) {
      disk.remove(file.path)
      continue
    }
    if (isShort) file.lengthen()
    files.push(file)
  }
  return new SegmentQueue(disk, directory, sizeBytes, files)
}

/** The size of full files, when there may be only one, which may be truncated. */
function sizeOf(
  disk: Disk,
  directory: string,
  [first, second]: readonly FoundSegment[],
  configuredBytes: number,
): number {
  if (first === undefined) return configuredBytes
  if (second !== undefined || first.sizeBytes >= configuredBytes) return first.sizeBytes
  const file = disk.open(`${directory}/${segmentName(first.firstOffset)}`, 'read')
  try {
    const bytes = Buffer.alloc(TIMER_UNIT_BYTES)
    const read = file.readNow(bytes, Math.max(0, first.sizeBytes - TIMER_UNIT_BYTES))
    // No unit reaches the very end of a full file.
    const isCut = read === TIMER_UNIT_BYTES && typeof decodeTimerUnit(bytes, 0) === 'object'
    return isCut ? configuredBytes : first.sizeBytes
  } finally {
    file.close()
  }
}
