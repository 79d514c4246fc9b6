import type { GrowingBytes } from './growing-bytes.ts'
import { broken, byteAt, ReverseBits } from './zstd-bits.ts'
import { FseState, readTable, singleTable, tableOf, type FseTable } from './zstd-fse.ts'

/** One of the three kinds of codes of a sequence: its table when none is given, and what its symbols mean. */
interface Kind {
  readonly standard: FseTable
  readonly logMax: number
  readonly symbolMax: number
}

const ones = (count: number, value = 1): number[] => Array<number>(count).fill(value)

const LENGTHS: Kind = {
  standard: tableOf(
    [4, 3, ...ones(11, 2), 1, 1, 1, ...ones(9, 2), 3, 2, ...ones(5), ...ones(4, -1)],
    6,
  ),
  logMax: 9,
  symbolMax: 35,
}
const OFFSETS: Kind = {
  standard: tableOf([...ones(6), 2, 2, 2, ...ones(15), ...ones(5, -1)], 5),
  logMax: 8,
  symbolMax: 31,
}
const MATCHES: Kind = {
  standard: tableOf([1, 4, 3, ...ones(6, 2), ...ones(37), ...ones(7, -1)], 6),
  logMax: 9,
  symbolMax: 52,
}

/** Further bits of a length of literals by its code; the base of each follows from those before it. */
const LENGTH_BITS = [
  ...ones(16, 0),
  1,
  1,
  1,
  1,
  2,
  2,
  3,
  3,
  4,
  6,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
]
const LENGTH_BASES = basesOf(LENGTH_BITS, 0, new Map([[25, 64]]))
const MATCH_BITS = [
  ...ones(32, 0),
  ...[1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
]
const MATCH_BASES = basesOf(MATCH_BITS, 3, new Map())

function basesOf(
  bits: readonly number[],
  first: number,
  known: ReadonlyMap<number, number>,
): number[] {
  let base = first
  return bits.map((count, code) => {
    base = known.get(code) ?? base
    const own = base
    base += 2 ** count
    return own
  })
}

/** What one block of a frame leaves to the next. */
export interface SequenceMemory {
  lengths?: FseTable
  offsets?: FseTable
  matches?: FseTable
  /** The last three offsets, the newest first. */
  readonly repeated: [number, number, number]
}

/** Reads the section of sequences and carries them out: literals, then a copy, again and again. RFC 8878, 3.1.1.3.2. */
export function runSequences(
  input: Uint8Array,
  range: { readonly start: number; readonly end: number },
  literals: Uint8Array,
  memory: SequenceMemory,
  output: GrowingBytes,
  frameFrom: number,
): void {
  const { count, at } = countOf(input, range.start)
  if (count === 0) {
    output.write(literals)
    return
  }
  const data = input.subarray(0, range.end)
  const bits = new ReverseBits(data, readTables(data, at, memory), range.end)
  const lengths = new FseState(memory.lengths as FseTable, bits)
  const offsets = new FseState(memory.offsets as FseTable, bits)
  const matches = new FseState(memory.matches as FseTable, bits)
  let literal = 0
  for (let i = 0; i < count; i++) {
    const offsetCode = offsets.symbol
    const matchCode = matches.symbol
    const lengthCode = lengths.symbol
    const offsetValue = 2 ** offsetCode + bits.read(offsetCode)
    const match = (MATCH_BASES[matchCode] ?? 0) + bits.read(MATCH_BITS[matchCode] ?? 0)
    const length = (LENGTH_BASES[lengthCode] ?? 0) + bits.read(LENGTH_BITS[lengthCode] ?? 0)
    if (i < count - 1) {
      lengths.next(bits)
      matches.next(bits)
      offsets.next(bits)
    }
    if (literal + length > literals.length) throw broken('more literals than there are')
    output.write(literals.subarray(literal, literal + length))
    literal += length
    output.repeat(offsetOf(offsetValue, length === 0, memory.repeated), match, frameFrom)
  }
  if (bits.left !== 0) throw broken('sequences are too short or too long')
  output.write(literals.subarray(literal))
}

function countOf(input: Uint8Array, start: number): { count: number; at: number } {
  const first = byteAt(input, start)
  if (first < 128) return { count: first, at: start + 1 }
  const second = byteAt(input, start + 1)
  if (first < 255) return { count: ((first - 128) << 8) + second, at: start + 2 }
  return { count: second + (byteAt(input, start + 2) << 8) + 0x7f00, at: start + 3 }
}

/** Reads what tables there are; returns the place behind them. */
function readTables(input: Uint8Array, start: number, memory: SequenceMemory): number {
  const modes = byteAt(input, start)
  if ((modes & 3) !== 0) throw broken('reserved bits are set')
  let at = start + 1
  const one = (kind: Kind, mode: number, before: FseTable | undefined): FseTable => {
    if (mode === 0) return kind.standard
    if (mode === 1) {
      const symbol = byteAt(input, at++)
      if (symbol > kind.symbolMax) throw broken('an unknown code')
      return singleTable(symbol)
    }
    if (mode === 2) {
      const { table, end } = readTable(input, at, kind.logMax, kind.symbolMax)
      at = end
      return table
    }
    if (before === undefined) throw broken('a table of a block that is not there')
    return before
  }
  memory.lengths = one(LENGTHS, modes >> 6, memory.lengths)
  memory.offsets = one(OFFSETS, (modes >> 4) & 3, memory.offsets)
  memory.matches = one(MATCHES, (modes >> 2) & 3, memory.matches)
  return at
}

/** The offset of a value: up to 3 it names one of the last three, and one further when no literals come before it. */
function offsetOf(
  value: number,
  hasNoLiterals: boolean,
  repeated: [number, number, number],
): number {
  const [first, second, third] = repeated
  if (value > 3) {
    repeated[2] = second
    repeated[1] = first
    return (repeated[0] = value - 3)
  }
  const index = value - 1 + (hasNoLiterals ? 1 : 0)
  if (index === 0) return first
  const offset = index === 1 ? second : index === 2 ? third : first - 1
  if (index > 1) repeated[2] = second
  repeated[1] = first
  return (repeated[0] = offset)
}
