import { CURRENT_VERSION } from '../codes/version.ts'
import type { FieldMap } from '../schema/define-request.ts'
import { ByteSink } from './byte-sink.ts'
import { jsonHeader } from './header-json.ts'
import { writeRocketmqHeader } from './header-rocketmq.ts'
import { FLAG_RESPONSE, Serialization } from './remoting-command.ts'

/** What a frame is made of; what is left out is as in Apache's own frames. */
export interface CommandToWrite {
  /** Request code, or response code of an answer. */
  readonly code: number
  readonly opaque: number
  /** FLAG_RESPONSE, FLAG_ONEWAY; 0 when left out. */
  readonly flag?: number
  readonly remark?: string | undefined
  readonly fields?: FieldMap | undefined
  /** One piece, or several that lie one behind the other. */
  readonly body?: Uint8Array | readonly Uint8Array[] | undefined
  /** Ordinal of the language; JAVA when left out. */
  readonly language?: number | undefined
  /** Ordinal of the version; CURRENT_VERSION when left out. */
  readonly version?: number
  /** JSON when left out. A code that does not fit the binary header is written in JSON anyway. */
  readonly serialization?: Serialization
}

/** What an answer is made of; opaque and flag come from the request. */
export interface ReplyToWrite {
  readonly code: number
  readonly remark?: string | undefined
  readonly fields?: FieldMap | undefined
  readonly body?: Uint8Array | readonly Uint8Array[] | undefined
}

/** Appends a frame to what the sink holds. */
export function writeCommand(sink: ByteSink, command: CommandToWrite): void {
  const at = sink.reserve(8)
  const binary =
    command.serialization === Serialization.ROCKETMQ &&
    command.code >= -0x8000 &&
    command.code <= 0x7fff
  const whole = { flag: 0, language: 0, version: CURRENT_VERSION, ...command }
  if (binary) writeRocketmqHeader(sink, whole)
  else sink.writeText(jsonHeader(whole))
  const headerLength = sink.length - at - 8
  writeBody(sink, command.body)
  sink.buffer.writeInt32BE(sink.length - at - 4, at)
  const type = binary ? Serialization.ROCKETMQ : Serialization.JSON
  sink.buffer.writeInt32BE((type << 24) | headerLength, at + 4)
}

function writeBody(sink: ByteSink, body: CommandToWrite['body']): void {
  if (body === undefined) return
  if (body instanceof Uint8Array) {
    sink.writeBytes(body)
    return
  }
  for (const piece of body) sink.writeBytes(piece)
}

/** Appends the answer to the request with this opaque, in JSON unless told otherwise. */
export function writeReply(
  sink: ByteSink,
  opaque: number,
  reply: ReplyToWrite,
  serialization: Serialization = Serialization.JSON,
): void {
  writeCommand(sink, { ...reply, opaque, flag: FLAG_RESPONSE, serialization })
}

/** A frame in a buffer of its own. */
export function encodeCommand(command: CommandToWrite): Buffer {
  const sink = new ByteSink(512)
  writeCommand(sink, command)
  return sink.bytes()
}
