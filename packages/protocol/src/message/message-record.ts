import { ProtocolError } from '../errors.ts'
import { MessageSysFlag } from '../codes/sys-flag.ts'
import { crc32Positive } from './crc32.ts'
import { readInt, readLong, readShort, writeInt, writeShort } from './long.ts'
import { PROPERTY_SEPARATOR } from './properties.ts'

/**
 * The commit log record: one message as it lies on disk, and as it travels in the body of a pull.
 * All numbers are big-endian. Apache: `MessageExtEncoder.java`, `MessageDecoder.java`.
 *
 * | at | field                     | bytes  | what it is                                              |
 * | -- | ------------------------- | ------ | ------------------------------------------------------- |
 * |  0 | totalSize                 | 4      | length of the whole record, these four included         |
 * |  4 | magicCode                 | 4      | daa320a7 topic length in 1 byte; daa320ab in 2          |
 * |  8 | bodyCrc                   | 4      | CRC-32 of the body, top bit cleared                     |
 * | 12 | queueId                   | 4      |                                                         |
 * | 16 | flag                      | 4      | the application's own                                   |
 * | 20 | queueOffset               | 8      | logical offset in the queue, in messages                |
 * | 28 | physicalOffset            | 8      | where this record starts in the log, in bytes           |
 * | 36 | sysFlag                   | 4      | compression, transaction state, address families        |
 * | 40 | bornTimestamp             | 8      | ms, the producer's clock                                |
 * | 48 | bornHost                  | 8 / 20 | IPv4 or IPv6 address, then port as 4 bytes              |
 * |  . | storeTimestamp            | 8      | ms, the broker's clock                                  |
 * |  . | storeHost                 | 8 / 20 | as bornHost                                             |
 * |  . | reconsumeTimes            | 4      | times a consumer sent it back                           |
 * |  . | preparedTransactionOffset | 8      | of the half message that this one commits, else 0       |
 * |  . | body                      | 4 + n  | length, then bytes as sent, perhaps compressed          |
 * |  . | topic                     | 1|2 + n| length, then UTF-8                                      |
 * |  . | properties                | 2 + n  | length, then `name 01 value 02 …`, at most 32767 bytes  |
 *
 * A file ends with a blank record, magic cbd43194, whose totalSize is the rest of the file: a record
 * never spans two files. Reading a record trusts totalSize only after magicCode and bodyCrc agree.
 */
export const RecordMagic = {
  V1: 0xdaa320a7 | 0,
  V2: 0xdaa320ab | 0,
  BLANK: 0xcbd43194 | 0,
} as const

/** Offsets of the fields that come before the first one of variable length. */
export const RecordAt = {
  totalSize: 0,
  magicCode: 4,
  bodyCrc: 8,
  queueId: 12,
  flag: 16,
  queueOffset: 20,
  physicalOffset: 28,
  sysFlag: 36,
  bornTimestamp: 40,
  bornHost: 48,
} as const

/** Length of a blank record's head; so many bytes stay free behind the last record of a file. */
export const BLANK_RECORD_BYTES = 8
/** Length of the smallest record: IPv4 hosts, nothing in topic, body and properties. */
export const RECORD_BYTES_MIN = 91
/** A topic of more bytes than this has its length in two bytes, magic V2. */
export const TOPIC_BYTES_MAX_V1 = 127

/** What `encodeRecord` writes. Host addresses are 4 or 16 bytes; the sysFlag follows from them. */
export interface MessageFields {
  /** UTF-8. */
  readonly topic: Uint8Array
  readonly queueId: number
  readonly flag: number
  readonly queueOffset: number
  readonly physicalOffset: number
  /** The bits for IPv6 hosts are set here by the length of the addresses, whatever it says. */
  readonly sysFlag: number
  /** ms */
  readonly bornTimestamp: number
  readonly bornHost: Uint8Array
  readonly bornPort: number
  /** ms */
  readonly storeTimestamp: number
  readonly storeHost: Uint8Array
  readonly storePort: number
  readonly reconsumeTimes: number
  readonly preparedTransactionOffset: number
  readonly body: Uint8Array
  /** `crc32Positive` of the body, when the caller knows it. */
  readonly bodyCrc?: number
  /** Encoded, see `encodeProperties`. */
  readonly properties: Uint8Array
  /** More of them, which come behind. */
  readonly moreProperties?: Uint8Array | undefined
}

