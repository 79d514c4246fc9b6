/**
 * A growing output buffer: a connection collects in one sink everything that it sends in one turn of the event loop,
 * and writes it at once. A writer reserves room and then fills `buffer[offset …]`; `buffer` may be a different one
 * after each `reserve`.
 */
export class ByteSink {
  buffer: Buffer
  /** Bytes written so far. */
  length = 0
  readonly #firstBytes: number

  constructor(firstBytes = 4096) {
    this.#firstBytes = firstBytes
    this.buffer = Buffer.allocUnsafe(firstBytes)
  }

  /** Reserves `count` bytes, which count as written, and returns the offset of the first. */
  reserve(count: number): number {
    const at = this.length
    const end = at + count
    if (end > this.buffer.length) this.#grow(end)
    this.length = end
    return at
  }

  /** Appends bytes. */
  writeBytes(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length)
    this.buffer.set(bytes, at)
  }

  /** Appends text as UTF-8 and returns the number of bytes it took. */
  writeText(text: string): number {
    const at = this.reserve(text.length * 3)
    const count = this.buffer.write(text, at, 'utf8')
    this.length = at + count
    return count
  }

  /** The written bytes, as a view: valid until the next write or reset. */
  bytes(): Buffer {
    return this.buffer.subarray(0, this.length)
  }

  /**
   * Discards what was written and keeps the buffer. With `replace`, a new buffer takes its place, because the old one
   * is still being read.
   */
  reset(replace = false): void {
    this.length = 0
    if (replace) this.buffer = Buffer.allocUnsafe(this.#firstBytes)
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2))
    this.buffer.copy(larger, 0, 0, this.length)
    this.buffer = larger
  }
}
