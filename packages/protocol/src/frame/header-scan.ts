import { LanguageCode, languageName } from '../codes/language-code.ts'
import { type Frame } from './frame-decoder.ts'
import { Serialization } from './remoting-command.ts'

/*
 * Reads the header of a frame byte by byte, for the requests that come by the hundred thousand: no
 * string is made, no object, nothing is copied. Only the form that RocketMQ's clients write is read;
 * at the first thing that is not in it the scan gives up, and the frame goes the plain way, through
 * `decodeCommand`, which also finds the words for what is wrong.
 */

/** More fields than this no client sends. */
const FIELDS_MAX = 48

const nameHash = new Int32Array(FIELDS_MAX)
const nameStart = new Int32Array(FIELDS_MAX)
const nameEnd = new Int32Array(FIELDS_MAX)
const valueStart = new Int32Array(FIELDS_MAX)
const valueEnd = new Int32Array(FIELDS_MAX)
const escaped = new Uint8Array(FIELDS_MAX)

/**
 * What the last scan found. There is one, used again for each frame: whoever scans takes what it
 * needs before anything else can scan.
 */
export const scanned = {
  /** The bytes that all places below are in. */
  buffer: Buffer.alloc(0) as Buffer,
  code: 0,
  flag: 0,
  opaque: 0,
  version: 0,
  language: 0 as number | undefined,
  /** Number of extFields; the places of names and values follow by their number. */
  count: 0,
  nameHash,
  nameStart,
  nameEnd,
  valueStart,
  valueEnd,
  /** 1 when the value had JSON escapes: its place is in `plain`, where it lies without them. */
  escaped,
  plain: Buffer.alloc(0) as Buffer,
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
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

/** The hash of a name as `scanned.nameHash` has it. */
export function nameHashOf(name: string): number {
  let hash = 0
  for (const byte of Buffer.from(name, 'utf8')) hash = (Math.imul(hash, 31) + byte) | 0
  return hash
}

/** Scans the header of a frame into `scanned`; false when it is not in the usual form. */
export function scanHeader(frame: Frame): boolean {
  scanned.buffer = frame.buffer
  scanned.count = 0
  makeRoom(frame.headerEnd - frame.headerStart)
  return frame.serialization === Serialization.JSON
    ? scanJson(frame.buffer, frame.headerStart, frame.headerEnd)
    : scanBinary(frame.buffer, frame.headerStart, frame.headerEnd)
}

// The names of the header; no two of them hash alike, and a name that is not among them ends the scan.
const NAME_CODE = nameHashOf('code')
const NAME_FLAG = nameHashOf('flag')
const NAME_OPAQUE = nameHashOf('opaque')
const NAME_VERSION = nameHashOf('version')
const NAME_LANGUAGE = nameHashOf('language')
const NAME_REMARK = nameHashOf('remark')
const NAME_FIELDS = nameHashOf('extFields')
const NAME_SERIALIZATION = nameHashOf('serializeTypeCurrentRPC')

/** Set by the functions below: where they stopped, and what they saw. */
let stop = 0
let hash = 0
let number = 0
/** 1 when the text had escapes; then it lies in `scanned.plain` from `textStart` to `textEnd`. */
let sawEscape = 0
let textStart = 0
let textEnd = 0

function scanJson(buffer: Buffer, start: number, end: number): boolean {
  if (buffer[start] !== OPEN) return false
  scanned.code = 0
  scanned.flag = 0
  scanned.opaque = 0
  scanned.version = 0
  scanned.language = 0
  let at = start + 1
  for (;;) {
    if (buffer[at] !== QUOTE || !scanName(buffer, at + 1, end)) return false
    at = stop + 1
    if (buffer[at] !== COLON) return false
    if (!scanHeaderValue(buffer, at + 1, end, hash)) return false
    at = stop
    if (buffer[at] === CLOSE) return at + 1 === end
    if (buffer[at] !== COMMA) return false
    at++
  }
}

function scanHeaderValue(buffer: Buffer, at: number, end: number, name: number): boolean {
  switch (name) {
    case NAME_CODE:
      return scanInt(buffer, at, end) && ((scanned.code = number), true)
    case NAME_FLAG:
      return scanInt(buffer, at, end) && ((scanned.flag = number), true)
    case NAME_OPAQUE:
      return scanInt(buffer, at, end) && ((scanned.opaque = number), true)
    case NAME_VERSION:
      return scanInt(buffer, at, end) && ((scanned.version = number), true)
    case NAME_LANGUAGE:
      return scanLanguage(buffer, at, end)
    case NAME_REMARK:
    case NAME_SERIALIZATION:
      if (buffer[at] !== QUOTE || !scanText(buffer, at + 1, end)) return false
      stop++
      return true
    case NAME_FIELDS:
      return scanFields(buffer, at, end)
    default:
      return false
  }
}

/** Reads a name without escapes up to its quote. */
function scanName(buffer: Buffer, start: number, end: number): boolean {
  let h = 0
  for (let at = start; at < end; at++) {
    const byte = buffer[at] as number
    if (byte === QUOTE) {
      stop = at
      hash = h
      return true
    }
    if (byte < 0x20 || byte === BACKSLASH || byte >= 0x7f) return false
    h = (Math.imul(h, 31) + byte) | 0
  }
  return false
}

/** Reads text up to its quote. Bare control characters pass, as with fastjson. */
function scanText(buffer: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = buffer[at] as number
    if (byte === QUOTE) {
      sawEscape = 0
      textStart = start
      textEnd = at
      stop = at
      return true
    }
    if (byte === BACKSLASH) return scanEscapedText(buffer, start, at, end)
  }
  return false
}

