import { BodyTooLarge, ProtocolError } from '../../errors.ts'

/** The output of a decoder: grows as it is written, and can be copied from, up to a bound. */
export class GrowingBytes {
  readonly #max: number
  #buffer: Buffer
  /** Bytes written so far. */
  length = 0

  constructor(firstBytes: number, max: number) {
    this.#max = max
    this.#buffer = Buffer.allocUnsafe(Math.max(64, Math.min(firstBytes, max)))
  }

  /** What was written. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.length)
  }

  /** Appends bytes. A ProtocolError when that would be too many. */
  write(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length)
    this.#buffer.set(bytes, at)
  }

  /** Appends one byte so many times. */
  fill(byte: number, count: number): void {
    const at = this.#reserve(count)
    this.#buffer.fill(byte, at, at + count)
  }

  /**
   * Appends `count` bytes that lie `offset` bytes back; they may overlap what is being written, and then repeat. A
   * ProtocolError when they would begin before `from`.
   */
  repeat(offset: number, count: number, from = 0): void {
    if (offset < 1 || offset > this.length - from) {
      throw new ProtocolError({ what: `a copy from ${offset} bytes back of ${this.length - from}` })
    }
    const at = this.#reserve(count)
    const buffer = this.#buffer
    if (offset >= count) {
      buffer.copyWithin(at, at - offset, at - offset + count)
      return
    }
    for (let i = at; i < at + count; i++) buffer[i] = buffer[i - offset] as number
  }

  #reserve(count: number): number {
    const at = this.length
    const end = at + count
    if (end > this.#max) {
      throw new BodyTooLarge({ what: `a body of more than ${this.#max} bytes` })
    }
    if (end > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#max, Math.max(end, this.#buffer.length * 2)))
      this.#buffer.copy(larger, 0, 0, at)
      this.#buffer = larger
    }
    this.length = end
    return at
  }
}
