import { topicHash } from '../index/index-key.ts'
import type { ConsumeQueue } from './consume-queue.ts'

const IDS_IN_ROW = 256

/** The queues of one topic by id. Small ids, which nearly all are, are found without hashing. */
export class TopicQueues {
  readonly name: string
  /** The name in UTF-8. */
  readonly bytes: Buffer
  /** `topicHash` of the name. */
  readonly state: number
  readonly #row: (ConsumeQueue | undefined)[] = []
  #others: Map<number, ConsumeQueue> | undefined

  constructor(name: string) {
    this.name = name
    this.bytes = Buffer.from(name, 'utf8')
    this.state = topicHash(name)
  }

  get(queueId: number): ConsumeQueue | undefined {
    return queueId >= 0 && queueId < IDS_IN_ROW ? this.#row[queueId] : this.#others?.get(queueId)
  }

  set(queue: ConsumeQueue): void {
    const { queueId } = queue
    if (queueId < 0 || queueId >= IDS_IN_ROW) {
      this.#others ??= new Map<number, ConsumeQueue>()
      this.#others.set(queueId, queue)
      return
    }
    while (this.#row.length < queueId) this.#row.push(undefined)
    this.#row[queueId] = queue
  }

  *all(): Iterable<ConsumeQueue> {
    for (const queue of this.#row) if (queue !== undefined) yield queue
    if (this.#others !== undefined) yield* this.#others.values()
  }
}
