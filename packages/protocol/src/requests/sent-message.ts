import { ByteSink } from '../frame/byte-sink.ts'
import { UNSAFE } from '../frame/reply-template.ts'
import type { FieldMap } from '../schema/define-request.ts'
import { createOffsetMsgId } from '../message/message-id.ts'

/**
 * What the answer to a send says of the one message that was stored. It has the fields of the reply header;
 * those that are text are made only when somebody asks for them: the hot codec writes them from the numbers.
 */
export class SentMessage {
  /** Address of the broker, 4 or 16 bytes. */
  readonly host: Uint8Array
  readonly port: number
  readonly physicalOffset: number
  readonly queueId: number
  readonly queueOffset: number
  /** Has the unique key from `keyStart` to `keyEnd`, in UTF-8. The bytes stay as they are. */
  readonly keyBytes: Buffer
  readonly keyStart: number
  readonly keyEnd: number

  constructor(
    stored: { readonly physicalOffset: number; readonly queueOffset: number },
    broker: { readonly address: Uint8Array; readonly port: number },
    queueId: number,
    keyBytes: Buffer,
    keyStart: number,
    keyEnd: number,
  ) {
    this.host = broker.address
    this.port = broker.port
    this.physicalOffset = stored.physicalOffset
    this.queueId = queueId
    this.queueOffset = stored.queueOffset
    this.keyBytes = keyBytes
    this.keyStart = keyStart
    this.keyEnd = keyEnd
  }

  /** The offset id. */
  get msgId(): string {
    return createOffsetMsgId(this.host, this.port, this.physicalOffset)
  }

  /** The unique key. */
  get transactionId(): string {
    return this.keyBytes.toString('utf8', this.keyStart, this.keyEnd)
  }
}

/** An answer of which only the digits and the key are still to be filled in. */
interface Template {
  readonly bytes: Buffer
  /** Where the last 16 digits of the offset id begin. */
  readonly idAt: number
  readonly queueIdAt: number
  readonly queueOffsetAt: number
  readonly keyAt: number
  readonly opaqueAt: number
}

/** Writes a whole answer the long way; false when it has something unusual. */
export type WriteAnswer = (
  sink: ByteSink,
  opaque: number,
  header: {
    readonly msgId: string
    readonly queueId: number
    readonly queueOffset: number
    readonly transactionId: string
  },
  fields: FieldMap,
) => boolean

const TEMPLATES_MAX = 256
const KEY_BYTES_MAX = 127

/**
 * Answers to sends of one message, which differ in nothing but some digits and a key: the rest is copied
 * from a template. There is one template for each combination of lengths.
 */
export class SentTemplates {
  readonly #write: WriteAnswer
  #templates = new Map<number, Template>()
  #fields: FieldMap | undefined
  #host: Uint8Array | undefined
  #port = 0

  /** `write` makes the answers that become templates. */
  constructor(write: WriteAnswer) {
    this.#write = write
  }

  /**
   * Appends the answer; false, with nothing appended, when it has to go the long way. `fields` are the same
   * object each time.
   */
  write(sink: ByteSink, opaque: number, sent: SentMessage, fields: FieldMap): boolean {
    const template = this.#templateFor(opaque, sent, fields)
    if (template === undefined) return false
    const start = sink.reserve(template.bytes.length)
    const { buffer } = sink
    buffer.set(template.bytes, start)
    const { keyBytes, keyStart, keyEnd } = sent
    const keyAt = start + template.keyAt - keyStart
    let unsafe = 0
    let i = keyStart
    for (; i + 4 <= keyEnd; i += 4) {
      const a = keyBytes[i] as number
      const b = keyBytes[i + 1] as number
      const c = keyBytes[i + 2] as number
      const d = keyBytes[i + 3] as number
      unsafe |=
        (UNSAFE[a] as number) |
        (UNSAFE[b] as number) |
        (UNSAFE[c] as number) |
        (UNSAFE[d] as number)
      buffer[keyAt + i] = a
      buffer[keyAt + i + 1] = b
      buffer[keyAt + i + 2] = c
      buffer[keyAt + i + 3] = d
    }
    for (; i < keyEnd; i++) {
      const byte = keyBytes[i] as number
      unsafe |= UNSAFE[byte] as number
      buffer[keyAt + i] = byte
    }
    if (unsafe !== 0) {
      sink.length = start
      return false
    }
    const high = Math.floor(sent.physicalOffset / 0x1_0000_0000)
    writeHex(buffer, start + template.idAt, high)
    writeHex(buffer, start + template.idAt + 8, sent.physicalOffset >>> 0)
    writeDigits(buffer, start + template.queueIdAt, sent.queueId)
    writeDigits(buffer, start + template.queueOffsetAt, sent.queueOffset)
    writeDigits(buffer, start + template.opaqueAt, opaque)
    return true
  }

  #templateFor(opaque: number, sent: SentMessage, fields: FieldMap): Template | undefined {
    const { host, port, queueId, queueOffset } = sent
    const keyLength = sent.keyEnd - sent.keyStart
    if (!isSmall(opaque) || !isSmall(queueId) || !isSmall(queueOffset)) return undefined
    if (keyLength > KEY_BYTES_MAX) return undefined
    if (fields !== this.#fields || host !== this.#host || port !== this.#port) {
      this.#templates = new Map()
      this.#fields = fields
      this.#host = host
      this.#port = port
    }
    const lengths =
      (countDigits(opaque) << 15) |
      (countDigits(queueId) << 11) |
      (countDigits(queueOffset) << 7) |
      keyLength
    return this.#templates.get(lengths) ?? this.#make(lengths, opaque, sent, fields)
  }

  #make(
    lengths: number,
    opaque: number,
    sent: SentMessage,
    fields: FieldMap,
  ): Template | undefined {
    if (this.#templates.size >= TEMPLATES_MAX) return undefined
    const { msgId, queueId, queueOffset } = sent
    const transactionId = 'K'.repeat(sent.keyEnd - sent.keyStart)
    const sink = new ByteSink()
    if (!this.#write(sink, opaque, { msgId, queueId, queueOffset, transactionId }, fields)) {
      return undefined
    }
    const bytes = Buffer.from(sink.bytes())
    // No value has a quote in it, so these are found where they are meant.
    const behind = (text: string): number => bytes.indexOf(text) + text.length
    const template = {
      bytes,
      idAt: behind('"msgId":"') + msgId.length - 16,
      queueIdAt: behind('"queueId":"'),
      queueOffsetAt: behind('"queueOffset":"'),
      keyAt: behind('"transactionId":"'),
      opaqueAt: behind('"opaque":'),
    }
    this.#templates.set(lengths, template)
    return template
  }
}

const isSmall = (value: number): boolean => (value | 0) === value && value >= 0

function countDigits(value: number): number {
  let count = 1
  for (let power = 10; value >= power; power *= 10) count++
  return count
}

/** Writes the digits of a number over as many that are there, from the last to the first. */
function writeDigits(buffer: Buffer, start: number, value: number): void {
  let rest = value
  for (let at = start + countDigits(value) - 1; at >= start; at--) {
    const tenth = (rest / 10) | 0
    buffer[at] = 0x30 + rest - tenth * 10
    rest = tenth
  }
}

const HEX = Buffer.from('0123456789ABCDEF')

/** Writes the low 32 bits of a number as eight upper-case hexadecimal digits. */
function writeHex(buffer: Buffer, start: number, value: number): void {
  for (let i = 0; i < 8; i++) buffer[start + i] = HEX[(value >>> (28 - 4 * i)) & 15] as number
}
