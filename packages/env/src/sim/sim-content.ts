import type { SimRandom } from './sim-random.ts'

/** Blocks of this size reach the disk or do not, each for itself. */
const BLOCK_BYTES = 512
const PAGE_BYTES = 4096

/** A change that is in the page cache and not known to be on disk. */
export type Change =
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'resize'; readonly sizeBytes: number }

/** Bytes that grow; what was never written is zero. */
class Bytes {
  size = 0
  #buffer: Buffer = Buffer.alloc(0)

  write(at: number, bytes: Uint8Array): void {
    this.#reach(at + bytes.length)
    this.#buffer.set(bytes, at)
    this.size = Math.max(this.size, at + bytes.length)
  }

  resize(sizeBytes: number): void {
    this.#reach(sizeBytes)
    if (sizeBytes < this.size) this.#buffer.fill(0, sizeBytes, this.size)
    this.size = sizeBytes
  }

  read(target: Uint8Array, at: number): number {
    const length = Math.max(0, Math.min(target.length, this.size - at))
    if (length > 0) target.set(this.#buffer.subarray(at, at + length))
    return length
  }

  slice(at: number, end: number): Buffer {
    return Buffer.from(this.#buffer.subarray(at, Math.min(end, this.size)))
  }

  apply(change: Change): void {
    if (change.kind === 'write') this.write(change.at, change.bytes)
    else this.resize(change.sizeBytes)
  }

  copyOf(other: Bytes): void {
    this.#buffer = Buffer.from(other.#buffer)
    this.size = other.size
  }

  #reach(sizeBytes: number): void {
    if (sizeBytes <= this.#buffer.length) return
    const larger = Buffer.alloc(Math.max(sizeBytes, 2 * this.#buffer.length))
    this.#buffer.copy(larger)
    this.#buffer = larger
  }
}

/**
 * The content of one file: what is surely on disk, what the page cache says, and the changes in between, in
 * their order. A power cut keeps of each what it likes.
 */
export class SimContent {
  readonly cached = new Bytes()
  readonly durable = new Bytes()
  pending: Change[] = []
  modifiedMs = 0
  /** Pages that take room. */
  pages = new Set<number>()

  write(at: number, bytes: Buffer): void {
    if (bytes.length === 0) return
    this.cached.write(at, bytes)
    this.pending.push({ kind: 'write', at, bytes })
  }

  resize(sizeBytes: number): void {
    this.cached.resize(sizeBytes)
    this.pending.push({ kind: 'resize', sizeBytes })
    const end = Math.ceil(sizeBytes / PAGE_BYTES)
    for (const page of this.pages) if (page >= end) this.pages.delete(page)
  }

  /** Changes up to now are on disk. */
  synced(changes: ReadonlySet<Change>): void {
    for (const change of this.pending) if (changes.has(change)) this.durable.apply(change)
    this.pending = this.pending.filter((change) => !changes.has(change))
  }

  /**
   * A sync failed, as Linux does it: some pages were written, the others count as clean and never will be. With
   * `dropsCache` the cache forgets them too, so that a read shows what is on disk.
   */
  syncFailed(changes: ReadonlySet<Change>, random: SimRandom, dropsCache: boolean): void {
    const failed = this.pending.filter((change) => changes.has(change))
    this.pending = this.pending.filter((change) => !changes.has(change))
    const isWritten = new Map<number, boolean>()
    for (const change of failed) {
      if (change.kind === 'resize') {
        this.durable.apply(change)
        continue
      }
      for (const part of blocksOf(change)) {
        const block = Math.floor(part.at / BLOCK_BYTES)
        if (!isWritten.has(block)) isWritten.set(block, random.chance(0.3))
        if (isWritten.get(block)) this.durable.apply(part)
      }
    }
    if (!dropsCache) return
    const size = this.cached.size
    this.cached.copyOf(this.durable)
    this.cached.resize(size)
    for (const change of this.pending) this.cached.apply(change)
  }

  /**
   * The power goes: of each change that is not on disk some blocks survive, and one may be torn at any byte. A block
   * that kept one change kept those before it.
   */
  powerCut(random: SimRandom): void {
    const share = random.pick([0, 0.5, 0.9, 1])
    const stale = new Set<number>()
    for (const change of this.pending) {
      if (change.kind === 'resize') {
        if (random.chance(share)) this.durable.apply(change)
        continue
      }
      for (const part of blocksOf(change)) {
        const block = Math.floor(part.at / BLOCK_BYTES)
        if (stale.has(block)) continue
        if (random.chance(share)) {
          this.durable.apply(part)
          continue
        }
        stale.add(block)
        if (random.chance(0.1)) {
          const bytes = part.bytes.subarray(0, random.below(part.bytes.length))
          this.durable.write(part.at, bytes)
        }
      }
    }
    this.pending = []
    this.cached.copyOf(this.durable)
    const end = Math.ceil(this.durable.size / PAGE_BYTES)
    for (const page of this.pages) if (page >= end) this.pages.delete(page)
  }

  /** A copy of what the page cache says. */
  fork(): SimContent {
    const copy = new SimContent()
    copy.cached.copyOf(this.cached)
    copy.modifiedMs = this.modifiedMs
    copy.pages = new Set(this.pages)
    return copy
  }
}

function* blocksOf(change: Change & { kind: 'write' }): Iterable<Change & { kind: 'write' }> {
  for (let done = 0; done < change.bytes.length;) {
    const at = change.at + done
    const length = Math.min(BLOCK_BYTES - (at % BLOCK_BYTES), change.bytes.length - done)
    yield { kind: 'write', at, bytes: change.bytes.subarray(done, done + length) }
    done += length
  }
}

/** The pages that a range of bytes lies in. */
export function pagesOf(at: number, sizeBytes: number): { first: number; end: number } {
  return { first: Math.floor(at / PAGE_BYTES), end: Math.ceil((at + sizeBytes) / PAGE_BYTES) }
}

/** Bytes of a page. */
export const SIM_PAGE_BYTES = PAGE_BYTES
