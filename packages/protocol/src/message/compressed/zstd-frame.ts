import { GrowingBytes } from './growing-bytes.ts'
import { broken, byteAt } from './zstd-bits.ts'
import type { HuffmanTable } from './zstd-huffman.ts'
import { BLOCK_BYTES_MAX, readLiterals } from './zstd-literals.ts'
import { runSequences, type SequenceMemory } from './zstd-sequences.ts'

const MAGIC = 0xfd2fb528
/** Magic of skippable frames, except for its last half byte. */
const SKIPPABLE = 0x184d2a50

/**
 * Restores what is in ZSTD frames, where Node has no codec of its own (it has one from 22.15 on). Checksums are not
 * looked at: the record around a body has its own. A ProtocolError when the bytes are broken, need a dictionary, or
 * would become more than `sizeMax`. RFC 8878, 3.1.1.
 *
 * | at | field          | bytes   | what it is                                                                  |
 * | -- | -------------- | ------- | --------------------------------------------------------------------------- |
 * |  0 | magic          | 4, LE   | fd2fb528                                                                    |
 * |  4 | descriptor     | 1       | content size 2 bits, single segment, -, -, checksum, dictionary id 2 bits   |
 * |  . | window         | 0 or 1  | not with a single segment                                                   |
 * |  . | dictionary id  | 0 to 4  |                                                                             |
 * |  . | content size   | 0 to 8  | LE                                                                          |
 * |  . | blocks         | 3 + n   | LE: last, type 2 bits (as it is, one byte repeated, compressed), length     |
 * |  . | checksum       | 0 or 4  |                                                                             |
 */
export function decodeZstdFrame(input: Buffer, sizeMax: number): Buffer {
  const output = new GrowingBytes(input.length * 4, sizeMax)
  let at = 0
  while (at < input.length) {
    if (at + 8 > input.length) throw broken('it is cut short')
    const magic = input.readUInt32LE(at)
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) at += 8 + input.readUInt32LE(at + 4)
    else if (magic === MAGIC) at = decodeFrame(input, at + 4, output)
    else throw broken('no frame begins here')
  }
  return output.bytes()
}

/** Restores one frame from its descriptor on; returns where it ends. */
function decodeFrame(input: Buffer, start: number, output: GrowingBytes): number {
  const descriptor = byteAt(input, start)
  const isSingle = (descriptor & 0x20) !== 0
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] as number
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] as number
  let at = start + 1 + (isSingle ? 0 : 1)
  for (let i = 0; i < dictionaryBytes; i++) {
    if (byteAt(input, at + i) !== 0) throw broken('a dictionary is needed')
  }
  at += dictionaryBytes + sizeBytes
  const frameFrom = output.length
  const memory: SequenceMemory = { repeated: [1, 4, 8] }
  let table: HuffmanTable | undefined
  for (let isLast = false; !isLast;) {
    const header = byteAt(input, at) | (byteAt(input, at + 1) << 8) | (byteAt(input, at + 2) << 16)
    isLast = (header & 1) === 1
    const type = (header >> 1) & 3
    const size = header >> 3
    const from = at + 3
    at = from + (type === 1 ? 1 : size)
    if (size > BLOCK_BYTES_MAX || at > input.length || type === 3) throw broken('a block is broken')
    if (type === 0) output.write(input.subarray(from, at))
    else if (type === 1) output.fill(byteAt(input, from), size)
    else {
      const literals = readLiterals(input, from, at, table)
      table = literals.table
      const range = { start: literals.end, end: at }
      runSequences(input, range, literals.bytes, memory, output, frameFrom)
    }
  }
  return at + ((descriptor & 4) !== 0 ? 4 : 0)
}
