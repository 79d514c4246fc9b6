import { ChunkedContent } from '../memory/chunked-file.ts'
import type { SimRandom } from './sim-random.ts'

/** Blocks of this size reach the disk independently. */
const BLOCK_BYTES = 512
const PAGE_BYTES = 4096

/** A change in the page cache that may not be on disk. */
export type Change =
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'resize'; readonly sizeBytes: number }

/**
 * The content of one file: what is surely on disk, what the page cache says, and the changes in between, in
 * their order. A power cut keeps of each what it likes. Bytes are kept as a disk in memory keeps them.
 */
export class SimContent {
  readonly cached = content()
  readonly durable = content()
  pending: Change[] = []
  modifiedMs = 0
  /** Pages that take space. */
  pages = new Set<number>()

  write(at: number, bytes: Buffer): void {
    if (bytes.length === 0) return
    this.cached.write(bytes, at)
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
    for (const change of this.pending) if (changes.has(change)) apply(this.durable, change)
    this.pending = this.pending.filter((change) => !changes.has(change))
  }

  /**
   * A sync failed, as on Linux: some pages were written, the others count as clean and never will be. With
   * `dropsCache` the cache drops them too, so that reads show what is on disk.
   */
  syncFailed(changes: ReadonlySet<Change>, random: SimRandom, dropsCache: boolean): void {
    const failed = this.pending.filter((change) => changes.has(change))
    this.pending = this.pending.filter((change) => !changes.has(change))
    const isWritten = new Map<number, boolean>()
    for (const change of failed) {
      if (change.kind === 'resize') {
        apply(this.durable, change)
        continue
      }
      for (const part of blocksOf(change)) {
        const block = Math.floor(part.at / BLOCK_BYTES)
        if (!isWritten.has(block)) isWritten.set(block, random.chance(0.3))
        if (isWritten.get(block)) apply(this.durable, part)
      }
    }
    if (!dropsCache) return
    const size = this.cached.sizeBytes
    this.cached.copyOf(this.durable)
    this.cached.resize(size)
    for (const change of this.pending) apply(this.cached, change)
  }

  /**
   * A power cut: of each change that is not on disk some blocks survive, and one may be torn at any byte. A block
   * that kept one change also kept the earlier ones.
   */
  powerCut(random: SimRandom): void {
    const share = random.pick([0, 0.5, 0.9, 1])
    const stale = new Set<number>()
    for (const change of this.pending) {
      if (change.kind === 'resize') {
        if (random.chance(share)) apply(this.durable, change)
        continue
      }
      for (const part of blocksOf(change)) {
        const block = Math.floor(part.at / BLOCK_BYTES)
        if (stale.has(block)) continue
        if (random.chance(share)) {
          apply(this.durable, part)
          continue
        }
        stale.add(block)
        if (random.chance(0.1)) {
          const bytes = part.bytes.subarray(0, random.below(part.bytes.length))
          this.durable.write(bytes, part.at)
        }
      }
    }
    this.pending = []
    this.cached.copyOf(this.durable)
    const end = Math.ceil(this.durable.sizeBytes / PAGE_BYTES)
    for (const page of this.pages) if (page >= end) this.pages.delete(page)
  }

  /** A copy of what the page cache shows. */
  fork(): SimContent {
    const copy = new SimContent()
    copy.cached.copyOf(this.cached)
    copy.modifiedMs = this.modifiedMs
    copy.pages = new Set(this.pages)
    return copy
  }
}

/** Bytes in memory. When they changed, the file as a whole knows. */
function content(): ChunkedContent {
  return new ChunkedContent({ now: () => 0 })
}

function apply(content: ChunkedContent, change: Change): void {
  if (change.kind === 'write') content.write(change.bytes, change.at)
  else content.resize(change.sizeBytes)
}

function* blocksOf(change: Change & { kind: 'write' }): Iterable<Change & { kind: 'write' }> {
  for (let done = 0; done < change.bytes.length;) {
    const at = change.at + done
    const length = Math.min(BLOCK_BYTES - (at % BLOCK_BYTES), change.bytes.length - done)
    yield { kind: 'write', at, bytes: change.bytes.subarray(done, done + length) }
    done += length
  }
}

/** The pages that overlap a range of bytes. */
export function pagesOf(at: number, sizeBytes: number): { first: number; end: number } {
  return { first: Math.floor(at / PAGE_BYTES), end: Math.ceil((at + sizeBytes) / PAGE_BYTES) }
}

/** Bytes of a page. */
export const SIM_PAGE_BYTES = PAGE_BYTES
