import type { Clock, Timer } from '@skylarkmq/env'
import type { Arrival, LogWatch, MessageFilter, MessageStore } from '@skylarkmq/store'

/** A pull that found nothing and waits. */
export interface HeldPull {
  /** The group on whose behalf it waits. */
  readonly group: string
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

/** Those that wait for one queue, by group. A set may be empty until the next sweep: most pulls come again at once. */
type HeldAtQueue = Map<string, Set<HeldPull>>

/** What is asked of the store. */
type HeldPullStore = Pick<MessageStore, 'recordAt' | 'offsetMax'>

const SWEEP_MS = 1_000
/** Every so many sweeps, who was passed by is told how far the queue has come. */
const LOOK_SWEEPS = 5

/**
 * Pulls that wait for a message, by queue and group. One is woken when a message that its filter takes can be read,
 * or when its time is up; and within 5 s after a message that its filter does not take, so that its client continues
 * behind that. Apache: `PullRequestHoldService.java`, which looks for both every 5 s.
 */
export class PullRequestHold implements LogWatch {
  readonly #clock: Clock
  readonly #store: HeldPullStore
  readonly #byQueue = new Map<string, HeldAtQueue>()
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
    this.#add(key, pull)
    this.#count++
    this.#sweep ??= this.#clock.every(SWEEP_MS, () => {
      this.#wakeOverdue()
    })
    return () => {
      this.#remove(key, pull)
    }
  }

  #add(key: string, pull: HeldPull): void {
    let groups = this.#byQueue.get(key)
    if (groups === undefined) this.#byQueue.set(key, (groups = new Map<string, Set<HeldPull>>()))
    let held = groups.get(pull.group)
    if (held === undefined) groups.set(pull.group, (held = new Set()))
    held.add(pull)
  }

  /** A message can be read: wakes whoever waits for one like it. */
  arrived({ topic, queueId, nextOffset, tagsCode, physicalOffset, sizeBytes }: Arrival): void {
    if (this.#count === 0) return
    const key = keyOf(topic, queueId)
    const groups = this.#byQueue.get(key)
    if (groups === undefined) return
    const woken: HeldPull[] = []
    for (const held of groups.values()) {
      for (const pull of held) {
        if (nextOffset <= pull.offset) continue
        if (this.#isWanted(pull, tagsCode, physicalOffset, sizeBytes)) woken.push(pull)
        else this.#passedBy.add(pull)
      }
    }
    for (const pull of woken) this.#wake(key, pull)
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

  /** Wakes those that wait for a queue on behalf of a group. */
  wakeGroup(group: string, topic: string, queueId: number): void {
    const key = keyOf(topic, queueId)
    const held = this.#byQueue.get(key)?.get(group)
    if (held !== undefined) for (const pull of [...held]) this.#wake(key, pull)
  }

  /** Wakes all: the queue changed in another way, or the broker stops. */
  wakeAll(test: (pull: HeldPull) => boolean = () => true): void {
    const woken: [string, HeldPull][] = []
    for (const [key, groups] of this.#byQueue) {
      for (const held of groups.values()) {
        for (const pull of held) if (test(pull)) woken.push([key, pull])
      }
    }
    for (const [key, pull] of woken) this.#wake(key, pull)
  }

  #wakeOverdue(): void {
    const now = this.#clock.monotonic()
    this.#sweeps++
    const isLook = this.#sweeps % LOOK_SWEEPS === 0
    this.wakeAll((pull) => pull.untilMs <= now || (isLook && this.#passedBy.has(pull)))
    this.#dropEmpty()
    if (this.#count > 0) return
    this.#sweep?.cancel()
    this.#sweep = undefined
  }

  #dropEmpty(): void {
    for (const [key, groups] of this.#byQueue) {
      for (const [group, held] of groups) if (held.size === 0) groups.delete(group)
      if (groups.size === 0) this.#byQueue.delete(key)
    }
  }

  #wake(key: string, pull: HeldPull): void {
    if (this.#remove(key, pull)) pull.run()
  }

  #remove(key: string, pull: HeldPull): boolean {
    if (this.#byQueue.get(key)?.get(pull.group)?.delete(pull) !== true) return false
    this.#count--
    this.#passedBy.delete(pull)
    return true
  }
}

function keyOf(topic: string, queueId: number): string {
  return `${topic}@${queueId}`
}
