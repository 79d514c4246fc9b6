import { broken, byteAt, highBit, ReverseBits } from './zstd-bits.ts'
import { FseState, readTable } from './zstd-fse.ts'

/** No code is longer, in bits. */
const BITS_MAX = 11
/** Bits of a table of weights, at most. */
const WEIGHTS_LOG_MAX = 6
const SYMBOL_MAX = 255

/** Codes by the next `bits` bits: the symbol, and how many of the bits are its code. */
export interface HuffmanTable {
  readonly bits: number
  readonly symbols: Uint8Array
  readonly lengths: Uint8Array
}

/** Reads a table of codes; `end` is the place behind it. RFC 8878, 4.2.1. */
export function readHuffmanTable(
  input: Uint8Array,
  start: number,
): { readonly table: HuffmanTable; readonly end: number } {
  const header = byteAt(input, start)
  const isPlain = header >= 128
  const count = header - 127
  const end = start + 1 + (isPlain ? (count + 1) >> 1 : header)
  if (end > input.length) throw broken('weights are cut short')
  const weights = isPlain
    ? plainWeights(input, start + 1, count)
    : packedWeights(input, start + 1, end)
  return { table: tableOfWeights(weights), end }
}

function plainWeights(input: Uint8Array, start: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const byte = byteAt(input, start + (i >> 1))
    return i % 2 === 0 ? byte >> 4 : byte & 15
  })
}

/** Two states take turns until there are no more bits. */
function packedWeights(input: Uint8Array, start: number, end: number): number[] {
  const { table, end: bitsFrom } = readTable(
    input.subarray(0, end),
    start,
    WEIGHTS_LOG_MAX,
    SYMBOL_MAX,
  )
  const bits = new ReverseBits(input, bitsFrom, end)
  let [state, other] = [new FseState(table, bits), new FseState(table, bits)]
  const weights: number[] = []
  while (weights.length <= SYMBOL_MAX) {
    weights.push(state.symbol)
    state.next(bits)
    if (bits.left < 0) {
      weights.push(other.symbol)
      return weights
    }
    ;[state, other] = [other, state]
  }
  throw broken('too many weights')
}

/** The weight of the last symbol is what is left to a power of two. */
function tableOfWeights(weights: readonly number[]): HuffmanTable {
  const sum = weights.reduce((all, weight) => all + (weight > 0 ? 1 << (weight - 1) : 0), 0)
  const bits = sum === 0 ? 0 : highBit(sum) + 1
  const left = (1 << bits) - sum
  if (bits < 1 || bits > BITS_MAX || (left & (left - 1)) !== 0 || weights.length > SYMBOL_MAX) {
    throw broken('weights that make no codes')
  }
  const all = [...weights, highBit(left) + 1]
  const symbols = new Uint8Array(1 << bits)
  const lengths = new Uint8Array(1 << bits)
  let at = 0
  for (let weight = 1; weight <= bits; weight++) {
    all.forEach((each, symbol) => {
      if (each !== weight) return
      const next = at + (1 << (weight - 1))
      symbols.fill(symbol, at, next)
      lengths.fill(bits + 1 - weight, at, next)
      at = next
    })
  }
  return { bits, symbols, lengths }
}

/** Restores the literals of one stream into `target`, which they fill. */
export function readHuffmanStream(
  { bits, symbols, lengths }: HuffmanTable,
  input: Uint8Array,
  range: { readonly start: number; readonly end: number },
  target: Uint8Array,
): void {
  const stream = new ReverseBits(input, range.start, range.end)
  for (let i = 0; i < target.length; i++) {
    const code = stream.read(bits)
    target[i] = symbols[code] as number
    stream.unread(bits - (lengths[code] as number))
  }
  if (stream.left !== 0) throw broken('a stream of literals is too short or too long')
}
