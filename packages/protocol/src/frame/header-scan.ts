import { LanguageCode, languageName } from '../codes/language-code.ts'
import { type Frame } from './frame-decoder.ts'
import { Serialization } from './remoting-command.ts'
import { isAt, ScannedNames } from './scanned-names.ts'

/*
 * Reads the header of a frame byte by byte, for the requests that come by the hundred thousand: no
 * string is made, no object, nothing is copied. Only the form that RocketMQ's clients write is read;
 * at the first thing that is not in it the scan gives up, and the frame goes the plain way, through
 * `decodeCommand`, which also finds the words for what is wrong.
 */

/** Where the values of a request's fields lie, by the number of their name. */
export class FieldPlaces {
  readonly names: ScannedNames
  /** −1 for a field that is not there. */
  readonly start: Int32Array
  readonly end: Int32Array
  /** Bits of `ValueKind`. */
  readonly kind: Uint8Array

  constructor(names: readonly string[]) {
    this.names = new ScannedNames(names, ':"')
    // One more for the values of names that are not known.
    this.start = new Int32Array(names.length + 1)
    this.end = new Int32Array(names.length + 1)
    this.kind = new Uint8Array(names.length + 1)
  }
}

/** What a scan saw of a value. */
export const ValueKind = {
  /** Some byte is not ASCII. */
  NOT_ASCII: 1,
  /** It had JSON escapes: its place is in `scanned.plain`, where it lies without them. */
  UNESCAPED: 2,
} as const

/**
 * What the last scan found. There is one, used again for each frame: whoever scans takes what it
 * needs before anything else can scan.
 */
export const scanned = {
  /** The bytes that places are in, but those of unescaped values. */
  buffer: Buffer.alloc(0) as Buffer,
  code: 0,
  flag: 0,
  opaque: 0,
  version: 0,
  language: 0 as number | undefined,
  plain: Buffer.alloc(0) as Buffer,
}

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPEN = 0x7b
const CLOSE = 0x7d

const CODE_FIRST = Buffer.from('{"code":')

/**
 * The code of a frame without decoding its header, where it stands where clients put it; -1 where it
 * does not.
 */
export function peekCode(frame: Frame): number {
  const { buffer, headerStart, headerEnd } = frame
  if (frame.serialization === Serialization.ROCKETMQ) {
    return headerEnd - headerStart >= 2 ? buffer.readInt16BE(headerStart) : -1
  }
  let at = headerStart + CODE_FIRST.length
  if (at + 2 > headerEnd) return -1
  for (let i = 0; i < CODE_FIRST.length; i++) {
    if (buffer[headerStart + i] !== CODE_FIRST[i]) return -1
  }
  let code = 0
  const start = at
  for (; at < headerEnd && at - start < 9; at++) {
    const digit = (buffer[at] as number) - 0x30
    if (digit < 0 || digit > 9) break
    code = code * 10 + digit
  }
  return at > start && (buffer[at] === COMMA || buffer[at] === CLOSE) ? code : -1
}

/** Scans the header of a frame into `scanned` and `fields`; false when it is not in the usual form. */
export function scanHeader(frame: Frame, fields: FieldPlaces): boolean {
  const { buffer, headerStart, headerEnd } = frame
  scanned.buffer = buffer
  fields.start.fill(-1)
  makeRoom(headerEnd - headerStart)
  return frame.serialization === Serialization.JSON
    ? scanJson(buffer, headerStart, headerEnd, fields)
    : scanBinary(buffer, headerStart, headerEnd, fields)
}

/** The names of the header, and their numbers; a name that is not among them ends the scan. */
const headerNames = new ScannedNames(
  [
    'code',
    'extFields',
    'flag',
    'language',
    'opaque',
    'serializeTypeCurrentRPC',
    'version',
    'remark',
  ],
  ':',
)
const CODE = 0
const EXT_FIELDS = 1
const FLAG = 2
const LANGUAGE = 3
const OPAQUE = 4
const SERIALIZATION = 5
const VERSION = 6
const REMARK = 7

/** Set by the functions below: where they stopped, and what they saw. */
let stop = 0
let number = 0
let textStart = 0
let textEnd = 0
let textKind = 0

function scanJson(buffer: Buffer, start: number, end: number, fields: FieldPlaces): boolean {
  if (buffer[start] !== OPEN) return false
  scanned.code = 0
  scanned.flag = 0
  scanned.opaque = 0
  scanned.version = 0
  scanned.language = 0
  let at = start + 1
  for (let name = headerNames.count; ;) {
    name = headerNames.read(buffer, at, end, name)
    if (name < 0 || !scanHeaderValue(buffer, headerNames.stop, end, name, fields)) return false
    at = stop
    if (buffer[at] === CLOSE) return at + 1 === end
    if (buffer[at] !== COMMA) return false
    at++
  }
}

function scanHeaderValue(
  buffer: Buffer,
  at: number,
  end: number,
  name: number,
  fields: FieldPlaces,
): boolean {
  switch (name) {
    case CODE:
      return scanInt(buffer, at, end) && ((scanned.code = number), true)
    case FLAG:
      return scanInt(buffer, at, end) && ((scanned.flag = number), true)
    case OPAQUE:
      return scanInt(buffer, at, end) && ((scanned.opaque = number), true)
    case VERSION:
      return scanInt(buffer, at, end) && ((scanned.version = number), true)
    case LANGUAGE:
      return scanLanguage(buffer, at, end)
    case REMARK:
    case SERIALIZATION:
      if (buffer[at] !== QUOTE || !scanText(buffer, at + 1, end)) return false
      stop++
      return true
    case EXT_FIELDS:
      return scanFields(buffer, at, end, fields)
    default:
      return false
  }
}

