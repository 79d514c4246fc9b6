import type { Frame } from './frame-decoder.ts'
import { decodeJsonHeader } from './header-json.ts'
import { decodeRocketmqHeader } from './header-rocketmq.ts'
import { type RemotingCommand, Serialization } from './remoting-command.ts'

/**
 * Decodes a frame. The body is a view of the frame's buffer; an empty one is undefined, as in Java. Throws a
 * ProtocolError when the header is invalid: the connection must then be closed.
 */
export function decodeCommand(frame: Frame): RemotingCommand {
  const { buffer, bodyStart, bodyEnd } = frame
  const body = bodyEnd > bodyStart ? buffer.subarray(bodyStart, bodyEnd) : undefined
  return frame.serialization === Serialization.JSON
    ? decodeJsonHeader(buffer, frame.headerStart, frame.headerEnd, body)
    : decodeRocketmqHeader(buffer, frame.headerStart, frame.headerEnd, body)
}
