import { hostBytes, hostText } from '@skylarkmq/protocol'

const V1_START = Buffer.from('PROXY ', 'latin1')
const V2_START = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
/** A version 1 line is at most 107 bytes. */
const V1_BYTES_MAX = 107
const V2_HEAD_BYTES = 16
/** Addresses take at most 216 bytes; what else a balancer tells of a connection, some hundred. */
const V2_REST_BYTES_MAX = 4096

/** What a connection begins with: `source` is set when a proxy named the peer as `ip:port`. */
export interface Preamble {
  readonly source: string | undefined
  readonly rest: Buffer
}

/** `more` until it is known what the bytes are; `bad` for a broken preamble, `untrusted` for one from a stranger. */
export type PreambleDecision = Preamble | 'more' | 'bad' | 'untrusted'

/**
 * Reads the PROXY preamble that a load balancer may send before the first frame, version 1 (text) or 2
 * (binary). A connection without one passes with its first byte. Who is not trusted may not send one: it could call itself
 * anybody. Source: HAProxy's `proxy-protocol.txt`; Apache: `NettyRemotingServer.java`, HAProxyMessageHandler.
 */
export class ProxyPreamble {
  readonly #isTrusted: boolean
  #held: Buffer | undefined

  constructor(isTrusted: boolean) {
    this.#isTrusted = isTrusted
  }

  /** Takes the next bytes of a connection. */
  take(chunk: Buffer): PreambleDecision {
    const bytes = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk])
    const decision = decide(bytes, this.#isTrusted)
    // The chunk belongs to the socket.
    this.#held = decision === 'more' ? Buffer.from(bytes) : undefined
    return decision
  }
}

function decide(bytes: Buffer, isTrusted: boolean): PreambleDecision {
  if (beginsLike(bytes, V1_START)) {
    if (bytes.length < V1_START.length) return 'more'
    return isTrusted ? version1(bytes) : 'untrusted'
  }
  if (beginsLike(bytes, V2_START)) {
    if (bytes.length < V2_START.length) return 'more'
    if (!isTrusted) return 'untrusted'
    return bytes.length < V2_HEAD_BYTES ? 'more' : version2(bytes)
  }
  return { source: undefined, rest: bytes }
}

function beginsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.compare(start, 0, length, 0, length) === 0
}

/** `PROXY TCP4 192.0.2.1 192.0.2.9 56324 9876\r\n` */
function version1(bytes: Buffer): Preamble | 'more' | 'bad' {
  const end = bytes.indexOf('\r\n')
  if (end < 0) return bytes.length < V1_BYTES_MAX ? 'more' : 'bad'
  const [, family, source, , port] = bytes.toString('latin1', 0, end).split(' ')
  const rest = bytes.subarray(end + 2)
  if (family === 'UNKNOWN') return { source: undefined, rest }
  const host = source === undefined || source.includes('%') ? undefined : hostBytes(source)
  if (host === undefined || (family !== 'TCP4' && family !== 'TCP6')) return 'bad'
  if (port === undefined || !/^\d{1,5}$/.test(port) || Number(port) > 65_535) return 'bad'
  return { source: `${hostText(host)}:${port}`, rest }
}

/**
 * | at | field    | bytes | what it is                                        |
 * | -- | -------- | ----- | ------------------------------------------------- |
 * |  0 | start    | 12    | 0d0a0d0a000d0a515549540a                          |
 * | 12 | command  | 1     | 20 local, 21 proxied                              |
 * | 13 | family   | 1     | 11 TCP over IPv4, 21 TCP over IPv6                |
 * | 14 | length   | 2     | of what follows                                   |
 * | 16 | addresses|       | source, destination, source port, destination port |
 */
function version2(bytes: Buffer): Preamble | 'more' | 'bad' {
  const command = bytes[12] ?? 0
  const family = (bytes[13] ?? 0) >> 4
  const length = bytes.readUInt16BE(14)
  if (length > V2_REST_BYTES_MAX) return 'bad'
  if (bytes.length < V2_HEAD_BYTES + length) return 'more'
  const rest = bytes.subarray(V2_HEAD_BYTES + length)
  if (command === 0x20) return { source: undefined, rest }
  if (command !== 0x21) return 'bad'
  const at = V2_HEAD_BYTES
  const [size, port] = family === 1 ? [4, 8] : family === 2 ? [16, 32] : [0, 0]
  if (size > 0 && length >= port + 4) {
    const host = hostText(bytes.subarray(at, at + size))
    return { source: `${host}:${bytes.readUInt16BE(at + port)}`, rest }
  }
  return { source: undefined, rest }
}
