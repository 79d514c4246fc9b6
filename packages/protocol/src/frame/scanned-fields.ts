import { isUtf8 } from 'node:buffer'
import { FieldPlaces } from './field-places.ts'
import type { Frame } from './frame-decoder.ts'
import { scanHeader } from './header-scan.ts'
import type { KnownHeader } from './known-header.ts'
import { withoutEscapes, type PlainText } from './plain-text.ts'
import { keepBytes, scanned, ValueKind } from './scan-values.ts'

const { NOT_ASCII, UNESCAPED, JOINED } = ValueKind
const NONE = Buffer.alloc(0)

/**
 * Reads the values of a request's fields where `scanHeader` found them. A value that is missing or not
 * as it should be sets `isOdd`; the frame then goes the plain way, which says what is wrong.
 */
export class ScannedFields {
  /** True when a value could not be read since `scan`. */
  isOdd = false
  readonly #places: FieldPlaces
  // The last text of each field: topics and groups come again and again.
  readonly #lastBytes: Buffer[]
  readonly #lastText: string[]

  /** `wireNames` by field number; the readers below take that number. */
  constructor(wireNames: readonly string[]) {
    this.#places = new FieldPlaces(wireNames)
    this.#lastBytes = wireNames.map(() => NONE)
    this.#lastText = wireNames.map(() => '')
  }

  /** Scans the header of a frame; false when it is not in the usual form. */
  scan(frame: Frame): boolean {
    this.isOdd = false
    return scanHeader(frame, this.#places)
  }

  /**
   * What `make` makes of a header that came before, which the last one is like except for fields with a bit in
   * `mask`; undefined when there is none.
   */
  base<H extends object>(mask: number, make: () => H | undefined): H | undefined {
    const { known, changedMask } = this.#places
    if (known === undefined || (changedMask & ~mask) !== 0) return undefined
    if (known.made === undefined) {
      this.#places.changedMask = 0
      known.made = make() ?? null
      this.#places.changedMask = changedMask
      this.isOdd = false
    }
    return (known.made as H | null) ?? undefined
  }

  /** True when the frame has the field. */
  has(field: number): boolean {
    const places = this.#places
    const start = places.isAsKnown(field) ? places.known?.start : places.start
    return (start?.[field] as number) >= 0
  }

  /** A whole number of at most 15 digits that must be there. */
  integer(field: number): number {
    const places = this.#places
    if (places.isAsKnown(field)) return this.#knownInteger(places.known as KnownHeader, field)
    const start = places.start[field] as number
    if (start < 0 || this.#isUnescaped(field)) {
      this.isOdd = true
      return 0
    }
    return this.#parse(scanned.buffer, start, places.end[field] as number)
  }

  #knownInteger(known: KnownHeader, field: number): number {
    const made = known.numbers[field] as number
    if (made === made) return made
    const start = known.start[field] as number
    const wasOdd = this.isOdd
    this.isOdd = start < 0
    const value = start < 0 ? 0 : this.#parse(known.buffer, start, known.end[field] as number)
    if (!this.isOdd) known.numbers[field] = value
    this.isOdd ||= wasOdd
    return value
  }

  #isUnescaped(field: number): boolean {
    return ((this.#places.kind[field] as number) & (UNESCAPED | JOINED)) !== 0
  }

  /** A 32-bit number that must be there. */
  int32(field: number): number {
    const value = this.integer(field)
    if ((value | 0) !== value) this.isOdd = true
    return value
  }

  /** A 32-bit number; undefined when it is not there. */
  optionalInt32(field: number): number | undefined {
    return this.has(field) ? this.int32(field) : undefined
  }

  /** True for the word `true` in any case; undefined when it is not there. */
  optionalBoolean(field: number): boolean | undefined {
    const places = this.#places
    if (places.isAsKnown(field)) return this.#knownBoolean(places.known as KnownHeader, field)
    const start = places.start[field] as number
    if (start >= 0 && this.#isUnescaped(field)) {
      this.isOdd = true
      return undefined
    }
    return isTrue(scanned.buffer, start, places.end[field] as number)
  }

  #knownBoolean(known: KnownHeader, field: number): boolean | undefined {
    const made = known.numbers[field] as number
    const start = known.start[field] as number
    if (made === made) return made === 1
    if (start < 0) return undefined
    const end = known.end[field] as number
    if (known.buffer.subarray(start, end).includes(BACKSLASH)) {
      this.isOdd = true
      return undefined
    }
    const value = isTrue(known.buffer, start, end)
    known.numbers[field] = value === true ? 1 : 0
    return value
  }

  /** Text that must be there. */
  text(field: number): string {
    const value = this.optionalText(field)
    if (value === undefined) this.isOdd = true
    return value ?? ''
  }