/** Goes on with text whose first escape is at `from`, taking the escapes out as it goes. */
function scanEscapedText(buffer: Buffer, start: number, from: number, end: number): boolean {
  const plain = scanned.plain
  let to = plainAt
  for (let at = start; at < from; at++) plain[to++] = buffer[at] as number
  for (let at = from; at < end;) {
    const byte = buffer[at++] as number
    if (byte === QUOTE) {
      sawEscape = 1
      textStart = plainAt
      textEnd = to
      stop = at - 1
      plainAt = to
      return true
    }
    if (byte !== BACKSLASH) {
      plain[to++] = byte
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
      else to = putUtf8(plain, to, unit)
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
    if (startsWith(buffer, at, end, name)) {
      scanned.language = ordinal
      stop = at + name.length
      return true
    }
  }
  return false
}

function startsWith(buffer: Buffer, at: number, end: number, wanted: Buffer): boolean {
  if (at + wanted.length > end) return false
  for (let i = 0; i < wanted.length; i++) if (buffer[at + i] !== wanted[i]) return false
  return true
}

function scanFields(buffer: Buffer, start: number, end: number): boolean {
  if (buffer[start] !== OPEN) return false
  let at = start + 1
  if (buffer[at] === CLOSE) {
    stop = at + 1
    return true
  }
  // A second extFields replaces the first.
  scanned.count = 0
  for (;;) {
    const n = scanned.count
    if (n === FIELDS_MAX || buffer[at] !== QUOTE || !scanName(buffer, at + 1, end)) return false
    nameHash[n] = hash
    nameStart[n] = at + 1
    nameEnd[n] = stop
    at = stop + 1
    if (buffer[at] !== COLON || buffer[at + 1] !== QUOTE) return false
    if (!scanText(buffer, at + 2, end)) return false
    valueStart[n] = textStart
    valueEnd[n] = textEnd
    escaped[n] = sawEscape
    scanned.count = n + 1
    at = stop + 1
    if (buffer[at] === CLOSE) break
    if (buffer[at] !== COMMA) return false
    at++
  }
  stop = at + 1
  return true
}

/** The binary header, see `header-rocketmq.ts` for its table. */
function scanBinary(buffer: Buffer, start: number, end: number): boolean {
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
  return scanBinaryFields(buffer, fieldsAt + 4, fieldsEnd)
}

function scanBinaryFields(buffer: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end;) {
    const n = scanned.count
    if (n === FIELDS_MAX || at + 2 > end) return false
    const endOfName = at + 2 + buffer.readUInt16BE(at)
    if (endOfName + 4 > end) return false
    let h = 0
    for (let i = at + 2; i < endOfName; i++) h = (Math.imul(h, 31) + (buffer[i] as number)) | 0
    const endOfValue = endOfName + 4 + buffer.readInt32BE(endOfName)
    if (endOfValue < endOfName + 4 || endOfValue > end) return false
    nameHash[n] = h
    nameStart[n] = at + 2
    nameEnd[n] = endOfName
    valueStart[n] = endOfName + 4
    valueEnd[n] = endOfValue
    escaped[n] = 0
    scanned.count = n + 1
    at = endOfValue
  }
  return true
}
