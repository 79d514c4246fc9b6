import { ProtocolError } from '../../errors.ts'

/** An error in compressed bytes. */
export function broken(what: string): ProtocolError {
  return new ProtocolError({ what: `ZSTD: ${what}` })
}

/** The byte at a place; a ProtocolError behind the end. */
export function byteAt(input: Uint8Array, at: number): number {
  const byte = input[at]
  if (byte === undefined) throw broken('it is cut short')
  return byte
}

/** The place of the highest bit that is set, from 0. */
export const highBit = (value: number): number => 31 - Math.clz32(value)

/** `count` bits, 25 at most, from a place that is counted in bits, least significant first. */
export function bitsAt(input: Uint8Array, bit: number, count: number): number {
  const at = bit >> 3
  const word =
    (input[at] ?? 0) |
    ((input[at + 1] ?? 0) << 8) |
    ((input[at + 2] ?? 0) << 16) |
    ((input[at + 3] ?? 0) << 24)
  return (word >>> (bit & 7)) & ((1 << count) - 1)
}

/**
 * A stream of bits that is read from its end to its begin. Above its last bits stands a one, above that zeros to the
 * end of the byte. Before its begin there are zeros.
 */
export class ReverseBits {
  readonly #input: Uint8Array
  readonly #start: number
  /** Bits that have not been read; negative once more were read than there are. */
  left: number

  constructor(input: Uint8Array, start: number, end: number) {
    const last = input[end - 1] ?? 0
    if (end <= start || end > input.length || last === 0)
      throw broken('a stream of bits has no end')
    this.#input = input
    this.#start = start * 8
    this.left = (end - start - 1) * 8 + highBit(last)
  }

  /** The next `count` bits, 31 at most. */
  read(count: number): number {
    if (count > 16) {
      const high = this.read(count - 16)
      return high * 0x10000 + this.read(16)
    }
    this.left -= count
    if (this.left >= 0) return bitsAt(this.#input, this.#start + this.left, count)
    const real = count + this.left
    return real <= 0 ? 0 : bitsAt(this.#input, this.#start, real) << -this.left
  }

  /** Puts bits back that were read. */
  unread(count: number): void {
    this.left += count
  }
}
