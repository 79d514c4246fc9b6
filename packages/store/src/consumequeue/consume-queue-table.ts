import type { Env } from '@skylarkmq/env'
import { insideOf, isFolderName } from '../segment/inside-path.ts'
import { unitPhysicalOffset } from './consume-queue-unit.ts'
import type { ConsumeQueue } from './consume-queue.ts'
import type { QueueFiles } from './queue-files.ts'
import { QueueRemoval } from './queue-removal.ts'
import { TopicQueues } from './topic-queues.ts'

const QUEUES_PER_WRITE = 512
/** The clock is read once per this many queues, and writing ends after WRITE_MS in one turn. */
const QUEUES_PER_LOOK = 16
const WRITE_MS = 10
// Writing this many queues every tenth of a second costs almost nothing.
const FEW_QUEUES = 64

/** The folder of queues whose batches are one record each. */
export interface BatchQueues {
  readonly files: QueueFiles
  /** Whether a topic stores batches as one record. */
  readonly isBatchTopic: (topic: string) => boolean
}

/** All consume queues by topic and id. Apache: `ConsumeQueueStore.java`. */
export class ConsumeQueueTable {
  readonly files: QueueFiles
  readonly #batches: BatchQueues | undefined
  readonly #env: Env
  readonly #topics = new Map<string, TopicQueues>()
  readonly #removal: QueueRemoval
  #dirty: ConsumeQueue[] = []
  // Queues that may have units in memory but have not grown since the last round.
  #warm = new Set<ConsumeQueue>()
  #lastTopic: TopicQueues | undefined
  /**
   * Whether a sync of the queues failed, or is running and may have failed: until units are rewritten, the host may
   * have lost some of them.
   */
  areInDoubt = false

  constructor(env: Env, files: QueueFiles, batches?: BatchQueues) {
    this.#env = env
    this.files = files
    this.#batches = batches
    const isTopic = (topic: string, of: QueueFiles): boolean =>
      this.#topics.get(topic)?.files === of
    const removal = new QueueRemoval(env, isTopic)
    this.#removal = removal
    for (const folder of this.folders) {
      folder.makeWay = (topic, queueId) => {
        removal.makeWay(folder, topic, queueId)
      }
    }
  }

  /** The folders of queues, one per format. */
  get folders(): QueueFiles[] {
    return this.#batches === undefined ? [this.files] : [this.files, this.#batches.files]
  }

