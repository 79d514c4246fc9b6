import { isUtf8 } from 'node:buffer'
import { keepBytes, nameHashOf, scanned } from './header-scan.ts'

/**
 * Finds the fields that a request has among those that `scanHeader` found, and reads their values.
 * A value that is missing or not as it should be sets `isOdd`; the frame then goes the plain way,
 * which says what is wrong.
 */
export class ScannedFields {
  /** True when a value could not be read since `find`. */
  isOdd = false
  readonly #names: readonly Buffer[]
  /** Field number + 1 by slot; two names never share one. */
  readonly #slots: Uint8Array
  readonly #factor: number
  /** Number of the scanned field by field number, -1 where there is none. */
  readonly #found: Int8Array

  /** `wireNames` by field number; the readers below take that number. */
  constructor(wireNames: readonly string[]) {
    this.#names = wireNames.map((name) => Buffer.from(name, 'utf8'))
    this.#found = new Int8Array(wireNames.length)
    this.#slots = new Uint8Array(SLOTS)
    this.#factor = slotsWithoutCollision(wireNames.map(nameHashOf), this.#slots)
  }

  /** Looks at what was scanned. The last of several fields of one name holds. */
  find(): void {
    this.isOdd = false
    const found = this.#found
    found.fill(-1)
    for (let i = 0; i < scanned.count; i++) {
      const slot = Math.imul(scanned.nameHash[i] as number, this.#factor) >>> SLOT_SHIFT
      const number = (this.#slots[slot] as number) - 1
      if (number >= 0 && this.#isNamed(i, this.#names[number] as Buffer)) found[number] = i
    }
  }

  #isNamed(i: number, name: Buffer): boolean {
    const start = scanned.nameStart[i] as number
    if ((scanned.nameEnd[i] as number) - start !== name.length) return false
    const buffer = scanned.buffer
    for (let k = 0; k < name.length; k++) if (buffer[start + k] !== name[k]) return false
    return true
  }

  /** True when the frame has the field. */
  has(field: number): boolean {
    return (this.#found[field] as number) >= 0
  }

  /** A whole number of at most 15 digits that must be there. */
  integer(field: number): number {
    const i = this.#found[field] as number
    if (i < 0) {
      this.isOdd = true
      return 0
    }
    if (scanned.escaped[i] === 1) {
      this.isOdd = true
      return 0
    }
    return this.#parse(scanned.valueStart[i] as number, scanned.valueEnd[i] as number)
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
    const i = this.#found[field] as number
    if (i < 0) return undefined
    if (scanned.escaped[i] === 1) {
      this.isOdd = true
      return undefined
    }
    const start = scanned.valueStart[i] as number
    if ((scanned.valueEnd[i] as number) - start !== 4) return false
    const buffer = scanned.buffer
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
    const i = this.#found[field] as number
    if (i < 0) return undefined
    if (scanned.escaped[i] === 1) {
      this.isOdd = true
      return undefined
    }
    const start = scanned.valueStart[i] as number
    const end = scanned.valueEnd[i] as number
    return interned(scanned.buffer, start, end)
  }

  /** The UTF-8 bytes of text, which stay as they are; undefined when it is not there. */
  optionalBytes(field: number): Buffer | undefined {
    const i = this.#found[field] as number
    if (i < 0) return undefined
    const start = scanned.valueStart[i] as number
    const end = scanned.valueEnd[i] as number
    const at = scanned.escaped[i] === 1 ? start : keepBytes(start, end)
    const bytes = scanned.plain.subarray(at, at + end - start)
    if (!isUtf8(bytes)) this.isOdd = true
    return bytes
  }

  #parse(start: number, end: number): number {
    const buffer = scanned.buffer
    let at = start
    const negative = at < end && buffer[at] === 0x2d
    if (negative) at++
    if (at === end || end - at > 15) this.isOdd = true
    let value = 0
    for (; at < end; at++) {
      const digit = (buffer[at] as number) - 0x30
      if (digit < 0 || digit > 9) {
        this.isOdd = true
        return 0
      }
      value = value * 10 + digit
    }
    return negative && value !== 0 ? -value : value
  }
}

const TRUE = Buffer.from('true')
const SLOT_BITS = 8
const SLOTS = 1 << SLOT_BITS
const SLOT_SHIFT = 32 - SLOT_BITS

/** Fills `slots` and returns the factor by which no two hashes fall into one of them. */
function slotsWithoutCollision(hashes: readonly number[], slots: Uint8Array): number {
  for (let factor = 0x9e3779b1 | 0; ; factor = (factor + 2) | 0) {
    slots.fill(0)
    const free = hashes.every((hash, number) => {
      const slot = Math.imul(hash, factor) >>> SLOT_SHIFT
      if (slots[slot] !== 0) return false
      slots[slot] = number + 1
      return true
    })
    if (free) return factor
  }
}

const STRINGS = 4096
const strings = new Array<string>(STRINGS).fill('')
const stringBytes = new Array<Buffer>(STRINGS).fill(Buffer.alloc(0))
// Longer text is not worth keeping: names are short.
const INTERNED_BYTES_MAX = 255

/**
 * The string of some bytes. Topics and groups come again with each frame: a table of the strings made
 * last, by the hash of their bytes, spares making them anew.
 */
function interned(buffer: Buffer, start: number, end: number): string {
  const length = end - start
  if (length > INTERNED_BYTES_MAX) return buffer.toString('utf8', start, end)
  let hash = length
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + (buffer[at] as number)) | 0
  const slot = Math.imul(hash, 0x9e3779b1) >>> 20
  const known = stringBytes[slot] as Buffer
  if (known.length === length && isSame(buffer, start, known)) return strings[slot] as string
  const text = buffer.toString('utf8', start, end)
  strings[slot] = text
  stringBytes[slot] = Buffer.from(buffer.subarray(start, end))
  return text
}

function isSame(buffer: Buffer, start: number, known: Buffer): boolean {
  for (let i = 0; i < known.length; i++) if (buffer[start + i] !== known[i]) return false
  return true
}
