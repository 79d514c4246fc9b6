import type { Clock, Timer } from '@skylarkmq/env'
import type { Arrival, LogWatch, MessageFilter, MessageStore } from '@skylarkmq/store'

/** A pull that found nothing and waits. */
export interface HeldPull {
  readonly topic: string
  readonly queueId: number
  /** First offset wanted. */
  readonly offset: number
  readonly filter: MessageFilter | undefined
  /** Monotonic ms at which it is answered whatever there is. */
  readonly untilMs: number
  /** Runs the pull again, without waiting; called once. */
  readonly run: () => void
}

/** What is asked of the store. */
type HeldPullStore = Pick<MessageStore, 'recordAt' | 'offsetMax'>

const SWEEP_MS = 1_000
/** Every so many sweeps, who was passed by is told how far the queue has come. */
const LOOK_SWEEPS = 5

/**
 * Pulls that wait for a message, by queue. One is woken when a message that its filter takes can be read,
 * or when its time is up; and within 5 s after a message that its filter does not take, so that its client continues
 * behind that. Apache: `PullRequestHoldService.java`, which looks for both every 5 s.
 */
export class PullRequestHold implements LogWatch {
  readonly #clock: Clock
  readonly #store: HeldPullStore
  readonly #byQueue = new Map<string, Set<HeldPull>>()
  #count = 0
  #sweep: Timer | undefined
  #sweeps = 0
  /** Those that a message went by which they do not want. */
  readonly #passedBy = new Set<HeldPull>()

  constructor(clock: Clock, store: HeldPullStore) {
    this.#clock = clock
    this.#store = store
  }

  /** How many pulls wait. */
  get count(): number {
    return this.#count
  }

  /** Holds a pull; returns a function that forgets it, for when its connection ends. */
  hold(pull: HeldPull): () => void {
    const key = keyOf(pull.topic, pull.queueId)
    const held = this.#byQueue.get(key) ?? new Set<HeldPull>()
    if (held.size === 0) this.#byQueue.set(key, held)
    held.add(pull)
    this.#count++
    this.#sweep ??= this.#clock.every(SWEEP_MS, () => {
      this.#wakeOverdue()
    })
    return () => {
      this.#remove(key, pull)
    }
  }

  /** A message can be read: wakes whoever waits for one like it. */
  arrived({ topic, queueId, nextOffset, tagsCode, physicalOffset, sizeBytes }: Arrival): void {
    if (this.#count === 0) return
    const key = keyOf(topic, queueId)
    const held = this.#byQueue.get(key)
    if (held === undefined) return
    for (const pull of [...held]) {
      if (nextOffset <= pull.offset) continue
      if (this.#isWanted(pull, tagsCode, physicalOffset, sizeBytes)) this.#wake(key, pull)
      else this.#passedBy.add(pull)
    }
  }

  #isWanted(
    { filter }: HeldPull,
    tagsCode: number,
    physicalOffset: number,
    sizeBytes: number,
  ): boolean {
    if (filter === undefined) return true
    if (!filter.matchesTagsCode(tagsCode)) return false
    if (filter.matchesRecord === undefined) return true
    try {
      const record = this.#store.recordAt(physicalOffset, sizeBytes)
      return record === undefined || filter.matchesRecord(record)
    } catch {
      // Whoever pulls hears of it; others of this queue are woken all the same.
      return true
    }
  }

  /** Wakes who waits behind the end of a queue that was cut: what comes next there is not behind its offset. */
  cut(): void {
    this.wakeAll(({ topic, queueId, offset }) => offset > this.#store.offsetMax(topic, queueId))
  }

  /** Wakes all: the queue changed in another way, or the broker stops. */
  wakeAll(test: (pull: HeldPull) => boolean = () => true): void {
    for (const [key, held] of [...this.#byQueue]) {
      for (const pull of [...held]) if (test(pull)) this.#wake(key, pull)
    }
  }

  #wakeOverdue(): void {
    const now = this.#clock.monotonic()
    this.#sweeps++
    const isLook = this.#sweeps % LOOK_SWEEPS === 0
    this.wakeAll((pull) => pull.untilMs <= now || (isLook && this.#passedBy.has(pull)))
    if (this.#count > 0) return
    this.#sweep?.cancel()
    this.#sweep = undefined
  }

  #wake(key: string, pull: HeldPull): void {
    if (this.#remove(key, pull)) pull.run()
  }

  #remove(key: string, pull: HeldPull): boolean {
    const held = this.#byQueue.get(key)
    if (held?.delete(pull) !== true) return false
    this.#count--
    this.#passedBy.delete(pull)
    if (held.size === 0) this.#byQueue.delete(key)
    return true
  }
}

function keyOf(topic: string, queueId: number): string {
  return `${topic}@${queueId}`
}