  /** The folder for a topic's queues. */
  #folderFor(topic: string): QueueFiles {
    return this.#batches?.isBatchTopic(topic) === true ? this.#batches.files : this.files
  }

  /**
   * Notes that a folder has queues of a topic. False when they are ignored, because the topic also has queues in the
   * right folder.
   */
  hasTopicIn(topic: string, files: QueueFiles): boolean {
    const { directory } = this.#folderFor(topic)
    if (files.directory !== directory && this.#isInFolder(directory, topic)) return false
    this.#topics.set(topic, new TopicQueues(topic, files))
    return true
  }

  #isInFolder(directory: string, topic: string): boolean {
    return this.#env.disk.stat(insideOf(directory, topic)) !== undefined
  }

  /** Whether a topic may have queues: it has some, or its name is a valid folder name. */
  mayHold(topic: string): boolean {
    return this.#topics.has(topic) || isFolderName(topic)
  }

  /** Removes queues of a deleted topic of the same name that have the other format. Throws the host's error. */
  adapt(topic: string): void {
    const found = this.#topics.get(topic)
    if (found !== undefined && found.files !== this.#folderFor(topic)) this.deleteTopic(topic)
  }

  /** The queue for a batch that is one record; undefined when the topic was deleted and has no such queues. */
  ofBatch(topic: string, queueId: number): ConsumeQueue | undefined {
    if (!this.mayHold(topic)) return undefined
    const files = this.#topics.get(topic)?.files ?? this.#folderFor(topic)
    return files === this.files ? undefined : this.getOrCreate(topic, queueId)
  }

  /** The queue, if it was ever written to. */
  get(topic: string, queueId: number): ConsumeQueue | undefined {
    return this.#topics.get(topic)?.get(queueId)
  }

  /** The queue, created empty if necessary. Throws ERR_STORE_NAME when `mayHold` is false. */
  getOrCreate(topic: string, queueId: number): ConsumeQueue {
    let found = this.#topics.get(topic)
    if (found === undefined) {
      insideOf(this.files.directory, topic)
      found = new TopicQueues(topic, this.#folderFor(topic))
      this.#topics.set(topic, found)
    }
    return found.get(queueId) ?? found.make(queueId)
  }

  /**
   * As `getOrCreate`, for a topic name at `buffer[start, end)` of a record. Undefined when it is not a valid topic
   * name, which another program may have written.
   */
  ofRecord(buffer: Buffer, start: number, end: number, queueId: number): ConsumeQueue | undefined {
    // Successive records often have the same topic, and decoding its name is the most expensive step.
    const last = this.#lastTopic
    if (last !== undefined && isSame(last.bytes, buffer, start, end)) {
      return last.get(queueId) ?? this.getOrCreate(last.name, queueId)
    }
    const topic = buffer.toString('utf8', start, end)
    if (!this.mayHold(topic)) return undefined
    const queue = this.getOrCreate(topic, queueId)
    this.#lastTopic = this.#topics.get(queue.topic)
    return queue
  }

  topics(): string[] {
    return [...this.#topics.keys()].filter((topic) => this.queueIds(topic).length > 0)
  }

  /** Ids of the topic's queues that were ever written to, ascending. */
  queueIds(topic: string): number[] {
    const queues = [...(this.#topics.get(topic)?.all() ?? [])]
    const written = queues.filter((queue) => queue.offsetMax > 0 || queue.fileEnd > queue.fileFirst)
    return written.map((queue) => queue.queueId).sort((a, b) => a - b)
  }

  *all(): Iterable<ConsumeQueue> {
    for (const topic of this.#topics.values()) yield* topic.all()
  }

  /** Must be called after each unit that was appended. */
  touched(queue: ConsumeQueue): void {
    if (queue.isDirty || queue.isGone) return
    queue.isDirty = true
    this.#dirty.push(queue)
  }

  /**
   * Writes units that are only in memory: of `limit` queues, or of as many as fit into the turn. Returns how many.
   * Throws the host's error; unwritten units are retried at the next call.
   */
  write(limit?: number): number {
    const { clock } = this.#env
    const count = Math.min(limit ?? QUEUES_PER_WRITE, this.#dirty.length)
    // New queues take longest, because their files have to be created.
    const endsMs = limit === undefined ? clock.monotonic() + WRITE_MS : Infinity
    let done = 0
    this.files.hasWriteFailed = false
    try {
      for (; done < count; done++) {
        if (done % QUEUES_PER_LOOK === 0 && done > 0 && clock.monotonic() >= endsMs) break
        const queue = this.#dirty[done] as ConsumeQueue
        queue.write()
        queue.isDirty = false
        this.#warm.add(queue)
      }
    } finally {
      this.#dirty = this.#dirty.slice(done)
    }
    return done
  }

  /** Frees in-memory units of queues that have not grown since the last call. */
  forgetIdle(): void {
    for (const queue of this.#warm) if (!queue.isDirty) queue.forgetTail()
    this.#warm = new Set()
  }

  /**
   * Whether to write between checkpoints: yes while few queues have unwritten units. With many queues that would cost
   * several calls of the host per message; those queues write when their share of memory is full.
   */
  get isWorthWriting(): boolean {
    const count = this.#dirty.length
    return count > 0 && (count <= FEW_QUEUES || this.files.hasWriteFailed)
  }

  /** How many queues have unwritten units. */
  get dirtyCount(): number {
    return this.#dirty.length
  }

  /** Marks the newest files of all queues as unsynced. */
  markUnsynced(): void {
    for (const queue of this.all()) queue.markUnsynced()
  }

  deleteTopic(topic: string): void {
    const found = this.#topics.get(topic)
    if (found === undefined) return
    this.#topics.delete(topic)
    this.#lastTopic = undefined
    const gone = new Set(found.all())
    this.#dirty = this.#dirty.filter((queue) => !gone.has(queue))
    const queueIds: number[] = []
    for (const queue of gone) {
      queue.leave()
      queueIds.push(queue.queueId)
      this.#warm.delete(queue)
    }
    this.#removal.add(found.files, topic, queueIds)
  }

  /** Removes the remaining files of deleted topics. */
  finishRemovals(): void {
    this.#removal.finish()
  }

  /** The greatest record end that any queue names; 0 when there is none. */
  physicalEnd(): number {
    let end = 0
    for (const queue of this.all()) end = Math.max(end, queue.physicalEnd)
    return end
  }

  /** Start of the record that ends at `physicalEnd`; undefined when there is none. */
  lastRecord(): number | undefined {
    let last: ConsumeQueue | undefined
    for (const queue of this.all()) {
      if (queue.physicalEnd > (last?.physicalEnd ?? 0)) last = queue
    }
    const span = last?.units(last.placeEnd - 1, 1)
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
