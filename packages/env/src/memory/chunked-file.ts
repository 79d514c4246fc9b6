import type { DiskFile } from '../env.ts'

const CHUNK_BYTES = 64 * 1024

/** The content of a file below its written chunks. */
export interface Ground {
  /** Fills `target` with the content, zeros where there is none. */
  read(target: Uint8Array, position: number): void
  /** The content is cut at `sizeBytes`. */
  cut(sizeBytes: number): void
  /** The number of open handles changed by one. */
  opened(): void
  closed(): void
}

/** The memory budget of chunks. */
export interface ChunkBudget {
  /** Throws when there is no room for this many more bytes. */
  take(bytes: number): void
  give(bytes: number): void
}

/** The initial state of a file's content. */
export interface ContentOptions {
  /** Wall clock, ms since 1970. */
  readonly now: () => number
  readonly sizeBytes?: number
  readonly modifiedMs?: number
  readonly ground?: Ground
  readonly budget?: ChunkBudget
}

/**
 * The content of a file in memory, in chunks: unwritten ones take no memory and read as the content below, or as
 * zeros.
 */
export class ChunkedContent {
  sizeBytes: number
  modifiedMs: number
  readonly ground: Ground | undefined
  readonly #now: () => number
  #budget: ChunkBudget | undefined
  readonly #chunks = new Map<number, Buffer>()

  constructor({ now, sizeBytes = 0, modifiedMs = now(), ground, budget }: ContentOptions) {
    this.sizeBytes = sizeBytes
    this.modifiedMs = modifiedMs
    this.ground = ground
    this.#now = now
    this.#budget = budget
  }

  /** Returns how many bytes were read: fewer than asked for at the end. */
  read(target: Uint8Array, position: number): number {
    const length = Math.max(0, Math.min(target.length, this.sizeBytes - position))
    for (let done = 0; done < length;) {
      const at = (position + done) % CHUNK_BYTES
      const end = done + Math.min(CHUNK_BYTES - at, length - done)
      const chunk = this.#chunks.get(Math.floor((position + done) / CHUNK_BYTES))
      if (chunk !== undefined) target.set(chunk.subarray(at, at + end - done), done)
      else if (this.ground === undefined) target.fill(0, done, end)
      else this.ground.read(target.subarray(done, end), position + done)
      done = end
    }
    return length
  }

  write(data: Uint8Array, position: number): void {
    for (let done = 0; done < data.length;) {
      const at = (position + done) % CHUNK_BYTES
      const part = data.subarray(done, done + CHUNK_BYTES - at)
      this.#chunk(Math.floor((position + done) / CHUNK_BYTES)).set(part, at)
      done += part.length
    }
    this.sizeBytes = Math.max(this.sizeBytes, position + data.length)
    this.modifiedMs = this.#now()
  }

  #chunk(index: number): Buffer {
    const found = this.#chunks.get(index)
    if (found !== undefined) return found
    this.#budget?.take(CHUNK_BYTES)
    const chunk = Buffer.alloc(CHUNK_BYTES)
    this.ground?.read(chunk, index * CHUNK_BYTES)
    this.#chunks.set(index, chunk)
    return chunk
  }

  resize(sizeBytes: number): void {
    for (const index of this.#chunks.keys()) {
      if (index * CHUNK_BYTES >= sizeBytes) this.#drop(index)
    }
    this.#chunks.get(Math.floor(sizeBytes / CHUNK_BYTES))?.fill(0, sizeBytes % CHUNK_BYTES)
    this.ground?.cut(sizeBytes)
    this.sizeBytes = sizeBytes
    this.modifiedMs = this.#now()
  }

  /** Becomes as another one is. */
  copyOf(other: ChunkedContent): void {
    this.resize(0)
    for (const [index, chunk] of other.#chunks) this.#chunk(index).set(chunk)
    this.sizeBytes = other.sizeBytes
  }

  /** The file has no name any more: what it takes does not count, and goes with the last who has it open. */
  forget(): void {
    this.#budget?.give(this.#chunks.size * CHUNK_BYTES)
    this.#budget = undefined
  }

  #drop(index: number): void {
    this.#chunks.delete(index)
    this.#budget?.give(CHUNK_BYTES)
  }
}

/** An open file in memory, which is as durable as memory can be. */
export class ChunkedFile implements DiskFile {
  readonly path: string
  readonly #content: ChunkedContent
  #isOpen = true

  constructor(path: string, content: ChunkedContent) {
    this.path = path
    this.#content = content
    content.ground?.opened()
  }

  writeNow(data: Uint8Array, position: number): void {
    this.#content.write(data, position)
  }

  readNow(target: Uint8Array, position: number): number {
    return this.#content.read(target, position)
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is a rejection
  async writeAt(data: readonly Uint8Array[], position: number): Promise<void> {
    let at = position
    for (const piece of data) {
      this.#content.write(piece, at)
      at += piece.length
    }
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is a rejection
  async readAt(target: Uint8Array, position: number): Promise<number> {
    return this.#content.read(target, position)
  }

  sync(): Promise<void> {
    return Promise.resolve()
  }

  syncNow(): void {
    // Memory needs no sync.
  }

  size(): number {
    return this.#content.sizeBytes
  }

  resize(sizeBytes: number): void {
    this.#content.resize(sizeBytes)
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#content.ground?.closed()
  }
}