/** Reads text up to its quote. Bare control characters pass, as with fastjson. */
function scanText(buffer: Buffer, start: number, end: number): boolean {
  let bits = 0
  for (let at = start; at < end; at++) {
    const byte = buffer[at] as number
    if (byte === QUOTE) {
      textStart = start
      textEnd = at
      textKind = bits >>> 7
      stop = at
      return true
    }
    if (byte === BACKSLASH) return scanEscapedText(buffer, start, at, end)
    bits |= byte
  }
  return false
}

/** Goes on with text whose first escape is at `from`, taking the escapes out as it goes. */
function scanEscapedText(buffer: Buffer, start: number, from: number, end: number): boolean {
  const plain = scanned.plain
  let to = plainAt
  let bits = 0
  for (let at = start; at < from; at++) bits |= plain[to++] = buffer[at] as number
  for (let at = from; at < end;) {
    const byte = buffer[at++] as number
    if (byte === QUOTE) {
      textStart = plainAt
      textEnd = to
      textKind = ValueKind.UNESCAPED | (bits >>> 7)
      stop = at - 1
      plainAt = to
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

const SLAB_BYTES = 64 * 1024
let plainAt = SLAB_BYTES

/**
 * Makes `scanned.plain` large enough for whatever a header of so many bytes unescapes to. What was
 * taken from it stays as it is: the next values come behind, or into another slab.
 */
function makeRoom(headerBytes: number): void {
  if (plainAt + headerBytes <= scanned.plain.length) return
  scanned.plain = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, headerBytes))
  plainAt = 0
}

/** Copies bytes of the frame to `scanned.plain` and returns where they lie there. */
export function keepBytes(start: number, end: number): number {
  makeRoom(end - start)
  const at = plainAt
  scanned.buffer.copy(scanned.plain, at, start, end)
  plainAt += end - start
  return at
}

function scanInt(buffer: Buffer, start: number, end: number): boolean {
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
  stop = at
  number = negative && value !== 0 ? -value : value
  return true
}

/** The names of languages in quotes, by ordinal; most clients have the first. */
const LANGUAGES = Object.keys(LanguageCode).map((name) => Buffer.from(`"${name}"`))

function scanLanguage(buffer: Buffer, at: number, end: number): boolean {
  for (let ordinal = 0; ordinal < LANGUAGES.length; ordinal++) {
    const name = LANGUAGES[ordinal] as Buffer
    if (isAt(buffer, at, end, name)) {
      scanned.language = ordinal
      stop = at + name.length
      return true
    }
  }
  return false
}

function scanFields(buffer: Buffer, start: number, end: number, fields: FieldPlaces): boolean {
  if (buffer[start] !== OPEN) return false
  // A second extFields replaces the first.
  fields.start.fill(-1)
  let at = start + 1
  if (buffer[at] === CLOSE) {
    stop = at + 1
    return true
  }
  const { names } = fields
  for (let name = names.count; ;) {
    name = names.read(buffer, at, end, name)
    if (name < 0 || !scanText(buffer, names.stop, end)) return false
    fields.start[name] = textStart
    fields.end[name] = textEnd
    fields.kind[name] = textKind
    at = stop + 1
    if (buffer[at] === CLOSE) break
    if (buffer[at] !== COMMA) return false
    at++
  }
  stop = at + 1
  return true
}

/** The binary header, see `header-rocketmq.ts` for its table. */
function scanBinary(buffer: Buffer, start: number, end: number, fields: FieldPlaces): boolean {
  if (end - start < 21) return false
  scanned.code = buffer.readInt16BE(start)
  const language = buffer[start + 2] as number
  scanned.language = languageName(language) === undefined ? undefined : language
  scanned.version = buffer.readInt16BE(start + 3)
  scanned.opaque = buffer.readInt32BE(start + 5)
  scanned.flag = buffer.readInt32BE(start + 9)
  const remarkLength = buffer.readInt32BE(start + 13)
  const fieldsAt = start + 17 + remarkLength
  if (remarkLength < 0 || fieldsAt + 4 > end) return false
  const fieldsLength = buffer.readInt32BE(fieldsAt)
  const fieldsEnd = fieldsAt + 4 + fieldsLength
  if (fieldsLength < 0 || fieldsEnd > end) return false
  return scanBinaryFields(buffer, fieldsAt + 4, fieldsEnd, fields)
}

function scanBinaryFields(
  buffer: Buffer,
  start: number,
  end: number,
  fields: FieldPlaces,
): boolean {
  const { names } = fields
  let name = names.count
  for (let at = start; at < end;) {
    if (at + 2 > end) return false
    const endOfName = at + 2 + buffer.readUInt16BE(at)
    if (endOfName + 4 > end) return false
    name = names.numberOf(buffer, at + 2, endOfName, name)
    const endOfValue = endOfName + 4 + buffer.readInt32BE(endOfName)
    if (endOfValue < endOfName + 4 || endOfValue > end) return false
    fields.start[name] = endOfName + 4
    fields.end[name] = endOfValue
    fields.kind[name] = ValueKind.NOT_ASCII
    at = endOfValue
  }
  return true
}
