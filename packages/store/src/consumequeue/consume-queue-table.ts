import type { Env } from '@skylarkmq/env'
import { insideOf, isFolderName } from '../segment/inside-path.ts'
import { unitPhysicalOffset } from './consume-queue-unit.ts'
import type { ConsumeQueue } from './consume-queue.ts'
import type { QueueFiles } from './queue-files.ts'
import { QueueRemoval } from './queue-removal.ts'
import { TopicQueues } from './topic-queues.ts'

const QUEUES_PER_WRITE = 512
/** The clock is looked at after so many of them, and this long is enough for a turn. */
const QUEUES_PER_LOOK = 16
const WRITE_MS = 10
// To write so many queues every tenth of a second costs next to nothing.
const FEW_QUEUES = 64

/** Queues of topics whose batches are one record each. */
export interface BatchQueues {
  readonly files: QueueFiles
  /** Whether a topic is to have such queues. */
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
  // Queues that may still have units in memory which nobody has added to since the last round.
  #warm = new Set<ConsumeQueue>()
  #lastTopic: TopicQueues | undefined
  /**
   * Whether a sync of the queues failed, or is under way and may have failed: the host may have lost units that were
   * written, until they are written again.
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

  /** The folders that queues are in, one for each form. */
  get folders(): QueueFiles[] {
    return this.#batches === undefined ? [this.files] : [this.files, this.#batches.files]
  }

  /** Where a topic's queues are to be. */
  #folderFor(topic: string): QueueFiles {
    return this.#batches?.isBatchTopic(topic) === true ? this.#batches.files : this.files
  }

  /** Notes that a folder has queues of a topic. False when they do not count, as they are in the right folder, too. */
  hasTopicIn(topic: string, files: QueueFiles): boolean {
    const { directory } = this.#folderFor(topic)
    if (files.directory !== directory && this.#isInFolder(directory, topic)) return false
    this.#topics.set(topic, new TopicQueues(topic, files))
    return true
  }

  #isInFolder(directory: string, topic: string): boolean {
    return this.#env.disk.stat(insideOf(directory, topic)) !== undefined
  }

  /** Whether a topic may have queues: it has, or its name can be that of a folder. */
  mayHold(topic: string): boolean {
    return this.#topics.has(topic) || isFolderName(topic)
  }

  /** Removes queues that are left of another topic of the name, and are of another form. Throws the host's error. */
  adapt(topic: string): void {
    const found = this.#topics.get(topic)
    if (found !== undefined && found.files !== this.#folderFor(topic)) this.deleteTopic(topic)
  }

  /** The queue of a batch that is one record; undefined when its topic has no such queues: it was deleted. */
  ofBatch(topic: string, queueId: number): ConsumeQueue | undefined {
    if (!this.mayHold(topic)) return undefined
    const files = this.#topics.get(topic)?.files ?? this.#folderFor(topic)
    return files === this.files ? undefined : this.getOrCreate(topic, queueId)
  }

  /** The queue, if it was ever written. */
  get(topic: string, queueId: number): ConsumeQueue | undefined {
    return this.#topics.get(topic)?.get(queueId)
  }

  /** The queue; an empty one when there was none. Throws ERR_STORE_NAME when `mayHold` says no. */
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
   * As `getOrCreate`, for a topic that lies in a record at `buffer[start, end)`. Undefined when that is no name of a
   * topic: who else writes such logs may have taken it for one.
   */
  ofRecord(buffer: Buffer, start: number, end: number, queueId: number): ConsumeQueue | undefined {
    // Records of one topic often follow each other, and making a string of its name costs more than all else.
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

  /** Ids of a topic's queues that were written, ascending. */
  queueIds(topic: string): number[] {
    const queues = [...(this.#topics.get(topic)?.all() ?? [])]
    const written = queues.filter((queue) => queue.offsetMax > 0 || queue.fileEnd > queue.fileFirst)
    return written.map((queue) => queue.queueId).sort((a, b) => a - b)
  }

  *all(): Iterable<ConsumeQueue> {
    for (const topic of this.#topics.values()) yield* topic.all()
  }

  /** To be called after each unit that was added. */
  touched(queue: ConsumeQueue): void {
    if (queue.isDirty || queue.isGone) return
    queue.isDirty = true
    this.#dirty.push(queue)
  }

  /**
   * Writes units that are only in memory: of `limit` queues, or of as many as do not hold up the turn. Returns how
   * many. Throws the host's error; what was not written is tried again at the next call.
   */
  write(limit?: number): number {
    const { clock } = this.#env
    const count = Math.min(limit ?? QUEUES_PER_WRITE, this.#dirty.length)
    // New queues take the host longest: their files are made.
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

  /** Lets go of units in memory of queues that nothing was added to since the last call. */
  forgetIdle(): void {
    for (const queue of this.#warm) if (!queue.isDirty) queue.forgetTail()
    this.#warm = new Set()
  }

  /**
   * Whether to write what is only in memory between checkpoints: while few queues have something there. Many would
   * cost a few calls of the host for each message; those write by themselves when their part of the memory is full.
   */
  get isWorthWriting(): boolean {
    const count = this.#dirty.length
    return count > 0 && (count <= FEW_QUEUES || this.files.hasWriteFailed)
  }

  /** How many queues have something that is only in memory. */
  get dirtyCount(): number {
    return this.#dirty.length
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

  /** Removes what is left of topics that were deleted. */
  finishRemovals(): void {
    this.#removal.finish()
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
