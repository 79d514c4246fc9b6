import { crc32 as zlibCrc32 } from 'node:zlib'

// Below this size a loop over a table is faster than the call into native code.
const NATIVE_FROM_BYTES = 300

const table = new Int32Array(256)
for (let n = 0; n < 256; n++) {
  let c = n
  for (let k = 0; k < 8; k++) c = (c & 1) !== 0 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
  table[n] = c
}

/**
 * The CRC-32 of `buffer[start, end)` as an unsigned number. With `seed`, the CRC of what came before
 * it, followed by these bytes.
 */
export function crc32(buffer: Uint8Array, start = 0, end = buffer.length, seed = 0): number {
  if (end - start >= NATIVE_FROM_BYTES) {
    const isWhole = start === 0 && end === buffer.length
    return zlibCrc32(isWhole ? buffer : buffer.subarray(start, end), seed)
  }
  let crc = ~seed
  for (let i = start; i < end; i++) {
    crc = (table[(crc ^ (buffer[i] as number)) & 0xff] as number) ^ (crc >>> 8)
  }
  return ~crc >>> 0
}

/**
 * The CRC-32 with its top bit cleared, as RocketMQ keeps it in records and registration headers.
 * Apache: `UtilAll.java`, crc32.
 */
export function crc32Positive(buffer: Uint8Array, start = 0, end = buffer.length): number {
  return crc32(buffer, start, end) & 0x7fffffff
}
