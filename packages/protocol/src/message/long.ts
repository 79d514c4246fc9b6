const TWO_32 = 0x1_0000_0000

/** Writes a 32-bit number, signed or not, big-endian. */
export function writeInt(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24
  target[at + 1] = value >>> 16
  target[at + 2] = value >>> 8
  target[at + 3] = value
}

/** Reads a signed 32-bit number, big-endian. */
export function readInt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}

/** Writes the low 16 bits of a number, big-endian. */
export function writeShort(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 8
  target[at + 1] = value
}

/** Reads an unsigned 16-bit number, big-endian. */
export function readShort(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

/**
 * Writes a Java `long`, big-endian, as two 32-bit halves: no BigInt is made. `value` is a whole
 * number; beyond the safe integers only its nearest double is written.
 */
export function writeLong(target: Uint8Array, at: number, value: number): void {
  writeInt(target, at, Math.floor(value / TWO_32))
  writeInt(target, at + 4, value >>> 0)
}

/** Reads a Java `long`, big-endian; beyond the safe integers the nearest double. */
export function readLong(bytes: Uint8Array, at: number): number {
  return readInt(bytes, at) * TWO_32 + (readInt(bytes, at + 4) >>> 0)
}