/** A record, decoded. `body` and `properties` are views of the bytes it was read from. */
export interface DecodedMessage {
  readonly sizeBytes: number
  readonly bodyCrc: number
  readonly queueId: number
  readonly flag: number
  readonly queueOffset: number
  readonly physicalOffset: number
  readonly sysFlag: number
  readonly bornTimestamp: number
  readonly bornHost: Buffer
  readonly bornPort: number
  readonly storeTimestamp: number
  readonly storeHost: Buffer
  readonly storePort: number
  readonly reconsumeTimes: number
  readonly preparedTransactionOffset: number
  readonly body: Buffer
  readonly topic: string
  readonly properties: Buffer
}

/** Length in bytes of a record with parts of these lengths. */
export function recordSize(
  topicBytes: number,
  bodyBytes: number,
  propertiesBytes: number,
  bornHostBytes = 4,
  storeHostBytes = 4,
): number {
  const topicLengthBytes = topicBytes > TOPIC_BYTES_MAX_V1 ? 2 : 1
  const hosts = bornHostBytes + storeHostBytes - 8
  return RECORD_BYTES_MIN - 1 + hosts + topicLengthBytes + topicBytes + bodyBytes + propertiesBytes
}

/** Bytes of properties and of those that come behind, with what separates them. */
export function propertiesSize(properties: Uint8Array, more: Uint8Array | undefined): number {
  const { length } = properties
  if (more === undefined) return length
  const isOpen = length > 0 && properties[length - 1] !== PROPERTY_SEPARATOR
  return length + (isOpen ? 1 : 0) + more.length
}

/** `recordSize` of a message. */
export function recordSizeOf(m: MessageFields): number {
  return recordSize(
    m.topic.length,
    m.body.length,
    propertiesSize(m.properties, m.moreProperties),
    m.bornHost.length,
    m.storeHost.length,
  )
}

/**
 * Writes a record at `target[at …]`, which has room for `recordSizeOf(m)` bytes, and returns that
 * size. Lengths are not checked: the broker has refused what is too long. `view` is of all of `target`.
 */
export function encodeRecord(
  target: Buffer,
  at: number,
  m: MessageFields,
  view: DataView = new DataView(target.buffer, target.byteOffset, target.length),
): number {
  const { body, topic } = m
  const long = topic.length > TOPIC_BYTES_MAX_V1
  view.setInt32(at + 4, long ? RecordMagic.V2 : RecordMagic.V1)
  view.setInt32(at + 8, m.bodyCrc ?? crc32Positive(body))
  view.setInt32(at + 12, m.queueId)
  view.setInt32(at + 16, m.flag)
  setLong(view, at + 20, m.queueOffset)
  setLong(view, at + 28, m.physicalOffset)
  view.setInt32(at + 36, sysFlagFor(m))
  setLong(view, at + 40, m.bornTimestamp)
  let to = writeHost(target, view, at + 48, m.bornHost, m.bornPort)
  setLong(view, to, m.storeTimestamp)
  to = writeHost(target, view, to + 8, m.storeHost, m.storePort)
  view.setInt32(to, m.reconsumeTimes)
  setLong(view, to + 4, m.preparedTransactionOffset)
  view.setInt32(to + 12, body.length)
  target.set(body, to + 16)
  to += 16 + body.length
  if (long) target[to++] = topic.length >>> 8
  target[to++] = topic.length
  target.set(topic, to)
  to = writeProperties(target, to + topic.length, m.properties, m.moreProperties)
  view.setInt32(at, to - at)
  return to - at
}

const TWO_32 = 0x1_0000_0000

/** As `writeLong`, by way of a view. */
function setLong(view: DataView, at: number, value: number): void {
  view.setInt32(at, Math.floor(value / TWO_32))
  view.setInt32(at + 4, value >>> 0)
}

function writeProperties(
  target: Buffer,
  at: number,
  properties: Uint8Array,
  more: Uint8Array | undefined,
): number {
  const size = propertiesSize(properties, more)
  writeShort(target, at, size)
  target.set(properties, at + 2)
  const end = at + 2 + size
  if (more === undefined) return end
  const moreStart = end - more.length
  if (moreStart > at + 2 + properties.length) target[moreStart - 1] = PROPERTY_SEPARATOR
  target.set(more, moreStart)
  return end
}

function sysFlagFor(m: MessageFields): number {
  const { BORN_HOST_V6, STORE_HOST_V6 } = MessageSysFlag
  const born = m.bornHost.length === 16 ? BORN_HOST_V6 : 0
  const store = m.storeHost.length === 16 ? STORE_HOST_V6 : 0
  return (m.sysFlag & ~(BORN_HOST_V6 | STORE_HOST_V6)) | born | store
}

function writeHost(
  target: Buffer,
  view: DataView,
  at: number,
  host: Uint8Array,
  port: number,
): number {
  const { length } = host
  for (let i = 0; i < length; i++) target[at + i] = host[i] as number
  view.setInt32(at + length, port)
  return at + length + 4
}

