import { ProtocolError } from '../errors.ts'

/** An address as records hold it: 4 or 16 bytes, and a port. */
export interface HostAndPort {
  readonly host: Uint8Array
  readonly port: number
}

/**
 * The 4 or 16 bytes of an IP address in text, undefined when the text is not one. An IPv4 address
 * mapped into IPv6 gives its 4 bytes, as in Java. An IPv6 address may stand in brackets.
 */
export function hostBytes(text: string): Uint8Array | undefined {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  const address = bare.split('%', 1)[0] as string
  if (!address.includes(':')) return ipv4Bytes(address)
  const bytes = ipv6Bytes(address)
  return bytes !== undefined && isMapped(bytes) ? bytes.slice(12) : bytes
}

function ipv4Bytes(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  const bytes = new Uint8Array(4)
  for (const [i, part] of parts.entries()) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined
    bytes[i] = Number(part)
  }
  return bytes
}

function ipv6Bytes(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = ipv6Groups(halves[0] as string)
  const tail = halves.length === 2 ? ipv6Groups(halves[1] as string) : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 16 - head.length - tail.length
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined
  return Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...tail])
}

function ipv6Groups(text: string): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  for (const group of text.split(':')) {
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = parseInt(group, 16)
      bytes.push(value >>> 8, value & 0xff)
      continue
    }
    const tail = ipv4Bytes(group)
    if (tail === undefined) return undefined
    bytes.push(...tail)
  }
  return bytes
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false
  return bytes[10] === 0xff && bytes[11] === 0xff
}

/** An IP address in text: dotted, or eight groups of hexadecimal digits without leading zeros. */
export function hostText(bytes: Uint8Array): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`
  const groups: string[] = []
  for (let i = 0; i + 1 < bytes.length; i += 2) {
    groups.push((((bytes[i] as number) << 8) | (bytes[i + 1] as number)).toString(16))
  }
  return groups.join(':')
}

/** `address:port` as Apache writes it in headers and JSON. */
export function hostAndPortText(at: HostAndPort): string {
  return `${hostText(at.host)}:${at.port}`
}

/** Reads `address:port`; a ProtocolError when the text is not that. */
export function parseHostAndPort(text: string): HostAndPort {
  const colon = text.lastIndexOf(':')
  const port = text.slice(colon + 1)
  const host = hostBytes(text.slice(0, colon).replace(/^\/?\[?|\]$/g, ''))
  if (colon < 0 || host === undefined || !/^\d{1,5}$/.test(port)) {
    throw new ProtocolError({
      what: `${JSON.stringify(text.slice(0, 80))} is not an address and port`,
    })
  }
  return { host, port: Number(port) }
}
