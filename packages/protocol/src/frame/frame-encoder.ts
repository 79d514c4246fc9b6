import { CURRENT_VERSION } from '../codes/version.ts'
import { ByteSink } from './byte-sink.ts'
import { jsonHeader } from './header-json.ts'
import { writeRocketmqHeader } from './header-rocketmq.ts'
import {
  type CommandToWrite,
  FLAG_RESPONSE,
  type ReplyToWrite,
  Serialization,
} from './remoting-command.ts'

/** Appends a frame to the sink; when it cannot be written, the sink is unchanged. */
export function writeCommand(sink: ByteSink, command: CommandToWrite): void {
  const { length } = sink
  try {
    append(sink, command)
  } catch (error) {
    sink.length = length
    throw error
  }
}

function append(sink: ByteSink, command: CommandToWrite): void {
  const at = sink.reserve(8)
  const binary =
    command.serialization === Serialization.ROCKETMQ &&
    command.fieldsJson === undefined &&
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

/** Appends the answer to the request with this opaque, in JSON by default. */
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
