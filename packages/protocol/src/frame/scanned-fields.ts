import { isUtf8 } from 'node:buffer'
import type { Frame } from './frame-decoder.ts'
import { FieldPlaces, type HeaderScan } from './header-scan.ts'
import { INTERNED_BYTES_MAX, type InternedTexts } from './interned-texts.ts'
import { ValueKind } from './scan-values.ts'
import { isAt } from './scanned-names.ts'

const NONE = Buffer.alloc(0)

/**
 * Reads the values of a request's fields where a scan found them. A value that is missing or not as it should be sets `isOdd`;
 * the frame then goes the plain way, which says what is wrong.
 */
export class ScannedFields {
  /** True when a value could not be read since `scan`. */
  isOdd = false
  readonly #scan: HeaderScan
  readonly #texts: InternedTexts
  readonly #places: FieldPlaces
  // The last text of each field, because topics and groups recur.
  readonly #lastBytes: Buffer[]
  readonly #lastText: string[]

  /** `wireNames` by field number; the readers below take that number. */
  constructor(scan: HeaderScan, texts: InternedTexts, wireNames: readonly string[]) {
    this.#scan = scan
    this.#texts = texts
    this.#places = new FieldPlaces(wireNames)
    this.#lastBytes = wireNames.map(() => NONE)
    this.#lastText = wireNames.map(() => '')
  }

  /** Scans the header of a frame; false when it is not in the usual form. */
  scan(frame: Frame): boolean {
    this.isOdd = false
    return this.#scan.scan(frame, this.#places)
  }

  /** True when the frame has the field. */
  has(field: number): boolean {
    return (this.#places.start[field] as number) >= 0
  }

  #isUnescaped(field: number): boolean {
    return ((this.#places.kind[field] as number) & ValueKind.UNESCAPED) !== 0
  }

  /** A whole number of at most 15 digits that must be there. */
  integer(field: number): number {
    const start = this.#places.start[field] as number
    if (start < 0 || this.#isUnescaped(field)) {
      this.isOdd = true
      return 0
    }
    return this.#parse(this.#scan.buffer, start, this.#places.end[field] as number)
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
    return isTrue(this.#scan.buffer, start, this.#places.end[field] as number)
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
    const { buffer } = this.#scan
    const end = this.#places.end[field] as number
    const last = this.#lastBytes[field] as Buffer
    if (last.length === end - start && isAt(buffer, start, end, last)) {
      return this.#lastText[field]
    }
    // Longer texts are not cached, because names are short.
    if (end - start > INTERNED_BYTES_MAX) return buffer.toString('utf8', start, end)
    const { bytes, text } = this.#texts.at(buffer, start, end)
    this.#lastBytes[field] = bytes
    this.#lastText[field] = text
    return text
  }

  /** The UTF-8 bytes of text, which stay as they are; undefined when it is not there. */
  optionalBytes(field: number): Buffer | undefined {
    const start = this.#places.start[field] as number
    if (start < 0) return undefined
    const { values, buffer } = this.#scan
    const kind = this.#places.kind[field] as number
    const end = this.#places.end[field] as number
    const at = (kind & ValueKind.UNESCAPED) !== 0 ? start : values.keepBytes(buffer, start, end)
    const bytes = values.plain.subarray(at, at + end - start)
    if ((kind & ValueKind.NOT_ASCII) !== 0 && !isUtf8(bytes)) this.isOdd = true
    return bytes
  }

  #parse(buffer: Buffer, start: number, end: number): number {
    const isNegative = start < end && buffer[start] === 0x2d
    const first = isNegative ? start + 1 : start
    if (first === end || end - first > 15) {
      this.isOdd = true
      return 0
    }
    // In two halves, each computed in 32 bits.
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

/** True for the word `true` in any case. */
function isTrue(buffer: Buffer, start: number, end: number): boolean {
  if (end - start !== TRUE.length) return false
  for (let k = 0; k < TRUE.length; k++) {
    if (((buffer[start + k] as number) | 0x20) !== TRUE[k]) return false
  }
  return true
}

const TRUE = Buffer.from('true')
