/**
 * An output buffer that grows: a connection gathers in one sink all that it has to say in one turn of
 * the event loop, and writes it at once. Whoever writes asks for room first and then fills
 * `buffer[offset …]`; `buffer` may be another one after each `reserve`.
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

  /** Makes room for `count` bytes, which count as written, and returns the offset of the first. */
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

  /** What was written, as a view: valid until the next write or reset. */
  bytes(): Buffer {
    return this.buffer.subarray(0, this.length)
  }

  /**
   * Forgets what was written and keeps the buffer. With `replace` a new buffer takes its place,
   * because somebody still reads the old one.
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
