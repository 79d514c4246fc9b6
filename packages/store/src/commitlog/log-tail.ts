/** A chunk of the end of the log in memory. Records never span two chunks. */
export interface LogChunk {
  readonly buffer: Buffer
  /** Over the whole buffer. */
  readonly view: DataView
  /** Physical offset of the buffer's first byte. */
  start: number
  /** Bytes of the buffer that are filled. */
  length: number
  /** Bytes that are in the file. */
  written: number
  /** Physical offset where the next chunk begins: the next file, if this chunk ends with a blank record. */
  endOffset: number
}

const CHUNK_BYTES_MAX = 1024 * 1024
/** Chunks kept for the next turn: as many as a turn of many large messages fills. */
const FREE_MAX = 6

/**
 * The end of the log in memory: what is staged, and what was written last. New records are built in it, and reads of
 * recent messages are views of it.
 */
export class LogTail {
  readonly chunks: LogChunk[] = []
  readonly #chunkBytes: number
  readonly #limitBytes: number
  #bytes = 0
  // A retired buffer is reused one turn later, because answers of this turn may still be views of it.
  #retired: Buffer[] = []
  #free: Buffer[] = []

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
    this.#chunkBytes = Math.min(CHUNK_BYTES_MAX, limitBytes >>> 2)
  }

  /** The chunk that ends at `offset` and has room for `sizeBytes`; a new one if necessary. */
  at(offset: number, sizeBytes: number, roomBytes: number): LogChunk {
    const last = this.chunks[this.chunks.length - 1]
    if (
      last !== undefined &&
      last.endOffset === offset &&
      last.start + last.length === offset &&
      last.buffer.length - last.length >= sizeBytes
    ) {
      return last
    }
    const buffer = this.#take(sizeBytes, roomBytes)
    const chunk: LogChunk = {
      buffer,
      view: new DataView(buffer.buffer, buffer.byteOffset, buffer.length),
      start: offset,
      length: 0,
      written: 0,
      endOffset: offset,
    }
    this.#bytes += chunk.buffer.length
    this.chunks.push(chunk)
    return chunk
  }

  /** A view of bytes of the log; undefined when they are not in memory, or not in one chunk. */
  view(offset: number, sizeBytes: number): Buffer | undefined {
    const oldest = this.chunks[0]
    if (oldest === undefined || offset < oldest.start) return undefined
    for (let i = this.chunks.length - 1; i >= 0; i--) {
      const chunk = this.chunks[i] as LogChunk
      const at = offset - chunk.start
      if (at < 0) continue
      if (at + sizeBytes > chunk.length) return undefined
      return chunk.buffer.subarray(at, at + sizeBytes)
    }
    return undefined
  }

  /**
   * Frees the oldest chunks beyond the limit. Called once a turn, after the write. Buffers of chunks that end after
   * `neededFrom` are not reused.
   */
  trim(neededFrom: number): void {
    for (const buffer of this.#retired) if (this.#free.length < FREE_MAX) this.#free.push(buffer)
    this.#retired = []
    while (this.#bytes > this.#limitBytes && this.chunks.length > 1) {
      const oldest = this.chunks[0] as LogChunk
      if (oldest.written < oldest.length) return
      this.chunks.shift()
      this.#bytes -= oldest.buffer.length
      if (oldest.buffer.length === this.#chunkBytes && oldest.endOffset <= neededFrom) {
        this.#retired.push(oldest.buffer)
      }
    }
  }

  /** Drops what lies at and behind `offset`. */
  cut(offset: number): void {
    for (let last = this.chunks.at(-1); last !== undefined; last = this.chunks.at(-1)) {
      if (last.start < offset) {
        last.length = Math.min(last.length, offset - last.start)
        last.written = Math.min(last.written, last.length)
        last.endOffset = Math.min(last.endOffset, offset)
        return
      }
      this.chunks.pop()
      this.#bytes -= last.buffer.length
    }
  }

  #take(sizeBytes: number, roomBytes: number): Buffer {
    if (sizeBytes > this.#chunkBytes) return Buffer.allocUnsafeSlow(sizeBytes)
    if (roomBytes < this.#chunkBytes) return Buffer.allocUnsafeSlow(Math.max(sizeBytes, roomBytes))
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#chunkBytes)
  }
}
