import { languageName } from '../codes/language-code.ts'
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
  nameHash: new Int32Array(FIELDS_MAX),
  nameStart: new Int32Array(FIELDS_MAX),
  nameEnd: new Int32Array(FIELDS_MAX),
  valueStart: new Int32Array(FIELDS_MAX),
  valueEnd: new Int32Array(FIELDS_MAX),
  /** 1 when the value has JSON escapes. */
  escaped: new Uint8Array(FIELDS_MAX),
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
let sawEscape = 0
let number = 0

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

/** Reads text up to its quote; escapes are noted, not looked at. */
function scanText(buffer: Buffer, start: number, end: number): boolean {
  sawEscape = 0
  for (let at = start; at < end; at++) {
    const byte = buffer[at] as number
    if (byte === QUOTE) {
      stop = at
      return true
    }
    if (byte === BACKSLASH) {
      sawEscape = 1
      at++
    } else if (byte < 0x20) {
      return false
    }
  }
  return false
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

const JAVA = Buffer.from('"JAVA"')
const GO = Buffer.from('"GO"')

function scanLanguage(buffer: Buffer, at: number, end: number): boolean {
  if (startsWith(buffer, at, end, JAVA)) {
    scanned.language = 0
    stop = at + JAVA.length
    return true
  }
  if (startsWith(buffer, at, end, GO)) {
    scanned.language = 9
    stop = at + GO.length
    return true
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
    scanned.nameHash[n] = hash
    scanned.nameStart[n] = at + 1
    scanned.nameEnd[n] = stop
    at = stop + 1
    if (buffer[at] !== COLON || buffer[at + 1] !== QUOTE) return false
    if (!scanText(buffer, at + 2, end)) return false
    scanned.valueStart[n] = at + 2
    scanned.valueEnd[n] = stop
    scanned.escaped[n] = sawEscape
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
    const nameEnd = at + 2 + buffer.readUInt16BE(at)
    if (nameEnd + 4 > end) return false
    let h = 0
    for (let i = at + 2; i < nameEnd; i++) h = (Math.imul(h, 31) + (buffer[i] as number)) | 0
    const valueEnd = nameEnd + 4 + buffer.readInt32BE(nameEnd)
    if (valueEnd < nameEnd + 4 || valueEnd > end) return false
    scanned.nameHash[n] = h
    scanned.nameStart[n] = at + 2
    scanned.nameEnd[n] = nameEnd
    scanned.valueStart[n] = nameEnd + 4
    scanned.valueEnd[n] = valueEnd
    scanned.escaped[n] = 0
    scanned.count = n + 1
    at = valueEnd
  }
  return true
}
