/** What a TLS server says to who does not speak TLS. */
const TLS_ALERT = 0x15
/** A frame of HTTP/2 that a server sends first. */
const HTTP2_SETTINGS = 0x04
const HTTP2_GOAWAY = 0x07

/**
 * The protocol of a peer that speaks another one, seen by the first bytes it sent; undefined when they may be a frame of
 * ours. A gRPC port begins with HTTP/2's SETTINGS: 3 bytes of length, type, flags, and 4 bytes of stream 0, where a frame
 * of ours has the length of its header, which is never 0.
 */
export function foreignProtocol(chunk: Buffer): string | undefined {
  if (chunk.length < 5) return undefined
  const text = chunk.toString('latin1', 0, 5)
  if (text === 'HTTP/') return 'HTTP'
  if (chunk[0] === TLS_ALERT && chunk[1] === 3) return 'TLS'
  const isHttp2 = chunk[3] === HTTP2_SETTINGS || chunk[3] === HTTP2_GOAWAY
  if (chunk.length >= 9 && chunk[0] === 0 && isHttp2 && chunk.readUInt32BE(5) === 0) {
    return 'HTTP/2 (gRPC)'
  }
  return /^(SSH-|RFB |AMQP|220 |\+OK )/.test(text)
    ? `another protocol (it begins with ${JSON.stringify(text.trim())})`
    : undefined
}
