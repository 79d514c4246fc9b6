const BLOCK_BYTES = 128 * 1024

/** A block of a file that was read, as far as it was written then. */
interface Block {
  readonly bytes: Buffer
}

/** Where a block lies: in which file, from where, how much of it there is to read. */
export interface BlockPlace {
  readonly offset: number
  readonly sizeBytes: number
}

/**
 * Blocks of the log that were read from disk, the least recently used of which is dropped when there are too
 * many. All queues share it. A block is dropped, never changed, so views of it stay valid.
 */
export class BlockCache {
  readonly #limit: number
  readonly #blocks = new Map<number, Block>()

  constructor(limitBytes: number) {
    this.#limit = Math.max(2, Math.floor(limitBytes / BLOCK_BYTES))
  }

  /** Bytes `[offset, offset + sizeBytes)` of one file that begins at `fileStart`; undefined when a block is missing. */
  view(fileStart: number, offset: number, sizeBytes: number): Buffer | undefined {
    const first = fileStart + alignDown(offset - fileStart)
    const end = offset + sizeBytes
    const head = this.#get(first, Math.min(end, first + BLOCK_BYTES))
    if (head === undefined) return undefined
    if (end <= first + BLOCK_BYTES) return head.subarray(offset - first, end - first)
    const whole = Buffer.allocUnsafe(sizeBytes)
    head.copy(whole, 0, offset - first)
    for (let at = first + BLOCK_BYTES; at < end; at += BLOCK_BYTES) {
      const stop = Math.min(end, at + BLOCK_BYTES)
      const block = this.#get(at, stop)
      if (block === undefined) return undefined
      block.copy(whole, at - offset, 0, stop - at)
    }
    return whole
  }

  /** The blocks that `view` lacks, cut off at `writtenEnd`. */
  missing(fileStart: number, offset: number, sizeBytes: number, writtenEnd: number): BlockPlace[] {
    const places: BlockPlace[] = []
    const end = offset + sizeBytes
    for (let at = fileStart + alignDown(offset - fileStart); at < end; at += BLOCK_BYTES) {
      if (this.#get(at, Math.min(end, at + BLOCK_BYTES)) !== undefined) continue
      places.push({ offset: at, sizeBytes: Math.min(BLOCK_BYTES, writtenEnd - at) })
    }
    return places
  }

  put(offset: number, bytes: Buffer): void {
    this.#blocks.delete(offset)
    this.#blocks.set(offset, { bytes })
    if (this.#blocks.size <= this.#limit) return
    const oldest = this.#blocks.keys().next()
    if (oldest.done !== true) this.#blocks.delete(oldest.value)
  }

  clear(): void {
    this.#blocks.clear()
  }

  /** The block at `offset`, if it reaches up to `end`. */
  #get(offset: number, end: number): Buffer | undefined {
    const block = this.#blocks.get(offset)
    if (block === undefined || offset + block.bytes.length < end) return undefined
    this.#blocks.delete(offset)
    this.#blocks.set(offset, block)
    return block.bytes
  }
}

function alignDown(at: number): number {
  return at - (at % BLOCK_BYTES)
}
