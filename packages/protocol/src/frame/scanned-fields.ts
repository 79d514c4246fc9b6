import { isUtf8 } from 'node:buffer'
import type { Frame } from './frame-decoder.ts'
import { FieldPlaces, keepBytes, scanHeader, scanned, ValueKind } from './header-scan.ts'

const { NOT_ASCII, UNESCAPED } = ValueKind
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

  /** True when the frame has the field. */
  has(field: number): boolean {
    return (this.#places.start[field] as number) >= 0
  }

  /** A whole number of at most 15 digits that must be there. */
  integer(field: number): number {
    const start = this.#places.start[field] as number
    if (start < 0 || this.#isUnescaped(field)) {
      this.isOdd = true
      return 0
    }
    return this.#parse(start, this.#places.end[field] as number)
  }

  #isUnescaped(field: number): boolean {
    return ((this.#places.kind[field] as number) & UNESCAPED) !== 0
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
    const start = this.#places.start[field] as number
    if (start < 0) return undefined
    if (this.#isUnescaped(field)) {
      this.isOdd = true
      return undefined
    }
    if ((this.#places.end[field] as number) - start !== 4) return false
    const { buffer } = scanned
    for (let k = 0; k < 4; k++) {
      if (((buffer[start + k] as number) | 0x20) !== TRUE[k]) return false
    }
    return true
  }

  /** Text that must be there. */
  text(field: number): string {
    const value = this.optionalText(field)
    if (value === undefined) this.isOdd = true
    return value ?? ''
  }

  /** Text; undefined when it is not there. The same bytes give the same string object most times. */
  optionalText(field: number): string | undefined {
    const start = this.#places.start[field] as number
    if (start < 0) return undefined
    if (this.#isUnescaped(field)) {
      this.isOdd = true
      return undefined
    }
    const end = this.#places.end[field] as number
    const last = this.#lastBytes[field] as Buffer
    if (last.length === end - start && isSame(scanned.buffer, start, last)) {
      return this.#lastText[field]
    }
    return this.#newText(field, start, end)
  }

  #newText(field: number, start: number, end: number): string {
    const { buffer } = scanned
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
    const start = this.#places.start[field] as number
    if (start < 0) return undefined
    const end = this.#places.end[field] as number
    const at = this.#isUnescaped(field) ? start : keepBytes(start, end)
    const bytes = scanned.plain.subarray(at, at + end - start)
    const isAscii = ((this.#places.kind[field] as number) & NOT_ASCII) === 0
    if (!isAscii && !isUtf8(bytes)) this.isOdd = true
    return bytes
  }

  #parse(start: number, end: number): number {
    const { buffer } = scanned
    const isNegative = start < end && buffer[start] === 0x2d
    const first = isNegative ? start + 1 : start
    if (first === end || end - first > 15) {
      this.isOdd = true
      return 0
    }
    // In two halves, each of which is computed in 32 bits.
    const middle = Math.max(first, end - 9)
    const value = this.#digits(first, middle) * 1e9 + this.#digits(middle, end)
    return isNegative && value !== 0 ? -value : value
  }

  #digits(start: number, end: number): number {
    const { buffer } = scanned
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
