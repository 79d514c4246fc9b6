import { readBatchPart, type BatchPart } from './batch-unit.ts'
import { ConsumeQueue } from './consume-queue.ts'

/**
 * One queue of a topic that stores each batch as one record: a unit stands for all messages of a record, so offsets
 * differ from places. Offsets between two units may stand for no message. Apache: `BatchConsumeQueue.java`.
 */
export class BatchConsumeQueue extends ConsumeQueue {
  override readonly batchIn = readBatchPart
  #offsetMax = 0
  // The first offset, cached for a given first place and number of cuts.
  #known = { place: -1, cuts: -1, offset: 0 }

  override get offsetMin(): number {
    const { placeMin, placeEnd, cuts } = this
    if (placeMin >= placeEnd) return this.#offsetMax
    if (this.#known.place !== placeMin || this.#known.cuts !== cuts) {
      this.#known = { place: placeMin, cuts, offset: this.offsetAt(placeMin) }
    }
    return this.#known.offset
  }

  override get offsetMax(): number {
    return this.#offsetMax
  }

  override placeOf(offset: number): number {
    if (offset >= this.#offsetMax) return this.placeEnd
    let low = this.fileFirst
    let high = this.placeEnd
    // Binary search for the first unit that ends behind the offset.
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const part = this.partAt(middle)
      if (part !== undefined && part.baseOffset + part.count <= offset) low = middle + 1
      else high = middle
    }
    return low
  }

  override offsetAt(place: number): number {
    return this.partAt(place)?.baseOffset ?? this.#offsetMax
  }

  /** The batch fields of the unit at a place; undefined where there is none. Throws the host's error. */
  partAt(place: number): BatchPart | undefined {
    const span = this.units(place, 1)
    return span === undefined ? undefined : this.batchIn(span.buffer, span.at)
  }

  override append(
    physicalOffset: number,
    sizeBytes: number,
    tagsCode: number,
    batch: BatchPart = { storeTimestamp: 0, baseOffset: this.#offsetMax, count: 1 },
  ): void {
    const { offsetNext } = this
    super.append(physicalOffset, sizeBytes, tagsCode, batch)
    this.#offsetMax = batch.baseOffset + batch.count
    this.offsetNext = Math.max(offsetNext, this.#offsetMax)
  }

  /** Gaps between offsets need no filler units here. */
  override fillTo(): void {
    this.offsetNext = Math.max(this.offsetNext, this.#offsetMax)
  }

  protected override ended(): void {
    const part = this.partAt(this.placeEnd - 1)
    this.#offsetMax = part === undefined ? 0 : part.baseOffset + part.count
    this.offsetNext = this.#offsetMax
  }
}
