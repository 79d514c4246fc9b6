import {
  number,
  scanInt,
  scanLanguage,
  scanned,
  scanRun,
  scanText,
  stop,
  textEnd,
  textKind,
  textStart,
} from './scan-values.ts'
import { plainText, type PlainText } from './plain-text.ts'

/** What a value of a header is: a field has its number, what stands beside the fields is below zero. */
export const ValueTarget = { CODE: -1, FLAG: -2, OPAQUE: -3, VERSION: -4, LANGUAGE: -5 } as const

const VALUES_MAX = 60
const PARTS = 3
const NONE = 255

/** Where the values of a header lie that is being scanned, in their order. */
export class ValueTrace {
  /** How many values there are; more than fit when some were left out. */
  count = 0
  /** Start, end and target of each. */
  readonly parts = new Int32Array(VALUES_MAX * PARTS)
  #hasFields = false

  /** Begins with a header. */
  begin(): void {
    this.count = 0
    this.#hasFields = false
  }

  /** Begins with its fields: those of a second `extFields` take the place of the first ones'. */
  beginFields(): void {
    if (this.#hasFields) this.count = VALUES_MAX + 1
    this.#hasFields = true
  }

  /** Adds a value. */
  note(start: number, end: number, target: number): void {
    const at = this.count++ * PARTS
    if (at >= this.parts.length) return
    this.parts[at] = start
    this.parts[at + 1] = end
    this.parts[at + 2] = target
  }

  /** False with too many values, or with one that comes twice. */
  isUsual(unknownField: number): boolean {
    if (this.count > VALUES_MAX) return false
    const targets = new Set<number>()
    for (let value = 0; value < this.count; value++) {
      const target = this.parts[value * PARTS + 2] as number
      if (target === unknownField) continue
      if (targets.has(target)) return false
      targets.add(target)
    }
    return true
  }
}

/** Takes the fields of a header that differ from those of a known one. */
export interface ChangedFields {
  /** A field that is another: it lies where the last scan of text found it. */
  changed(field: number, start: number, end: number, kind: number): void
  /**
   * A field of which one run between escapes is another; other runs of it can follow, and `changed`. False
   * when there is no room for it.
   */
  changedRun(field: number, run: number, start: number, end: number): boolean
}

/**
 * A header in JSON that came before. A client's requests of one kind differ in a few ids, times and
 * properties, so the next one is compared with it, four bytes at a time; only what differs is read.
 */
export class KnownHeader {
  /** The header, as it came. */
  readonly buffer: Buffer
  /** By field; −1 for one that is not there. */
  readonly start: Int32Array
  readonly end: Int32Array
  /** What was made of the fields: NaN or undefined before somebody asked. */
  readonly numbers: Float64Array
  readonly texts: (string | undefined)[]
  readonly bytes: (Buffer | undefined)[]
  /** All that was made of the header: undefined before somebody tried, null when a value was odd. */
  made: object | null | undefined
  /** By field: its text without escapes; undefined for one that has none. */
  readonly plain: (PlainText | undefined)[]
  readonly #view: DataView
  /** For each byte the value that it is part of, as is what follows a value; NONE elsewhere. */
  readonly #valueAt: Uint8Array
  /** The same for the runs between the escapes of text. */
  readonly #runAt: Uint8Array
  readonly #values: Int32Array
  readonly #code = scanned.code
  readonly #flag = scanned.flag
  readonly #opaque = scanned.opaque
  readonly #version = scanned.version
  readonly #language = scanned.language

  /** Keeps the header that was scanned last, which begins at `from` of what was scanned. */
  constructor(header: Buffer, from: number, trace: ValueTrace, fieldCount: number) {
    this.buffer = header
    this.start = new Int32Array(fieldCount + 1).fill(-1)
    this.end = new Int32Array(fieldCount + 1).fill(-1)
    this.numbers = new Float64Array(fieldCount + 1).fill(NaN)
    this.texts = new Array<string | undefined>(fieldCount + 1).fill(undefined)
    this.bytes = new Array<Buffer | undefined>(fieldCount + 1).fill(undefined)
    this.plain = new Array<PlainText | undefined>(fieldCount + 1).fill(undefined)
    this.#view = viewOf(header)
    this.#valueAt = new Uint8Array(header.length).fill(NONE)
    this.#runAt = new Uint8Array(header.length).fill(NONE)
    this.#values = trace.parts.slice(0, trace.count * PARTS)
    for (let value = 0; value < trace.count; value++) this.#addValue(value, from, fieldCount)
  }

