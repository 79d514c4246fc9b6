import { ProtocolError } from '../../errors.ts'
import { GrowingBytes } from './growing-bytes.ts'

const MAGIC = 0x184d2204
/** Magic of skippable frames, except for its last half byte. */
const SKIPPABLE = 0x184d2a50
/** Set in a block's length: the block is not compressed. */
const PLAIN = 0x80000000
/** A half byte of a token with this value is continued by further length bytes. */
const LONG = 15
const MATCH_MIN = 4

/**
 * Restores what is in LZ4 frames, as lz4-java and the lz4 command write them. Checksums are not looked at: the record
 * around a body has its own. A ProtocolError when the bytes are broken or would become more than `sizeMax`.
 *
 * | at | field             | bytes   | what it is                                                    |
 * | -- | ----------------- | ------- | ------------------------------------------------------------- |
 * |  0 | magic             | 4, LE   | 184d2204                                                      |
 * |  4 | flags             | 1       | version 01, then bits: blocks independent, block checksums, content size, content checksum, -, dictionary |
 * |  5 | block maximum     | 1       |                                                               |
 * |  6 | content size      | 0 or 8  | LE                                                            |
 * |  . | dictionary id     | 0 or 4  |                                                               |
 * |  . | header checksum   | 1       |                                                               |
 * |  . | blocks            | 4 + n (+ 4) | length (top bit: not compressed), bytes, perhaps a checksum |
 * |  . | end               | 4       | 0                                                             |
 * |  . | content checksum  | 0 or 4  |                                                               |
 */
export function decodeLz4Frame(input: Buffer, sizeMax: number): Buffer {
  const output = new GrowingBytes(input.length * 3, sizeMax)
  let at = 0
  while (at < input.length) {
    const magic = wordAt(input, at)
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) at += 8 + wordAt(input, at + 4)
    else if (magic === MAGIC) at = decodeFrame(input, at, output)
    else throw broken('no frame begins here')
  }
  return output.bytes()
}

/** Restores one frame; returns where it ends. */
function decodeFrame(input: Buffer, start: number, output: GrowingBytes): number {
  const flags = byteAt(input, start + 4)
  if (flags >> 6 !== 1) throw broken('an unknown version')
  if ((flags & 0x01) !== 0) throw broken('a dictionary is needed')
  const isIndependent = (flags & 0x20) !== 0
  const checksumBytes = (flags & 0x10) !== 0 ? 4 : 0
  let at = start + 7 + ((flags & 0x08) !== 0 ? 8 : 0)
  const frameFrom = output.length
  for (;;) {
    const length = wordAt(input, at)
    at += 4
    if (length === 0) break
    const end = at + (length & ~PLAIN)
    if (end > input.length) throw broken('a block is cut short')
    if (length >= PLAIN) output.write(input.subarray(at, end))
    else decodeBlock(input, at, end, output, isIndependent ? output.length : frameFrom)
    at = end + checksumBytes
  }
  return at + ((flags & 0x04) !== 0 ? 4 : 0)
}

/** Restores one block, whose copies may reach back to `from`. */
function decodeBlock(
  input: Buffer,
  start: number,
  end: number,
  output: GrowingBytes,
  from: number,
): void {
  let at = start
  /** Reads the further bytes of a length. */
  const rest = (): number => {
    let sum = 0
    for (;;) {
      const byte = byteAt(input, at++)
      sum += byte
      if (byte !== 255) return sum
    }
  }
  while (at < end) {
    const token = byteAt(input, at++)
    let literals = token >> 4
    if (literals === LONG) literals += rest()
    if (at + literals > end) throw broken('literals are cut short')
    output.write(input.subarray(at, at + literals))
    at += literals
    // A block ends with literals.
    if (at >= end) return
    const offset = byteAt(input, at) | (byteAt(input, at + 1) << 8)
    at += 2
    let length = token & LONG
    if (length === LONG) length += rest()
    output.repeat(offset, length + MATCH_MIN, from)
  }
}

function byteAt(input: Buffer, at: number): number {
  const byte = input[at]
  if (byte === undefined) throw broken('it is cut short')
  return byte
}

function wordAt(input: Buffer, at: number): number {
  if (at + 4 > input.length) throw broken('it is cut short')
  return input.readUInt32LE(at)
}

function broken(what: string): ProtocolError {
  return new ProtocolError({ what: `LZ4: ${what}` })
}
