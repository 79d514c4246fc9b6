const BLOCK_BYTES = 128 * 1024

/** A block of a file that was read, as far as it was written then. */
interface Block {
  readonly offset: number
  readonly bytes: Buffer
  /** What `bytes` is a view of. */
  readonly buffer: Buffer
}

/** Where a block lies: in which file, from where, how much of it there is to read. */
export interface BlockPlace {
  readonly offset: number
  readonly sizeBytes: number
}

/**
 * Blocks of the log that were read from disk, the least recently used of which is dropped when there are too
 * many. All queues share it. The buffer of a block that was dropped is used again in a later turn, because
 * answers of this turn may still be views of it: views are valid until the turn ends.
 */
export class BlockCache {
  readonly #limit: number
  readonly #afterTurn: (f: () => void) => void
  readonly #blocks = new Map<number, Block>()
  // The block that was used last; most reads go on in it.
  #last: Block | undefined
  #retired: Buffer[] = []
  #free: Buffer[] = []

  /** `afterTurn` calls a function once when the answers of the current turn are made. */
  constructor(limitBytes: number, afterTurn: (f: () => void) => void) {
    this.#limit = Math.max(2, Math.floor(limitBytes / BLOCK_BYTES))
    this.#afterTurn = afterTurn
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

  /** Bytes `[offset, offset + sizeBytes)` if all of them are in the block that was used last; undefined otherwise. */
  near(offset: number, sizeBytes: number): Buffer | undefined {
    const last = this.#last
    if (last === undefined) return undefined
    const at = offset - last.offset
    if (at < 0 || at + sizeBytes > last.bytes.length) return undefined
    return last.bytes.subarray(at, at + sizeBytes)
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

  /** A buffer to read a block into, for `put`. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES)
  }

  /** Keeps the block at `offset`, of which `length` bytes were read into a buffer from `take`. */
  put(offset: number, buffer: Buffer, length: number): void {
    const before = this.#blocks.get(offset)
    if (before !== undefined) this.#drop(before)
    this.#blocks.set(offset, { offset, bytes: buffer.subarray(0, length), buffer })
    if (this.#blocks.size <= this.#limit) return
    const oldest = this.#blocks.values().next()
    if (oldest.done !== true) this.#drop(oldest.value)
  }

  #drop(block: Block): void {
    this.#blocks.delete(block.offset)
    if (this.#last === block) this.#last = undefined
    if (this.#retired.length === 0) {
      this.#afterTurn(() => {
        const room = Math.max(0, this.#limit - this.#free.length)
        this.#free.push(...this.#retired.slice(0, room))
        this.#retired = []
      })
    }
    // Those of a long turn beyond what is ever kept are left to the garbage collector.
    if (this.#retired.length < this.#limit) this.#retired.push(block.buffer)
  }

  clear(): void {
    this.#blocks.clear()
    this.#last = undefined
  }

  /** The block at `offset`, if it reaches up to `end`. */
  #get(offset: number, end: number): Buffer | undefined {
    const last = this.#last
    const block = last?.offset === offset ? last : this.#blocks.get(offset)
    if (block === undefined || offset + block.bytes.length < end) return undefined
    if (block !== last) {
      this.#blocks.delete(offset)
      this.#blocks.set(offset, block)
      this.#last = block
    }
    return block.bytes
  }
}

function alignDown(at: number): number {
  return at - (at % BLOCK_BYTES)
}