/** Writes the blank record that ends a file: 8 bytes at `target[at …]` that stand for `sizeBytes`. */
export function encodeBlank(target: Buffer, at: number, sizeBytes: number): void {
  writeInt(target, at, sizeBytes)
  writeInt(target, at + 4, RecordMagic.BLANK)
}

/** Where the parts of variable length of a record lie, all relative to the buffer. */
export interface RecordSpans {
  readonly sizeBytes: number
  readonly bodyStart: number
  readonly bodyEnd: number
  readonly topicStart: number
  readonly topicEnd: number
  readonly propertiesStart: number
  readonly propertiesEnd: number
}

/**
 * Finds the parts of the record at `buffer[at …]`, checking that they lie in the `available` bytes and
 * add up to its size. A string says what is wrong.
 */
export function recordSpans(buffer: Buffer, at: number, available: number): RecordSpans | string {
  if (available < RECORD_BYTES_MIN) return `${available} bytes are less than any record`
  const sizeBytes = readInt(buffer, at)
  const magic = readInt(buffer, at + 4)
  if (magic !== RecordMagic.V1 && magic !== RecordMagic.V2) {
    return `magic code ${(magic >>> 0).toString(16).padStart(8, '0')}`
  }
  if (sizeBytes < RECORD_BYTES_MIN) return `record size ${sizeBytes}`
  if (sizeBytes > available) return `record size ${sizeBytes} of ${available} bytes`
  const end = at + sizeBytes
  const bodyStart = bodyStartOf(buffer, at)
  if (bodyStart > end) return `record size ${sizeBytes} is less than its fixed part`
  const bodyLength = readInt(buffer, bodyStart - 4)
  const bodyEnd = bodyStart + bodyLength
  if (bodyLength < 0 || bodyEnd + 3 > end) return `body length ${bodyLength}`
  const long = magic === RecordMagic.V2
  const topicStart = bodyEnd + (long ? 2 : 1)
  const topicEnd = topicStart + (long ? readShort(buffer, bodyEnd) : (buffer[bodyEnd] as number))
  if (topicEnd + 2 > end) return `topic length ${topicEnd - topicStart}`
  const propertiesStart = topicEnd + 2
  const propertiesEnd = propertiesStart + readShort(buffer, topicEnd)
  if (propertiesEnd !== end) return `properties length ${propertiesEnd - propertiesStart}`
  return { sizeBytes, bodyStart, bodyEnd, topicStart, topicEnd, propertiesStart, propertiesEnd }
}

function bodyStartOf(buffer: Buffer, at: number): number {
  const sysFlag = readInt(buffer, at + RecordAt.sysFlag)
  return storeTimestampAt(at, sysFlag) + 8 + storeHostBytes(sysFlag) + 16
}

const bornHostBytes = (sysFlag: number): number =>
  (sysFlag & MessageSysFlag.BORN_HOST_V6) === 0 ? 8 : 20
const storeHostBytes = (sysFlag: number): number =>
  (sysFlag & MessageSysFlag.STORE_HOST_V6) === 0 ? 8 : 20
const storeTimestampAt = (at: number, sysFlag: number): number =>
  at + RecordAt.bornHost + bornHostBytes(sysFlag)

/** The time in ms at which the record at `buffer[at …]` was stored. */
export function recordStoreTimestamp(buffer: Buffer, at = 0): number {
  return readLong(buffer, storeTimestampAt(at, readInt(buffer, at + RecordAt.sysFlag)))
}

/** `recordSpans` of the record at `buffer[at …]`; a ProtocolError says what is wrong when it is none. */
export function soundSpans(buffer: Buffer, at: number): RecordSpans {
  const spans = recordSpans(buffer, at, buffer.length - at)
  if (typeof spans !== 'string') return spans
  throw new ProtocolError({ what: `not a message at ${at}: ${spans}` })
}

/** The offset in its queue of the record at `buffer[at …]`. */
export const recordQueueOffset = (buffer: Buffer, at: number): number =>
  readLong(buffer, at + RecordAt.queueOffset)

/** The sysFlag of the record at `buffer[at …]`. */
export const recordSysFlag = (buffer: Buffer, at: number): number =>
  readInt(buffer, at + RecordAt.sysFlag)

/**
 * Reads the record at `buffer[at …]`. A ProtocolError says what is wrong when it is none; the body's
 * CRC is not looked at, see `checkRecord`.
 */
