import type { HalfMessage } from './half-message.ts'

/** How many ended transactions are remembered after the queue's progress has passed them. */
const RECENT_MAX = 65_536

/** A record of ended half messages, and the last half that it lists. */
interface EndedRecord {
  readonly offset: number
  readonly last: number
}

/**
 * State of a half message: `open`; `ended` (committed, rolled back, or replaced by a later copy); or `passed`: checks
 * have progressed beyond it, so it ended or was discarded too long ago to be remembered here.
 */
export type HalfState = 'open' | 'ended' | 'passed'

/**
 * Which half messages, from the progress of checks on, have ended, by queue offset. In memory, and rebuilt from the
 * queues at a start. It holds the offsets that ended within about one check interval, because each round passes all
 * that are old enough, and the last 65,536 ended transactions.
 */
export class HalfTable {
  /** The first half message of the next round. */
  halfNext: number
  /** The first record of ended half messages that is still needed. */
  opNext: number
  readonly #ended = new Set<number>()
  /** For transactions whose half message was appended again: offset of the first → offset of the last. */
  readonly #heads = new Map<number, number>()
  readonly #recent = new Set<number>()
  readonly #records: EndedRecord[] = []
  #recordsDone = 0

  constructor(halfNext: number, opNext: number) {
    this.halfNext = halfNext
    this.opNext = opNext
  }

  /** Half messages that have ended and that no round has passed yet. */
  get endedCount(): number {
    return this.#ended.size
  }

  /** Whether a round skips this offset. */
  isEnded(offset: number): boolean {
    return this.#ended.has(offset)
  }

  /** The state of this half message's transaction. */
  stateOf(half: HalfMessage): HalfState {
    if (this.#recent.has(half.root)) return 'ended'
    if (this.#heads.has(half.root)) return 'open'
    if (half.queueOffset < this.halfNext) return 'passed'
    return this.#ended.has(half.queueOffset) ? 'ended' : 'open'
  }

  /** Ends the transaction of a half message; returns the offsets to record. */
  end(half: HalfMessage): number[] {
    const head = this.#heads.get(half.root) ?? half.queueOffset
    const offsets = new Set([half.root, half.queueOffset, head].filter((offset) => offset >= 0))
    for (const offset of offsets) if (offset >= this.halfNext) this.#ended.add(offset)
    this.#heads.delete(half.root)
    this.#remember(half.root)
    return [...offsets]
  }

  /** A record of ended half messages was appended to its queue at `offset`. */
  noteRecord(offset: number, halves: readonly number[]): void {
    this.#records.push({ offset, last: Math.max(-1, ...halves) })
  }

  /** At a start: half messages that a record lists. */
  noteEnded(halves: readonly number[]): void {
    for (const offset of halves) if (offset >= this.halfNext) this.#ended.add(offset)
  }

  /** A half message was appended again at this offset. */
  copied(root: number, offset: number): void {
    const before = this.#heads.get(root)
    if (before !== undefined && before >= this.halfNext) this.#ended.add(before)
    if (root >= this.halfNext) this.#ended.add(root)
    this.#heads.set(root, offset)
  }

  /** A half message was discarded. */
  dropped(half: HalfMessage): void {
    this.#heads.delete(half.root)
  }

  /** Checks have passed all half messages before `halfNext`. */
  advance(halfNext: number): void {
    for (let offset = this.halfNext; offset < halfNext; offset++) this.#ended.delete(offset)
    this.halfNext = Math.max(this.halfNext, halfNext)
    for (;;) {
      const first = this.#records[this.#recordsDone]
      if (first === undefined || first.last >= this.halfNext) break
      this.opNext = first.offset + 1
      this.#recordsDone++
    }
    if (this.#recordsDone > 1024) this.#records.splice(0, this.#recordsDone)
    if (this.#recordsDone > 1024) this.#recordsDone = 0
  }

  #remember(root: number): void {
    this.#recent.add(root)
    if (this.#recent.size <= RECENT_MAX) return
    for (const oldest of this.#recent) {
      this.#recent.delete(oldest)
      return
    }
  }
}
