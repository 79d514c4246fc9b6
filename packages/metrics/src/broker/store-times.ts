import type { MessageStore } from '@skylarkmq/store'

interface Known {
  readonly offset: number
  readonly storedMs: number
}

/**
 * Store times of the messages at which groups stand. One that is behind stands at the same message for long, and to ask
 * the store anew at each scrape may cost a read of the disk.
 */
export class StoreTimes {
  readonly #store: Pick<MessageStore, 'storeTimeOf'>
  #now = new Map<string, Map<number, Known>>()
  #before = this.#now

  constructor(store: Pick<MessageStore, 'storeTimeOf'>) {
    this.#store = store
  }

  /** The store time of a message, ms; −1 when it is not known. `owner` stands at one message of each queue. */
  of(owner: string, topic: string, queueId: number, offset: number): number {
    const known = this.#now.get(owner)?.get(queueId) ?? this.#before.get(owner)?.get(queueId)
    const storedMs = known?.offset === offset ? known.storedMs : this.#ask(topic, queueId, offset)
    const queues = this.#now.get(owner) ?? new Map<number, Known>()
    if (queues.size === 0) this.#now.set(owner, queues)
    queues.set(queueId, { offset, storedMs })
    return storedMs
  }

  /** Forgets what was not asked for since this was called before. */
  forgetOld(): void {
    this.#before = this.#now
    this.#now = new Map()
  }

  #ask(topic: string, queueId: number, offset: number): number {
    try {
      return this.#store.storeTimeOf(topic, queueId, offset)
    } catch {
      // A file that cannot be read must not take the page with it: the age is not known.
      return -1
    }
  }
}
