import { LanguageCode } from '../codes/language-code.ts'
import { isAt } from './scanned-names.ts'

/** What a scan saw of a value. */
export const ValueKind = {
  /** Some byte is not ASCII. */
  NOT_ASCII: 1,
  /** It had JSON escapes: `plain` holds it unescaped. */
  UNESCAPED: 2,
} as const

const QUOTE = 0x22
const BACKSLASH = 0x5c
const SLAB_BYTES = 64 * 1024

/**
 * Reads single values of a header in JSON. What was read last stays until the next call: the caller takes what it needs
 * before that.
 */
export class ValueScanner {
  /** Where the last scan of a value stopped: behind a number, at the quote of text. */
  stop = 0
  /** The number, or the ordinal of the language, that was read last. */
  number = 0
  /** Where the text that was read last lies, in the frame or in `plain`. */
  textStart = 0
  /** Behind its last byte. */
  textEnd = 0
  /** Bits of `ValueKind`. */
  textKind = 0
  /** Values without their escapes, and values that were kept. What lies in it does not change. */
  plain: Buffer = Buffer.alloc(0)
  #plainAt = SLAB_BYTES

  /** Reads text up to its quote. Bare control characters pass, as with fastjson. */
  scanText(buffer: Buffer, start: number, end: number): boolean {
    let bits = 0
    for (let at = start; at < end; at++) {
      const byte = buffer[at] as number
      if (byte === QUOTE) {
        this.textStart = start
        this.textEnd = at
        this.textKind = bits >>> 7
        this.stop = at
        return true
      }
      if (byte === BACKSLASH) return this.#scanEscapedText(buffer, start, at, end)
      bits |= byte
    }
    return false
  }

  /** Continues with text whose first escape is at `from`, unescaping it. */
  #scanEscapedText(buffer: Buffer, start: number, from: number, end: number): boolean {
    const plain = this.plain
    let to = this.#plainAt
    let bits = 0
    for (let at = start; at < from; at++) bits |= plain[to++] = buffer[at] as number
    for (let at = from; at < end;) {
      const byte = buffer[at++] as number
      if (byte === QUOTE) {
        this.textStart = this.#plainAt
        this.textEnd = to
        this.textKind = ValueKind.UNESCAPED | (bits >>> 7)
        this.stop = at - 1
        this.#plainAt = to
        return true
      }
      if (byte !== BACKSLASH) {
        bits |= plain[to++] = byte
        continue
      }
      const letter = buffer[at++] as number
      if (letter === 0x75) {
        const unit = hexUnit(buffer, at)
        at += 4
        // Half of a pair, or no hexadecimal digits: rare enough for the plain way.
        if (unit < 0 || at > end || (unit >= 0xd800 && unit <= 0xdfff)) return false
        // The separators of properties come this way.
        if (unit < 0x80) plain[to++] = unit
        else {
          bits = 0x80
          to = putUtf8(plain, to, unit)
        }
      } else {
        const character = letter < 128 ? (ESCAPED[letter] as number) : 0
        if (character === 0) return false
        plain[to++] = character
      }
    }
    return false
  }

  /**
   * Makes `plain` large enough for what a header of this many bytes unescapes to. Values taken from it stay
   * unchanged: later ones are stored behind them, or in another slab.
   */
  makeRoom(headerBytes: number): void {
    if (this.#plainAt + headerBytes <= this.plain.length) return
    this.plain = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, headerBytes))
    this.#plainAt = 0
  }

  /** Copies bytes to `plain` and returns where they lie there. */
  keepBytes(from: Buffer, start: number, end: number): number {
    this.makeRoom(end - start)
    const at = this.#plainAt
    this.#plainAt += end - start
    from.copy(this.plain, at, start, end)
    return at
  }

  /** Reads a whole number of 32 bits into `number`; false leaves it to the tolerant reader. */
  scanInt(buffer: Buffer, start: number, end: number): boolean {
    let at = start
    const negative = buffer[at] === 0x2d
    if (negative) at++
    const first = at
    let value = 0
    for (; at < end && at - first < 11; at++) {
      const digit = (buffer[at] as number) - 0x30
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    if (at === first || value > 0x7fffffff) return false
    // JSON knows no leading zeros; the tolerant reader does, and takes them as fastjson does.
    if (buffer[first] === 0x30 && at > first + 1) return false
    this.stop = at
    this.number = negative && value !== 0 ? -value : value
    return true
  }

  /** Reads the name of a language in quotes into `number`; false when none is known. */
  scanLanguage(buffer: Buffer, at: number, end: number): boolean {
    for (let ordinal = 0; ordinal < LANGUAGES.length; ordinal++) {
      const name = LANGUAGES[ordinal] as Buffer
      if (isAt(buffer, at, end, name)) {
        this.number = ordinal
        this.stop = at + name.length
        return true
      }
    }
    return false
  }
}

/** The names of languages in quotes, by ordinal; most clients have the first. */
const LANGUAGES = Object.keys(LanguageCode).map((name) => Buffer.from(`"${name}"`))

/** What stands for what behind a backslash, 0 for nothing; `u` apart. */
const ESCAPED = new Uint8Array(128)
for (const [letter, byte] of [
  ['"', 0x22],
  ['\\', 0x5c],
  ['/', 0x2f],
  ['b', 0x08],
  ['f', 0x0c],
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
] as const) {
  ESCAPED[letter.charCodeAt(0)] = byte
}

/** The value of a hexadecimal digit, 255 for any other byte. */
const HEX = new Uint8Array(256).fill(255)
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16)
  HEX[digit.charCodeAt(0)] = value
  HEX[digit.toUpperCase().charCodeAt(0)] = value
}

function hexUnit(buffer: Buffer, at: number): number {
  if (at + 4 > buffer.length) return -1
  const a = HEX[buffer[at] as number] as number
  const b = HEX[buffer[at + 1] as number] as number
  const c = HEX[buffer[at + 2] as number] as number
  const d = HEX[buffer[at + 3] as number] as number
  return (a | b | c | d) > 15 ? -1 : (a << 12) | (b << 8) | (c << 4) | d
}

function putUtf8(target: Buffer, at: number, unit: number): number {
  if (unit < 0x800) {
    target[at] = 0xc0 | (unit >>> 6)
    target[at + 1] = 0x80 | (unit & 0x3f)
    return at + 2
  }
  target[at] = 0xe0 | (unit >>> 12)
  target[at + 1] = 0x80 | ((unit >>> 6) & 0x3f)
  target[at + 2] = 0x80 | (unit & 0x3f)
  return at + 3
}