  /** Text; undefined when it is not there. The same bytes give the same string object most times. */
  optionalText(field: number): string | undefined {
    const places = this.#places
    if (places.isAsKnown(field)) return this.#knownText(places.known as KnownHeader, field)
    const start = places.start[field] as number
    if (start < 0) return undefined
    if (this.#isUnescaped(field)) {
      this.isOdd = true
      return undefined
    }
    const end = places.end[field] as number
    const last = this.#lastBytes[field] as Buffer
    if (last.length === end - start && isSame(scanned.buffer, start, last)) {
      return this.#lastText[field]
    }
    return this.#newText(scanned.buffer, field, start, end)
  }

  #knownText(known: KnownHeader, field: number): string | undefined {
    const made = known.texts[field]
    const start = known.start[field] as number
    if (made !== undefined || start < 0) return made
    const end = known.end[field] as number
    if (known.buffer.subarray(start, end).includes(BACKSLASH)) {
      this.isOdd = true
      return undefined
    }
    const text = this.#newText(known.buffer, field, start, end)
    known.texts[field] = text
    return text
  }

  #newText(buffer: Buffer, field: number, start: number, end: number): string {
    // Longer text is not worth keeping: names are short.
    if (end - start > INTERNED_BYTES_MAX) return buffer.toString('utf8', start, end)
    const slot = internedAt(buffer, start, end)
    const text = strings[slot] as string
    this.#lastBytes[field] = stringBytes[slot] as Buffer
    this.#lastText[field] = text
    return text
  }

  /** The UTF-8 bytes of text, which stay as they are; undefined when it is not there. */
  optionalBytes(field: number): Buffer | undefined {
    const places = this.#places
    if (places.isAsKnown(field)) return this.#knownBytes(places.known as KnownHeader, field)
    const start = places.start[field] as number
    if (start < 0) return undefined
    const kind = places.kind[field] as number
    if (kind === JOINED) return this.#joinedBytes(field)
    const end = places.end[field] as number
    const at = (kind & UNESCAPED) !== 0 ? start : keepBytes(start, end)
    const bytes = scanned.plain.subarray(at, at + end - start)
    const isAscii = (kind & NOT_ASCII) === 0
    if (!isAscii && !isUtf8(bytes)) this.isOdd = true
    return bytes
  }

  #joinedBytes(field: number): Buffer {
    const places = this.#places
    const known = places.known?.plain[field] as PlainText
    // The runs that differ are ASCII.
    if (!known.isUtf8) this.isOdd = true
    return places.runs.join(known)
  }

  #knownBytes(known: KnownHeader, field: number): Buffer | undefined {
    const made = known.bytes[field]
    const start = known.start[field] as number
    if (made !== undefined || start < 0) return made
    const bytes = withoutEscapes(known.buffer, start, known.end[field] as number)
    if (isUtf8(bytes)) known.bytes[field] = bytes
    else this.isOdd = true
    return bytes
  }

  #parse(buffer: Buffer, start: number, end: number): number {
    const isNegative = start < end && buffer[start] === 0x2d
    const first = isNegative ? start + 1 : start
    if (first === end || end - first > 15) {
      this.isOdd = true
      return 0
    }
    // In two halves, each of which is computed in 32 bits.
    const middle = Math.max(first, end - 9)
    const value = this.#digits(buffer, first, middle) * 1e9 + this.#digits(buffer, middle, end)
    return isNegative && value !== 0 ? -value : value
  }

  #digits(buffer: Buffer, start: number, end: number): number {
    let value = 0
    for (let at = start; at < end; at++) {
      const digit = (buffer[at] as number) - 0x30
      if (digit < 0 || digit > 9) {
        this.isOdd = true
        return 0
      }
      value = value * 10 + digit
    }
    return value
  }
}

const BACKSLASH = 0x5c

/** True for the word `true` in any case; undefined for a place below zero. */
function isTrue(buffer: Buffer, start: number, end: number): boolean | undefined {
  if (start < 0) return undefined
  if (end - start !== TRUE.length) return false
  for (let k = 0; k < TRUE.length; k++) {
    if (((buffer[start + k] as number) | 0x20) !== TRUE[k]) return false
  }
  return true
}

const TRUE = Buffer.from('true')
const STRINGS = 4096
const strings = new Array<string>(STRINGS).fill('')
const stringBytes = new Array<Buffer>(STRINGS).fill(Buffer.alloc(0))
const INTERNED_BYTES_MAX = 255

/**
 * The place of the string of some bytes in the tables above, which have the strings made last by the hash
 * of their bytes: topics and groups come again with each frame.
 */
function internedAt(buffer: Buffer, start: number, end: number): number {
  const length = end - start
  let hash = length
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + (buffer[at] as number)) | 0
  const slot = Math.imul(hash, 0x9e3779b1) >>> 20
  const known = stringBytes[slot] as Buffer
  if (known.length !== length || !isSame(buffer, start, known)) {
    strings[slot] = buffer.toString('utf8', start, end)
    stringBytes[slot] = Buffer.from(buffer.subarray(start, end))
  }
  return slot
}

function isSame(buffer: Buffer, start: number, known: Buffer): boolean {
  for (let i = 0; i < known.length; i++) if (buffer[start + i] !== known[i]) return false
  return true
}
