import type { ConsumeQueue, UnitSpan } from '../consumequeue/consume-queue.ts'

const UNITS_AHEAD = 256
const QUEUES_MAX = 64

/** Units `[first, first + count)` of a queue, read when its cut count was `cuts`. */
interface Ahead {
  readonly buffer: Buffer
  first: number
  count: number
  cuts: number
}

/**
 * Read-ahead of units for the queues read last: a pull takes few units, and a read of a file costs more than its
 * bytes.
 */
export class UnitsAhead {
  readonly #queues = new Map<ConsumeQueue, Ahead>()

  /** As `ConsumeQueue.units`: up to `count` units from `offset` on. Throws the host's error. */
  units(queue: ConsumeQueue, offset: number, count: number): UnitSpan | undefined {
    if (count >= UNITS_AHEAD || queue.isInMemory(offset)) return queue.units(offset, count)
    const known = this.#queues.get(queue)
    if (known !== undefined && has(known, queue, offset)) return spanOf(known, queue, offset, count)
    const read = queue.units(offset, UNITS_AHEAD)
    if (read === undefined) return undefined
    const ahead = known ?? this.#add(queue)
    read.buffer.copy(ahead.buffer, 0, read.at, read.at + read.count * queue.unitBytes)
    ahead.first = offset
    ahead.count = read.count
    ahead.cuts = queue.cuts
    return spanOf(ahead, queue, offset, count)
  }

  #add(queue: ConsumeQueue): Ahead {
    let buffer: Buffer | undefined
    if (this.#queues.size >= QUEUES_MAX) {
      for (const [oldest, ahead] of this.#queues) {
        buffer = ahead.buffer
        this.#queues.delete(oldest)
        break
      }
    }
    const bytes = UNITS_AHEAD * queue.unitBytes
    if (buffer?.length !== bytes) buffer = Buffer.allocUnsafeSlow(bytes)
    const ahead = { buffer, first: 0, count: 0, cuts: 0 }
    this.#queues.set(queue, ahead)
    return ahead
  }
}

function has({ first, count, cuts }: Ahead, queue: ConsumeQueue, offset: number): boolean {
  return cuts === queue.cuts && offset >= first && offset < first + count
}

function spanOf(
  { buffer, first, count }: Ahead,
  { unitBytes }: ConsumeQueue,
  offset: number,
  wanted: number,
): UnitSpan {
  const skipped = offset - first
  return { buffer, at: skipped * unitBytes, count: Math.min(wanted, count - skipped) }
}
