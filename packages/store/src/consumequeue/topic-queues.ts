import { topicHash } from '../index/index-key.ts'
import { BatchConsumeQueue } from './batch-consume-queue.ts'
import { BATCH_UNIT_BYTES } from './batch-unit.ts'
import { ConsumeQueue } from './consume-queue.ts'
import type { QueueFiles } from './queue-files.ts'

const IDS_IN_ROW = 256

/** The queues of one topic by id. Small ids, which almost all are, are found without hashing. */
export class TopicQueues {
  readonly name: string
  /** The name in UTF-8. */
  readonly bytes: Buffer
  /** `topicHash` of the name. */
  readonly state: number
  /** The files of its queues, which determine the format. */
  readonly files: QueueFiles
  readonly #row: (ConsumeQueue | undefined)[] = []
  #others: Map<number, ConsumeQueue> | undefined

  constructor(name: string, files: QueueFiles) {
    this.files = files
    this.name = name
    this.bytes = Buffer.from(name, 'utf8')
    this.state = topicHash(name)
  }

  get(queueId: number): ConsumeQueue | undefined {
    return queueId >= 0 && queueId < IDS_IN_ROW ? this.#row[queueId] : this.#others?.get(queueId)
  }

  /** Creates an empty queue for an id. */
  make(queueId: number): ConsumeQueue {
    const isBatch = this.files.unitBytes === BATCH_UNIT_BYTES
    const queue = new (isBatch ? BatchConsumeQueue : ConsumeQueue)(this.files, this, queueId)
    this.#set(queue)
    return queue
  }

  #set(queue: ConsumeQueue): void {
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
