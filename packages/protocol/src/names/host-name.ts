import { hostBytes } from '../message/host.ts'

const HOST_LENGTH_MAX = 253

/**
 * What is wrong with a host, an address or a name; undefined when it is valid. The sentence follows «it». Does not
 * check whether the name resolves.
 */
export function hostProblem(host: string): string | undefined {
  const bare = /^\[.*\]$/.test(host) ? host.slice(1, -1) : host
  if (hostBytes(bare) !== undefined && !/[^0-9A-Za-z.:%_-]/.test(bare)) return undefined
  if (/^[^:]+:\d+$/.test(host)) return 'must be a host without a port'
  if (/^[0-9.]+$/.test(host)) return 'must be an address of four numbers up to 255, or a host name'
  const labels = host.replace(/\.$/, '').split('.')
  const isName =
    host.length <= HOST_LENGTH_MAX &&
    labels.every((label) => /^[\p{L}\p{N}_][\p{L}\p{N}_-]*$/u.test(label))
  return isName ? undefined : 'must be an IP address or a host name'
}

/** What is wrong with `host:port`; undefined when nothing is. */
export function hostAndPortProblem(address: string): string | undefined {
  const colon = address.lastIndexOf(':')
  const port = address.slice(colon + 1)
  if (colon < 1 || !/^\d{1,5}$/.test(port) || Number(port) > 65535 || Number(port) === 0) {
    return 'must be host:port'
  }
  const problem = hostProblem(address.slice(0, colon))
  return problem === undefined ? undefined : `must be host:port, and the host ${problem}`
}

/** The error text of an option with an invalid value, for one that may be empty. */
export const orNone =
  (problem: (text: string) => string | undefined) =>
  (text: string): string | undefined => {
    const found = text === '' ? undefined : problem(text)
    return found === undefined ? undefined : `it ${found}`
  }

/** What is wrong with several `host:port` joined by semicolons; undefined when nothing is. */
export function addressListProblem(addresses: string): string | undefined {
  for (const address of addresses.split(';')) {
    const trimmed = address.trim()
    const problem = trimmed === '' ? undefined : hostAndPortProblem(trimmed)
    if (problem !== undefined) return `${problem}; several are joined by semicolons`
  }
  return undefined
}
