const BLOCK_BYTES = 128 * 1024

/** A block of a file, as far as the file was written when the block was read. */
interface Block {
  readonly offset: number
  readonly bytes: Buffer
  /** What `bytes` is a view of. */
  readonly buffer: Buffer
}

/** Position of a block: the file, the offset, and how many bytes there are to read. */
export interface BlockPlace {
  readonly offset: number
  readonly sizeBytes: number
}

/**
 * An LRU cache of blocks of the log, shared by all queues. The buffer of an evicted block is reused only in a later
 * turn, because answers of this turn may be views of it: views are valid until the turn ends.
 */
export class BlockCache {
  readonly #limit: number
  readonly #afterTurn: (f: () => void) => void
  readonly #blocks = new Map<number, Block>()
  // The block used last; most reads continue in it.
  #last: Block | undefined
  #retired: Buffer[] = []
  #free: Buffer[] = []

  /** `afterTurn` calls a function once the answers of the current turn are built. */
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

  /** Bytes `[offset, offset + sizeBytes)` if the block used last has all of them; undefined otherwise. */
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
    // In a long turn, retired buffers beyond the limit are left to the garbage collector.
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