export function decodeRecord(buffer: Buffer, at = 0): DecodedMessage {
  const spans = soundSpans(buffer, at)
  const sysFlag = recordSysFlag(buffer, at)
  const bornHost = at + RecordAt.bornHost
  const storeTimestamp = storeTimestampAt(at, sysFlag)
  const reconsumeTimes = spans.bodyStart - 16
  return {
    sizeBytes: spans.sizeBytes,
    bodyCrc: readInt(buffer, at + RecordAt.bodyCrc),
    queueId: readInt(buffer, at + RecordAt.queueId),
    flag: readInt(buffer, at + RecordAt.flag),
    queueOffset: readLong(buffer, at + RecordAt.queueOffset),
    physicalOffset: readLong(buffer, at + RecordAt.physicalOffset),
    sysFlag,
    bornTimestamp: readLong(buffer, at + RecordAt.bornTimestamp),
    bornHost: buffer.subarray(bornHost, storeTimestamp - 4),
    bornPort: readInt(buffer, storeTimestamp - 4),
    storeTimestamp: readLong(buffer, storeTimestamp),
    storeHost: buffer.subarray(storeTimestamp + 8, reconsumeTimes - 4),
    storePort: readInt(buffer, reconsumeTimes - 4),
    reconsumeTimes: readInt(buffer, reconsumeTimes),
    preparedTransactionOffset: readLong(buffer, reconsumeTimes + 4),
    body: buffer.subarray(spans.bodyStart, spans.bodyEnd),
    topic: buffer.toString('utf8', spans.topicStart, spans.topicEnd),
    properties: buffer.subarray(spans.propertiesStart, spans.propertiesEnd),
  }
}

/** Reads records that lie one behind the other, as the body of a pull has them. */
export function decodeRecords(buffer: Buffer): DecodedMessage[] {
  const messages: DecodedMessage[] = []
  for (let at = 0; at < buffer.length;) {
    const message = decodeRecord(buffer, at)
    messages.push(message)
    at += message.sizeBytes
  }
  return messages
}

/** What is at an offset of the commit log. */
export type RecordCheck =
  | { readonly kind: 'good'; readonly sizeBytes: number }
  | { readonly kind: 'blank'; readonly sizeBytes: number }
  | {
      readonly kind: 'bad'
      readonly reason: string
      /** Set when a record may continue behind the available bytes: its claimed size. */
      readonly neededBytes?: number
    }

/** What `checkRecord` checks besides the record's format. */
export interface RecordExpectation {
  /** The offset of the bytes, which the record must state. */
  readonly physicalOffset?: number
  /** False skips the body's CRC. */
  readonly bodyCrc?: boolean
}

/**
 * Checks whether a complete, intact record, or the blank end of a file, is at `buffer[at …]`, where `available` bytes
 * may be read. Apache: `CommitLog.java`, checkMessageAndReturnSize.
 */
export function checkRecord(
  buffer: Buffer,
  at: number,
  available: number,
  expected: RecordExpectation = {},
): RecordCheck {
  if (available < BLANK_RECORD_BYTES) {
    return { kind: 'bad', reason: `${available} bytes are less than any record` }
  }
  const sizeBytes = readInt(buffer, at)
  const magic = readInt(buffer, at + 4)
  if (magic === RecordMagic.BLANK) {
    if (sizeBytes >= BLANK_RECORD_BYTES) return { kind: 'blank', sizeBytes }
    return { kind: 'bad', reason: `blank of size ${sizeBytes}` }
  }
  const known = magic === RecordMagic.V1 || magic === RecordMagic.V2
  if (known && sizeBytes >= RECORD_BYTES_MIN && sizeBytes > available) {
    const reason = `record size ${sizeBytes} of ${available} bytes`
    return { kind: 'bad', reason, neededBytes: sizeBytes }
  }
  const spans = recordSpans(buffer, at, available)
  if (typeof spans === 'string') return { kind: 'bad', reason: spans }
  return checkContents(buffer, at, spans, expected)
}

function checkContents(
  buffer: Buffer,
  at: number,
  spans: RecordSpans,
  expected: RecordExpectation,
): RecordCheck {
  const physicalOffset = readLong(buffer, at + RecordAt.physicalOffset)
  if (expected.physicalOffset !== undefined && physicalOffset !== expected.physicalOffset) {
    const reason = `it says that it lies at ${physicalOffset}, not at ${expected.physicalOffset}`
    return { kind: 'bad', reason }
  }
  if (expected.bodyCrc !== false) {
    const crc = crc32Positive(buffer, spans.bodyStart, spans.bodyEnd)
    const stored = readInt(buffer, at + RecordAt.bodyCrc)
    // Apache neither checks the CRC of an empty body nor writes or clears it.
    if (crc !== stored && spans.bodyEnd > spans.bodyStart) {
      return { kind: 'bad', reason: `body CRC ${stored}, computed ${crc}` }
    }
  }
  return { kind: 'good', sizeBytes: spans.sizeBytes }
}
