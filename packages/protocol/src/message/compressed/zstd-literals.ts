import { broken, byteAt } from './zstd-bits.ts'
import { readHuffmanStream, readHuffmanTable, type HuffmanTable } from './zstd-huffman.ts'

/** No block is larger, restored. */
export const BLOCK_BYTES_MAX = 128 * 1024

/** The literals of a block, and what comes behind them. */
export interface Literals {
  readonly bytes: Uint8Array
  readonly end: number
  /** For the next block, which may use the same codes. */
  readonly table: HuffmanTable | undefined
}

/** Reads the section of literals, which begins a block. RFC 8878, 3.1.1.3.1. */
export function readLiterals(
  input: Uint8Array,
  start: number,
  end: number,
  before: HuffmanTable | undefined,
): Literals {
  const first = byteAt(input, start)
  const type = first & 3
  if (type < 2) return plainLiterals(input, start, end, type === 1, before)
  const { size, compressed, streams, header } = sizesOf(input, start)
  const dataEnd = start + header + compressed
  if (size > BLOCK_BYTES_MAX || dataEnd > end) throw broken('literals are cut short')
  const described =
    type === 2 ? readHuffmanTable(input.subarray(0, dataEnd), start + header) : undefined
  const table = described?.table ?? before
  if (table === undefined) throw broken('literals without codes')
  const bytes = new Uint8Array(size)
  const from = described?.end ?? start + header
  if (streams === 1) readHuffmanStream(table, input, { start: from, end: dataEnd }, bytes)
  else readFour(table, input, from, dataEnd, bytes)
  return { bytes, end: dataEnd, table }
}

/** Bytes as they are, or one byte many times. */
function plainLiterals(
  input: Uint8Array,
  start: number,
  end: number,
  isRepeated: boolean,
  table: HuffmanTable | undefined,
): Literals {
  const first = byteAt(input, start)
  const format = (first >> 2) & 3
  const header = format === 1 ? 2 : format === 3 ? 3 : 1
  let size = first >> (header === 1 ? 3 : 4)
  if (header > 1) size |= byteAt(input, start + 1) << 4
  if (header > 2) size |= byteAt(input, start + 2) << 12
  const from = start + header
  const dataEnd = from + (isRepeated ? 1 : size)
  if (size > BLOCK_BYTES_MAX || dataEnd > end) throw broken('literals are cut short')
  const bytes = isRepeated
    ? new Uint8Array(size).fill(byteAt(input, from))
    : input.subarray(from, dataEnd)
  return { bytes, end: dataEnd, table }
}

function sizesOf(input: Uint8Array, start: number) {
  const [a, b, c, d, e] = [0, 1, 2, 3, 4].map((i) => input[start + i] ?? 0) as [
    number,
    number,
    number,
    number,
    number,
  ]
  const low = a | (b << 8) | (c << 16)
  switch ((a >> 2) & 3) {
    case 2:
      return {
        size: (low >> 4) & 0x3fff,
        compressed: (low >> 18) | (d << 6),
        streams: 4,
        header: 4,
      }
    case 3:
      return {
        size: (low >> 4) & 0x3ffff,
        compressed: (low >> 22) | (d << 2) | (e << 10),
        streams: 4,
        header: 5,
      }
    case 1:
      return { size: (low >> 4) & 0x3ff, compressed: (low >> 14) & 0x3ff, streams: 4, header: 3 }
    default:
      return { size: (low >> 4) & 0x3ff, compressed: (low >> 14) & 0x3ff, streams: 1, header: 3 }
  }
}

/** Four streams, one behind the other; before them the lengths of the first three. */
function readFour(
  table: HuffmanTable,
  input: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
): void {
  const share = (target.length + 3) >> 2
  let from = start + 6
  for (let i = 0; i < 4; i++) {
    const at = start + 2 * i
    const to = i === 3 ? end : from + (byteAt(input, at) | (byteAt(input, at + 1) << 8))
    if (to > end || share * i > target.length) throw broken('literals are cut short')
    const part = target.subarray(share * i, i === 3 ? target.length : share * (i + 1))
    readHuffmanStream(table, input, { start: from, end: to }, part)
    from = to
  }
}
