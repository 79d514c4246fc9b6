import { bitsAt, broken, highBit, type ReverseBits } from './zstd-bits.ts'

/** A table of finite states (FSE): the symbol of each state, and the transition to the next. */
export interface FseTable {
  readonly accuracyLog: number
  readonly symbols: Uint8Array
  /** Number of bits to read for the transition, and the base that is added. */
  readonly bits: Uint8Array
  readonly bases: Uint16Array
}

/** A reader's state in a table. */
export class FseState {
  readonly #table: FseTable
  #state: number

  constructor(table: FseTable, input: ReverseBits) {
    this.#table = table
    this.#state = input.read(table.accuracyLog)
  }

  /** The symbol of this state. */
  get symbol(): number {
    return this.#table.symbols[this.#state] as number
  }

  /** Goes on to the next state. */
  next(input: ReverseBits): void {
    const { bases, bits } = this.#table
    this.#state = (bases[this.#state] as number) + input.read(bits[this.#state] as number)
  }
}

/** A table that has one symbol, and reads nothing. */
export function singleTable(symbol: number): FseTable {
  return {
    accuracyLog: 0,
    symbols: Uint8Array.of(symbol),
    bits: Uint8Array.of(0),
    bases: Uint16Array.of(0),
  }
}

/**
 * The table of counts by symbol, which add up to 2^accuracyLog; -1 is less than one. RFC 8878, 4.1.1.
 */
export function tableOf(counts: readonly number[], accuracyLog: number): FseTable {
  const size = 1 << accuracyLog
  const symbols = new Uint8Array(size)
  const bits = new Uint8Array(size)
  const bases = new Uint16Array(size)
  const nexts = counts.map((count) => Math.abs(count))
  let high = size
  counts.forEach((count, symbol) => {
    if (count === -1) symbols[--high] = symbol
  })
  const step = (size >> 1) + (size >> 3) + 3
  let at = 0
  counts.forEach((count, symbol) => {
    for (let i = 0; i < count; i++) {
      symbols[at] = symbol
      do at = (at + step) & (size - 1)
      while (at >= high)
    }
  })
  if (at !== 0) throw broken('the counts of a table do not add up')
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state] as number
    const next = nexts[symbol] as number
    nexts[symbol] = next + 1
    const count = accuracyLog - highBit(next)
    bits[state] = count
    bases[state] = (next << count) - size
  }
  return { accuracyLog, symbols, bits, bases }
}

/** Reads a table; `end` is the place behind it, in bytes. RFC 8878, 4.1.1. */
export function readTable(
  input: Uint8Array,
  start: number,
  logMax: number,
  symbolMax: number,
): { readonly table: FseTable; readonly end: number } {
  let bit = start * 8
  const read = (count: number): number => {
    bit += count
    if (bit > input.length * 8) throw broken('a table is cut short')
    return bitsAt(input, bit - count, count)
  }
  const accuracyLog = read(4) + 5
  if (accuracyLog > logMax) throw broken(`a table of ${accuracyLog} bits`)
  const counts: number[] = []
  let remaining = 1 << accuracyLog
  while (remaining > 0) {
    const count = readCount(read, remaining, () => bit--)
    remaining -= Math.abs(count)
    counts.push(count)
    if (count !== 0) continue
    for (let zeros = 3; zeros === 3;) {
      zeros = read(2)
      for (let i = 0; i < zeros; i++) counts.push(0)
    }
  }
  if (remaining < 0 || counts.length > symbolMax + 1) throw broken('a table has too many symbols')
  return { table: tableOf(counts, accuracyLog), end: (bit + 7) >> 3 }
}

/** A count takes as many bits as what remains may need; small ones take one less. */
function readCount(read: (count: number) => number, remaining: number, unread: () => void): number {
  const bits = highBit(remaining + 1) + 1
  const value = read(bits)
  const lowerMask = (1 << (bits - 1)) - 1
  const threshold = (1 << bits) - 1 - (remaining + 1)
  const lower = value & lowerMask
  if (lower < threshold) {
    unread()
    return lower - 1
  }
  return (value > lowerMask ? value - threshold : value) - 1
}
