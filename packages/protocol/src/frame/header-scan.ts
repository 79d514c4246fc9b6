import { languageName } from '../codes/language-code.ts'
import { type Frame } from './frame-decoder.ts'
import { Serialization } from './remoting-command.ts'
import { ValueKind, ValueScanner } from './scan-values.ts'
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

/** The names of the header, and their numbers; a name that is not among them ends the scan. */
const HEADER_NAMES = [
  'code',
  'extFields',
  'flag',
  'language',
  'opaque',
  'serializeTypeCurrentRPC',
  'version',
  'remark',
]
const CODE = 0
const EXT_FIELDS = 1
const FLAG = 2
const LANGUAGE = 3
const OPAQUE = 4
const SERIALIZATION = 5
const REMARK = 7

/** Where the values of a request's fields lie, by the number of their name. */
export class FieldPlaces {
  readonly names: ScannedNames
  /** Of fields that the last scan read; −1 for one that is not there. */
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

  /** Forgets the fields that were found. */
  begin(): void {
    this.start.fill(-1)
  }

  /** A field that was found. */
  set(field: number, start: number, end: number, kind: number): void {
    this.start[field] = start
    this.end[field] = end
    this.kind[field] = kind
  }
}

/**
 * Scans headers. What the last scan found stays until the next one. A server has one for all its connections: it is as large as
 * the longest header, and one slab of values that somebody may still hold.
 */
export class HeaderScan {
  /** The bytes that places are in, but those of unescaped values, which are in `values.plain`. */
  buffer: Buffer = Buffer.alloc(0)
  code = 0
  flag = 0
  opaque = 0
  version = 0
  language: number | undefined = 0
  readonly values = new ValueScanner()
  readonly #names = new ScannedNames(HEADER_NAMES, ':')

  /** Scans the header of a frame into this and `fields`; false when it is not in the usual form. */
  scan(frame: Frame, fields: FieldPlaces): boolean {
    const { buffer, headerStart, headerEnd } = frame
    this.buffer = buffer
    this.values.makeRoom(headerEnd - headerStart)
    fields.begin()
    return frame.serialization === Serialization.JSON
      ? this.#scanJson(buffer, headerStart, headerEnd, fields)
      : this.#scanBinary(buffer, headerStart, headerEnd, fields)
  }

  #scanJson(buffer: Buffer, start: number, end: number, fields: FieldPlaces): boolean {
    if (buffer[start] !== OPEN) return false
    this.code = 0
    this.flag = 0
    this.opaque = 0
    this.version = 0
    this.language = 0
    let at = start + 1
    for (let name = HEADER_NAMES.length; ;) {
      name = this.#names.read(buffer, at, end, name)
      if (name < 0) return false
      at = this.#scanHeaderValue(buffer, this.#names.stop, end, name, fields)
      if (at < 0) return false
      if (buffer[at] === CLOSE) return at + 1 === end
      if (buffer[at] !== COMMA) return false
      at++
    }
  }

  /** Returns where the value ends; −1 when it is not in the usual form. */
  #scanHeaderValue(
    buffer: Buffer,
    at: number,
    end: number,
    name: number,
    fields: FieldPlaces,
  ): number {
    switch (name) {
      case REMARK:
      case SERIALIZATION:
        return buffer[at] === QUOTE && this.values.scanText(buffer, at + 1, end)
          ? this.values.stop + 1
          : -1
      case EXT_FIELDS:
        return this.#scanFields(buffer, at, end, fields)
      case LANGUAGE:
        if (!this.values.scanLanguage(buffer, at, end)) return -1
        this.language = this.values.number
        return this.values.stop
      default:
        return this.#scanNumber(buffer, at, end, name)
    }
  }

  #scanNumber(buffer: Buffer, at: number, end: number, name: number): number {
    const { values } = this
    if (name >= HEADER_NAMES.length || !values.scanInt(buffer, at, end)) return -1
    if (name === CODE) this.code = values.number
    else if (name === FLAG) this.flag = values.number
    else if (name === OPAQUE) this.opaque = values.number
    else this.version = values.number
    return values.stop
  }

  #scanFields(buffer: Buffer, start: number, end: number, fields: FieldPlaces): number {
    if (buffer[start] !== OPEN) return -1
    fields.begin()
    let at = start + 1
    if (buffer[at] === CLOSE) return at + 1
    const { names } = fields
    const { values } = this
    for (let name = names.count; ;) {
      name = names.read(buffer, at, end, name)
      if (name < 0) return -1
      const from = names.stop
      if (!values.scanText(buffer, from, end)) return -1
      fields.set(name, values.textStart, values.textEnd, values.textKind)
      at = values.stop + 1
      if (buffer[at] === CLOSE) return at + 1
      if (buffer[at] !== COMMA) return -1
      at++
    }
  }

  /** The binary header, see `header-rocketmq.ts` for its table. */
  #scanBinary(buffer: Buffer, start: number, end: number, fields: FieldPlaces): boolean {
    if (end - start < 21) return false
    this.code = buffer.readInt16BE(start)
    const language = buffer[start + 2] as number
    this.language = languageName(language) === undefined ? undefined : language
    this.version = buffer.readInt16BE(start + 3)
    this.opaque = buffer.readInt32BE(start + 5)
    this.flag = buffer.readInt32BE(start + 9)
    const remarkLength = buffer.readInt32BE(start + 13)
    const fieldsAt = start + 17 + remarkLength
    if (remarkLength < 0 || fieldsAt + 4 > end) return false
    const fieldsLength = buffer.readInt32BE(fieldsAt)
    const fieldsEnd = fieldsAt + 4 + fieldsLength
    if (fieldsLength < 0 || fieldsEnd > end) return false
    return this.#scanBinaryFields(buffer, fieldsAt + 4, fieldsEnd, fields)
  }

  #scanBinaryFields(buffer: Buffer, start: number, end: number, fields: FieldPlaces): boolean {
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
}
