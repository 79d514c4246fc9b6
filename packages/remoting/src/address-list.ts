import { hostBytes, text } from '@skylarkmq/protocol'

interface Range {
  readonly bytes: Uint8Array
  readonly bits: number
}

/** IP addresses and ranges of them: `192.0.2.7, 10.0.0.0/8, 2001:db8::/32`. */
export class AddressList {
  readonly #ranges: readonly Range[]

  /** Entries stand between commas, semicolons or blanks; one that `ipRangesProblem` complains of is left out. */
  constructor(text: string) {
    this.#ranges = entriesOf(text).flatMap((entry) => rangeOf(entry) ?? [])
  }

  /** Whether an address, in text, is in the list. */
  has(address: string): boolean {
    if (this.#ranges.length === 0) return false
    const bytes = hostBytes(address)
    return bytes !== undefined && this.#ranges.some((range) => isIn(bytes, range))
  }
}

/** What is wrong with a list of addresses; undefined when nothing is. */
export function ipRangesProblem(text: string): string | undefined {
  const bad = entriesOf(text).find((entry) => rangeOf(entry) === undefined)
  if (bad === undefined) return undefined
  return `${JSON.stringify(bad)} is neither an IP address nor a range such as 10.0.0.0/8`
}

/** The option that says whose PROXY preambles a server believes. */
export const trustedAddressesOption = text({
  default: '',
  isQuiet: true,
  problem: ipRangesProblem,
  doc: 'Load balancers whose PROXY preambles are believed: addresses and ranges, such as `10.0.0.7, 192.168.0.0/16`. Anybody else who sends one is closed.',
  differs: 'Apache believes anybody, and takes any text for an address.',
})

function entriesOf(text: string): string[] {
  return text.split(/[,;\s]+/).filter((entry) => entry !== '')
}

function rangeOf(entry: string): Range | undefined {
  const [address = '', bits, more] = entry.split('/')
  const bytes = address.includes('%') ? undefined : hostBytes(address)
  if (bytes === undefined || more !== undefined) return undefined
  const longest = bytes.length * 8
  if (bits === undefined) return { bytes, bits: longest }
  return /^\d{1,3}$/.test(bits) && Number(bits) <= longest
    ? { bytes, bits: Number(bits) }
    : undefined
}

function isIn(address: Uint8Array, { bytes, bits }: Range): boolean {
  if (address.length !== bytes.length) return false
  for (let at = 0; at * 8 < bits; at++) {
    const left = bits - at * 8
    const mask = left >= 8 ? 0xff : (0xff << (8 - left)) & 0xff
    if ((((address[at] as number) ^ (bytes[at] as number)) & mask) !== 0) return false
  }
  return true
}
