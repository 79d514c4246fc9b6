import { ProtocolError } from '../errors.ts'
import { readInt, readShort, writeInt, writeShort } from './long.ts'

/**
 * The body of SEND_BATCH_MESSAGE: messages of one topic, one behind the other. All numbers are
 * big-endian. Apache: `MessageDecoder.java`, encodeMessages.
 *
 * | at | field      | bytes | what it is                              |
 * | -- | ---------- | ----- | --------------------------------------- |
 * |  0 | totalSize  | 4     | length of this message, these included  |
 * |  4 | magicCode  | 4     | 0                                       |
 * |  8 | bodyCrc    | 4     | 0                                       |
 * | 12 | flag       | 4     | the application's own                   |
 * | 16 | body       | 4 + n | length, then bytes                      |
 * |  . | properties | 2 + n | length, then `name 01 value 02 …`       |
 */
const FIXED_BYTES = 22

/** One message of a batch; `body` and `properties` are views when decoded. */
export interface BatchMessage {
  readonly flag: number
  readonly body: Uint8Array
  /** Encoded, see `encodeProperties`. */
  readonly properties: Uint8Array
}

/** One message of a decoded batch: views of the batch's bytes. */
export interface DecodedBatchMessage {
  readonly flag: number
  readonly body: Buffer
  readonly properties: Buffer
}

/** Reads a batch body; a ProtocolError when its lengths do not add up, or when it has more than `countMax` messages. */
export function decodeBatch(bytes: Buffer, countMax = Infinity): DecodedBatchMessage[] {
  const messages: DecodedBatchMessage[] = []
  for (let at = 0; at < bytes.length;) {
    if (messages.length >= countMax) {
      throw new ProtocolError({
        what: `the batch has more than ${countMax} messages (maxBatchMessages)`,
      })
    }
    const left = bytes.length - at
    const size = left < FIXED_BYTES ? -1 : readInt(bytes, at)
    if (size < FIXED_BYTES || size > left) throw broken(at, `size ${size} of ${left} bytes`)
    const bodyStart = at + 20
    const bodyEnd = bodyStart + readInt(bytes, at + 16)
    if (bodyEnd < bodyStart || bodyEnd + 2 > at + size) throw broken(at, 'body length')
    const end = bodyEnd + 2 + readShort(bytes, bodyEnd)
    if (end !== at + size) throw broken(at, 'properties length')
    messages.push({
      flag: readInt(bytes, at + 12),
      body: bytes.subarray(bodyStart, bodyEnd),
      properties: bytes.subarray(bodyEnd + 2, end),
    })
    at = end
  }
  return messages
}

function broken(at: number, what: string): ProtocolError {
  return new ProtocolError({ what: `the batch is broken at byte ${at}: ${what}` })
}

/** One message of a batch to write: text is written in UTF-8, without a copy of its own. */
export interface BatchMessageText {
  readonly flag: number
  readonly body: Uint8Array | string
  /** Encoded, see `encodeProperties`. */
  readonly properties: Uint8Array | string
}

/** Bytes that a message takes in a batch. */
export function batchMessageBytes({ body, properties }: BatchMessageText): number {
  return FIXED_BYTES + byteLength(body) + byteLength(properties)
}

/** Writes a batch body. */
export function encodeBatch(messages: readonly BatchMessageText[]): Buffer {
  let total = 0
  for (const m of messages) total += batchMessageBytes(m)
  const bytes = Buffer.allocUnsafe(total)
  let at = 0
  for (const m of messages) {
    const start = at
    bytes.fill(0, at + 4, at + 12)
    writeInt(bytes, at + 12, m.flag)
    const bodyBytes = write(bytes, at + 20, m.body)
    writeInt(bytes, at + 16, bodyBytes)
    at += 20 + bodyBytes
    const propertyBytes = write(bytes, at + 2, m.properties)
    writeShort(bytes, at, propertyBytes)
    at += 2 + propertyBytes
    writeInt(bytes, start, at - start)
  }
  return bytes
}

function byteLength(value: Uint8Array | string): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length
}

/** Returns how many bytes it took. */
function write(bytes: Buffer, at: number, value: Uint8Array | string): number {
  if (typeof value === 'string') return bytes.write(value, at)
  bytes.set(value, at)
  return value.length
}
