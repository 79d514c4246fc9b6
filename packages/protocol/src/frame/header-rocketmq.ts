import { languageName } from '../codes/language-code.ts'
import { ProtocolError } from '../errors.ts'
import type { FieldMap } from '../schema/define-request.ts'
import type { ByteSink } from './byte-sink.ts'
import { FIELDS_MAX } from './frame-decoder.ts'
import { type CommandToWrite, type RemotingCommand, Serialization } from './remoting-command.ts'

/*
 * The binary header. All numbers are big-endian. Apache: `RocketMQSerializable.java`.
 *
 * | at | field     | bytes | what it is                                                        |
 * | -- | --------- | ----- | ----------------------------------------------------------------- |
 * |  0 | code      | 2     | signed: codes above 32767 do not fit                              |
 * |  2 | language  | 1     | ordinal                                                           |
 * |  3 | version   | 2     |                                                                   |
 * |  5 | opaque    | 4     |                                                                   |
 * |  9 | flag      | 4     |                                                                   |
 * | 13 | remark    | 4 + n | length, then UTF-8; none when 0                                   |
 * |  . | extFields | 4 + n | length of all, then of each: name 2 + n, value 4 + n, as UTF-8    |
 */
const REMARK_AT = 13

/** Reads a binary header; a ProtocolError when its lengths do not fit. */
export function decodeRocketmqHeader(
  buffer: Buffer,
  start: number,
  end: number,
  body: Buffer | undefined,
): RemotingCommand {
  if (end - start < REMARK_AT + 8) throw broken('fixed part')
  const remarkStart = start + REMARK_AT + 4
  const remarkEnd = remarkStart + buffer.readInt32BE(remarkStart - 4)
  if (remarkEnd < remarkStart || remarkEnd + 4 > end) throw broken('remark')
  const fieldsStart = remarkEnd + 4
  const fieldsEnd = fieldsStart + buffer.readInt32BE(remarkEnd)
  if (fieldsEnd < fieldsStart || fieldsEnd > end) throw broken('extFields')
  const language = buffer[start + 2] as number
  return {
    code: buffer.readInt16BE(start),
    language: languageName(language) === undefined ? undefined : language,
    version: buffer.readInt16BE(start + 3),
    opaque: buffer.readInt32BE(start + 5),
    flag: buffer.readInt32BE(start + 9),
    remark: remarkEnd > remarkStart ? buffer.toString('utf8', remarkStart, remarkEnd) : undefined,
    fields: fieldsEnd > fieldsStart ? decodeFields(buffer, fieldsStart, fieldsEnd) : undefined,
    body,
    serialization: Serialization.ROCKETMQ,
  }
}

function decodeFields(buffer: Buffer, start: number, end: number): FieldMap {
  const fields: FieldMap = {}
  let count = 0
  for (let at = start; at < end;) {
    if (++count > FIELDS_MAX) throw broken(`number of fields, above ${FIELDS_MAX},`)
    if (at + 2 > end) throw broken('name of a field')
    const nameEnd = at + 2 + buffer.readUInt16BE(at)
    if (nameEnd + 4 > end) throw broken('name of a field')
    const valueEnd = nameEnd + 4 + buffer.readInt32BE(nameEnd)
    if (valueEnd < nameEnd + 4 || valueEnd > end) throw broken('value of a field')
    // Java reads an empty name or value as null; as empty text it is forwarded unchanged.
    if (nameEnd > at + 2) {
      const name = buffer.toString('utf8', at + 2, nameEnd)
      if (name !== '__proto__') fields[name] = buffer.toString('utf8', nameEnd + 4, valueEnd)
    }
    at = valueEnd
  }
  return fields
}

function broken(part: string): ProtocolError {
  return new ProtocolError({ what: `a binary header whose ${part} does not fit` })
}

/** Writes a binary header. */
export function writeRocketmqHeader(sink: ByteSink, command: CommandToWrite): void {
  const at = sink.reserve(REMARK_AT)
  const buffer = sink.buffer
  buffer.writeInt16BE(command.code, at)
  buffer[at + 2] = command.language ?? 0
  buffer.writeInt16BE(command.version ?? 0, at + 3)
  buffer.writeInt32BE(command.opaque, at + 5)
  buffer.writeInt32BE(command.flag ?? 0, at + 9)
  writeSized(sink, command.remark ?? '', 4)
  const lengthAt = sink.reserve(4)
  for (const [name, value] of Object.entries(command.fields ?? {})) {
    writeSized(sink, name, 2)
    writeSized(sink, value, 4)
  }
  sink.buffer.writeInt32BE(sink.length - lengthAt - 4, lengthAt)
}

function writeSized(sink: ByteSink, text: string, lengthBytes: 2 | 4): void {
  const at = sink.reserve(lengthBytes)
  const count = sink.writeText(text)
  if (lengthBytes === 2) sink.buffer.writeUInt16BE(count, at)
  else sink.buffer.writeInt32BE(count, at)
}
