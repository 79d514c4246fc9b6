import { languageName } from '../codes/language-code.ts'
import type { FieldPlaces } from './field-places.ts'
import { type Frame } from './frame-decoder.ts'
import { ValueTarget } from './known-header.ts'
import { Serialization } from './remoting-command.ts'
import {
  makeRoom,
  number,
  scanInt,
  scanLanguage,
  scanned,
  scanText,
  stop,
  textEnd,
  textKind,
  textStart,
  ValueKind,
} from './scan-values.ts'
import { ScannedNames } from './scanned-names.ts'

/*
 * Reads the header of a frame byte by byte, for the requests that come by the hundred thousand: no
 * string is made, no object, nothing is copied. Only the form that RocketMQ's clients write is read;
 * at the first thing that is not in it the scan gives up, and the frame goes the plain way, through
 * `decodeCommand`, which also finds the words for what is wrong.
 */

const QUOTE = 0x22
const COMMA = 0x2c
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
  makeRoom(headerEnd - headerStart)
  if (frame.serialization !== Serialization.JSON) {
    fields.begin()
    return scanBinary(buffer, headerStart, headerEnd, fields)
  }
  if (fields.findKnown(buffer, headerStart, headerEnd)) return true
  fields.begin()
  if (!scanJson(buffer, headerStart, headerEnd, fields)) return false
  fields.keep(buffer, headerStart, headerEnd)
  return true
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
const REMARK = 7

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
    if (name < 0) return false
    at = scanHeaderValue(buffer, headerNames.stop, end, name, fields)
    if (at < 0) return false
    if (buffer[at] === CLOSE) return at + 1 === end
    if (buffer[at] !== COMMA) return false
    at++
  }
}

/** Returns where the value ends; −1 when it is not in the usual form. */
function scanHeaderValue(
  buffer: Buffer,
  at: number,
  end: number,
  name: number,
  fields: FieldPlaces,
): number {
  switch (name) {
    case REMARK:
    case SERIALIZATION:
      return buffer[at] === QUOTE && scanText(buffer, at + 1, end) ? stop + 1 : -1
    case EXT_FIELDS:
      return scanFields(buffer, at, end, fields)
    case LANGUAGE:
      if (!scanLanguage(buffer, at, end)) return -1
      fields.trace.note(at, stop, ValueTarget.LANGUAGE)
      return stop
    default:
      return scanNumber(buffer, at, end, name, fields)
  }
}

function scanNumber(
  buffer: Buffer,
  at: number,
  end: number,
  name: number,
  fields: FieldPlaces,
): number {
  if (name >= headerNames.count || !scanInt(buffer, at, end)) return -1
  let target: number = ValueTarget.CODE
  if (name === CODE) scanned.code = number
  else if (name === FLAG) {
    scanned.flag = number
    target = ValueTarget.FLAG
  } else if (name === OPAQUE) {
    scanned.opaque = number
    target = ValueTarget.OPAQUE
  } else {
    scanned.version = number
    target = ValueTarget.VERSION
  }
  fields.trace.note(at, stop, target)
  return stop
}

function scanFields(buffer: Buffer, start: number, end: number, fields: FieldPlaces): number {
  if (buffer[start] !== OPEN) return -1
  fields.beginFields()
  let at = start + 1
  if (buffer[at] === CLOSE) return at + 1
  const { names } = fields
  for (let name = names.count; ;) {
    name = names.read(buffer, at, end, name)
    if (name < 0) return -1
    const from = names.stop
    if (!scanText(buffer, from, end)) return -1
    fields.set(name, textStart, textEnd, textKind)
    fields.trace.note(from, stop, name)
    at = stop + 1
    if (buffer[at] === CLOSE) return at + 1
    if (buffer[at] !== COMMA) return -1
    at++
  }
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
    fields.set(name, endOfName + 4, endOfValue, ValueKind.NOT_ASCII)
    at = endOfValue
  }
  return true
}