  #addValue(value: number, from: number, fieldCount: number): void {
    const at = value * PARTS
    const start = ((this.#values[at] as number) -= from)
    const end = ((this.#values[at + 1] as number) -= from)
    const target = this.#values[at + 2] as number
    this.#valueAt.fill(value, start, end + 1)
    if (target < 0 || target === fieldCount) return
    this.start[target] = start
    this.end[target] = end
    const plain = plainText(this.buffer, start, end)
    if (plain === undefined || plain.runs >= NONE) return
    this.plain[target] = plain
    for (let run = 0; run < plain.runs; run++) {
      const runStart = plain.rawStart[run] as number
      this.#runAt.fill(run, runStart, (plain.rawEnd[run] as number) + 1)
    }
  }

  /**
   * True when a header has this one's form. `scanned` then has its numbers, and `changes` its fields that are
   * not as here.
   */
  matches(
    view: DataView,
    buffer: Buffer,
    start: number,
    end: number,
    changes: ChangedFields,
  ): boolean {
    scanned.code = this.#code
    scanned.flag = this.#flag
    scanned.opaque = this.#opaque
    scanned.version = this.#version
    scanned.language = this.#language
    const knownView = this.#view
    const known = this.buffer
    const { length } = known
    // The value that was read last, and where it begins in either header.
    let value = NONE
    let valueStart = 0
    let isWhole = false
    let stopHere = -1
    let at = start
    let here = 0
    for (;;) {
      const wordsEnd = here + Math.min(end - at, length - here) - 4
      while (here <= wordsEnd && view.getInt32(at, true) === knownView.getInt32(here, true)) {
        at += 4
        here += 4
      }
      while (here < length && at < end && buffer[at] === known[here]) {
        at++
        here++
      }
      if (here === length) return at === end
      const different = this.#valueAt[here] as number
      if (different === NONE) return false
      if (different !== value) {
        value = different
        valueStart = at - here + (this.#values[value * PARTS] as number)
        isWhole = false
      } else if (isWhole) return false
      const run = this.#runAt[here] as number
      // What follows a run that was read differs: the value has other escapes.
      const next =
        here === stopHere ? -1 : this.#readRun(value, run, buffer, at - here, end, changes)
      isWhole = next < 0
      here = isWhole ? this.#readValue(value, buffer, valueStart, end, changes) : next
      if (here < 0) return false
      stopHere = here
      at = stop
    }
  }

  /** Reads one run of a value that has escapes. Returns where it ends here; −1 when the whole is to be read. */
  #readRun(
    value: number,
    run: number,
    buffer: Buffer,
    ahead: number,
    end: number,
    changes: ChangedFields,
  ): number {
    if (run === NONE) return -1
    const field = this.#values[value * PARTS + 2] as number
    const plain = this.plain[field] as PlainText
    const start = ahead + (plain.rawStart[run] as number)
    if (!scanRun(buffer, start, end) || !changes.changedRun(field, run, start, stop)) return -1
    return plain.rawEnd[run] as number
  }

  /** Reads a value. Returns where it ends here; −1 when it is not in the usual form. */
  #readValue(
    value: number,
    buffer: Buffer,
    at: number,
    end: number,
    changes: ChangedFields,
  ): number {
    const target = this.#values[value * PARTS + 2] as number
    const isRead =
      target >= 0
        ? scanText(buffer, at, end)
        : target === ValueTarget.LANGUAGE
          ? scanLanguage(buffer, at, end)
          : scanInt(buffer, at, end)
    if (!isRead) return -1
    if (target >= 0) changes.changed(target, textStart, textEnd, textKind)
    else if (target === ValueTarget.OPAQUE) scanned.opaque = number
    else if (target === ValueTarget.CODE) scanned.code = number
    else if (target === ValueTarget.FLAG) scanned.flag = number
    else if (target === ValueTarget.VERSION) scanned.version = number
    return this.#values[value * PARTS + 1] as number
  }
}

let lastBuffer: Buffer = Buffer.alloc(0)
let lastView = viewOf(lastBuffer)

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
}

/** A view of a buffer; frames that came together share one. */
export function sharedViewOf(buffer: Buffer): DataView {
  if (buffer !== lastBuffer) {
    lastBuffer = buffer
    lastView = viewOf(buffer)
  }
  return lastView
}
