import type { Env } from '@skylarkmq/env'
import { unitPhysicalOffset } from './consume-queue-unit.ts'
import { ConsumeQueue } from './consume-queue.ts'
import type { QueueFiles } from './queue-files.ts'

const QUEUES_PER_WRITE = 512

interface TopicQueues {
  readonly name: string
  readonly bytes: Buffer
  readonly queues: Map<number, ConsumeQueue>
}

/** All consume queues by topic and id. Apache: `ConsumeQueueStore.java`. */
export class ConsumeQueueTable {
  readonly files: QueueFiles
  readonly #env: Env
  readonly #topics = new Map<string, TopicQueues>()
  #dirty: ConsumeQueue[] = []
  // Queues that may still have units in memory which nobody has added to since the last round.
  #warm = new Set<ConsumeQueue>()
  #lastTopic: TopicQueues | undefined

  constructor(env: Env, files: QueueFiles) {
    this.#env = env
    this.files = files
  }

  /** The queue, if it was ever written. */
  get(topic: string, queueId: number): ConsumeQueue | undefined {
    return this.#topics.get(topic)?.queues.get(queueId)
  }

  /** The queue; an empty one when there was none. */
  getOrCreate(topic: string, queueId: number): ConsumeQueue {
    let found = this.#topics.get(topic)
    if (found === undefined) {
      found = { name: topic, bytes: Buffer.from(topic, 'utf8'), queues: new Map() }
      this.#topics.set(topic, found)
    }
    let queue = found.queues.get(queueId)
    if (queue === undefined) {
      queue = new ConsumeQueue(this.files, found.name, found.bytes, queueId)
      found.queues.set(queueId, queue)
    }
    return queue
  }

  /** As `getOrCreate`, for a topic that lies in a record at `buffer[start, end)`. */
  ofRecord(buffer: Buffer, start: number, end: number, queueId: number): ConsumeQueue {
    // Records of one topic often follow each other, and making a string of its name costs more than all else.
    const last = this.#lastTopic
    if (last !== undefined && isSame(last.bytes, buffer, start, end)) {
      return last.queues.get(queueId) ?? this.getOrCreate(last.name, queueId)
    }
    const queue = this.getOrCreate(buffer.toString('utf8', start, end), queueId)
    this.#lastTopic = this.#topics.get(queue.topic)
    return queue
  }

  topics(): string[] {
    return [...this.#topics.keys()].filter((topic) => this.queueIds(topic).length > 0)
  }

  /** Ids of a topic's queues that were written, ascending. */
  queueIds(topic: string): number[] {
    const queues = [...(this.#topics.get(topic)?.queues.values() ?? [])]
    const written = queues.filter((queue) => queue.offsetMax > 0 || queue.fileEnd > queue.fileFirst)
    return written.map((queue) => queue.queueId).sort((a, b) => a - b)
  }

  *all(): Iterable<ConsumeQueue> {
    for (const topic of this.#topics.values()) yield* topic.queues.values()
  }

  /** To be called after each unit that was added. */
  touched(queue: ConsumeQueue): void {
    if (queue.isDirty || queue.isGone) return
    queue.isDirty = true
    this.#dirty.push(queue)
  }

  /**
   * Writes units that are only in memory: of all queues, or of as many as do not hold up the turn. Throws the
   * host's error; what was not written is tried again at the next call.
   */
  write(limit = QUEUES_PER_WRITE): void {
    const count = Math.min(limit, this.#dirty.length)
    let done = 0
    try {
      for (; done < count; done++) {
        const queue = this.#dirty[done] as ConsumeQueue
        queue.write()
        queue.isDirty = false
        this.#warm.add(queue)
      }
    } finally {
      this.#dirty = this.#dirty.slice(done)
    }
  }

  /** Lets go of units in memory of queues that nothing was added to since the last call. */
  forgetIdle(): void {
    for (const queue of this.#warm) if (!queue.isDirty) queue.forgetTail()
    this.#warm = new Set()
  }

  /** True when some units are only in memory. */
  get hasUnwritten(): boolean {
    return this.#dirty.length > 0
  }

  /** How many calls of `write` it takes to write all. */
  get turnsToWrite(): number {
    return Math.ceil(this.#dirty.length / QUEUES_PER_WRITE)
  }

  /** Counts the newest files of all queues as not being on disk. */
  markUnsynced(): void {
    for (const queue of this.all()) queue.markUnsynced()
  }

  deleteTopic(topic: string): void {
    const found = this.#topics.get(topic)
    if (found === undefined) return
    this.#topics.delete(topic)
    this.#lastTopic = undefined
    const gone = new Set(found.queues.values())
    this.#dirty = this.#dirty.filter((queue) => !gone.has(queue))
    for (const queue of gone) {
      queue.isGone = true
      queue.removeAllFiles()
      this.#warm.delete(queue)
    }
    this.#env.disk.removeTree(`${this.files.directory}/${topic}`)
  }

  /** Ends of records: the greatest that any queue names, 0 when there is none. */
  physicalEnd(): number {
    let end = 0
    for (const queue of this.all()) end = Math.max(end, queue.physicalEnd)
    return end
  }

  /** Where the record starts whose end `physicalEnd` is; undefined when there is none. */
  lastRecord(): number | undefined {
    let last: ConsumeQueue | undefined
    for (const queue of this.all()) {
      if (queue.physicalEnd > (last?.physicalEnd ?? 0)) last = queue
    }
    const span = last?.units(last.offsetMax - 1, 1)
    return span === undefined ? undefined : unitPhysicalOffset(span.buffer, span.at)
  }

  correctMin(logMin: number): void {
    for (const queue of this.all()) queue.correctMin(logMin)
  }
}

function isSame(bytes: Buffer, buffer: Buffer, start: number, end: number): boolean {
  if (bytes.length !== end - start) return false
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== buffer[start + i]) return false
  return true
}
