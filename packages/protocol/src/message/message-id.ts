import type { HostAndPort } from './host.ts'
import { readInt, readLong, readShort, writeInt, writeShort } from './long.ts'

/** The location of a message: the broker that stored it, and the offset in its commit log. */
export interface OffsetMsgId extends HostAndPort {
  readonly physicalOffset: number
}

const HEX_ID = /^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{56})$/

/**
 * The id that says where a message lies: address (4 or 16 bytes), port (4) and commit log offset (8),
 * in upper-case hex. Apache: `MessageDecoder.java`, createMessageId.
 */
export function createOffsetMsgId(host: Uint8Array, port: number, physicalOffset: number): string {
  const high = Math.floor(physicalOffset / 0x1_0000_0000)
  let id = ''
  for (const byte of host) id += TWO_DIGITS[byte] as string
  return id + digits(port) + digits(high) + digits(physicalOffset)
}

const TWO_DIGITS = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).toUpperCase().padStart(2, '0'),
)

/** The low 32 bits as eight digits. */
function digits(value: number): string {
  const [a, b, c, d] = [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
  return `${TWO_DIGITS[a]}${TWO_DIGITS[b]}${TWO_DIGITS[c]}${TWO_DIGITS[d]}`
}

/** The ids of messages of one broker, with commas between them: the answer to a batch has them. */
export function createOffsetMsgIds(
  host: Uint8Array,
  port: number,
  physicalOffsets: readonly number[],
): string {
  const prefixLength = (host.length + 4) * 2
  const text = Buffer.alloc(physicalOffsets.length * (prefixLength + 17), COMMA)
  const prefix = Buffer.from(createOffsetMsgId(host, port, 0).slice(0, prefixLength))
  let at = 0
  for (const offset of physicalOffsets) {
    text.set(prefix, at)
    writeHex(text, at + prefixLength, Math.floor(offset / 0x1_0000_0000))
    writeHex(text, at + prefixLength + 8, offset >>> 0)
    at += prefixLength + 17
  }
  return text.toString('latin1', 0, Math.max(0, at - 1))
}

const COMMA = 0x2c
const DIGITS = Buffer.from('0123456789ABCDEF')

/** Writes 32 bits as eight digits. */
function writeHex(target: Buffer, at: number, value: number): void {
  for (let i = 0; i < 8; i++) target[at + i] = DIGITS[(value >>> (28 - 4 * i)) & 15] as number
}

/** Reads an offset id; undefined when the text has another format. */
export function parseOffsetMsgId(id: string): OffsetMsgId | undefined {
  if (!HEX_ID.test(id)) return undefined
  const bytes = Buffer.from(id, 'hex')
  const port = bytes.length - 12
  const physicalOffset = readLong(bytes, port + 4)
  if (physicalOffset < 0 || !Number.isSafeInteger(physicalOffset)) return undefined
  return { host: bytes.subarray(0, port), port: readInt(bytes, port), physicalOffset }
}

/** The parts of a client's message id (UNIQ_KEY). */
export interface UniqKey {
  /** The client's address, 4 or 16 bytes. */
  readonly host: Uint8Array
  /** Process id, low 16 bits. */
  readonly pid: number
  /** Distinguishes two programs with the same process id. */
  readonly hash: number
  /** ms since the month began in the client's time zone, as an unsigned 32-bit number. */
  readonly sinceMonthStartMs: number
  /** Counts messages, low 16 bits. */
  readonly counter: number
}

/**
 * The id that a client gives a message: address (4 or 16 bytes), pid (2), hash (4), ms since the month
 * began (4) and counter (2), in upper-case hex. Apache: `MessageClientIDSetter.java`.
 */
export function createUniqKey(key: UniqKey): string {
  const at = key.host.length
  const bytes = Buffer.allocUnsafe(at + 12)
  bytes.set(key.host, 0)
  writeShort(bytes, at, key.pid)
  writeInt(bytes, at + 2, key.hash)
  writeInt(bytes, at + 6, key.sinceMonthStartMs)
  writeShort(bytes, at + 10, key.counter)
  return bytes.toString('hex').toUpperCase()
}

/** Reads a client's message id; undefined when the text has another format. */
export function parseUniqKey(id: string): UniqKey | undefined {
  if (!HEX_ID.test(id)) return undefined
  const bytes = Buffer.from(id, 'hex')
  const at = bytes.length - 12
  return {
    host: bytes.subarray(0, at),
    pid: readShort(bytes, at),
    hash: readInt(bytes, at + 2),
    sinceMonthStartMs: readInt(bytes, at + 6) >>> 0,
    counter: readShort(bytes, at + 10),
  }
}

/** When the month of a time began in the local time zone, in ms. */
export function monthStartMs(timeMs: number): number {
  const time = new Date(timeMs)
  return new Date(time.getFullYear(), time.getMonth(), 1).getTime()
}
