import { hostErrorCode } from '@skylarkmq/env'
import { BatchConsumeQueue } from '../consumequeue/batch-consume-queue.ts'
import { batchCount, type BatchPart } from '../consumequeue/batch-unit.ts'
import { LogWatches } from '../commitlog/log-watch.ts'
import type { ConsumeQueue } from '../consumequeue/consume-queue.ts'
import type { ConsumeQueueTable } from '../consumequeue/consume-queue-table.ts'
import type { MessageIndex } from '../index/message-index.ts'
import { keySpans, topicHash } from '../index/index-key.ts'
import type { Arrival, KeySpans } from '../message/message.ts'
import {
  LMQ_QUEUE_ID,
  allowsLightQueues,
  lightPlaces,
  type LightPlace,
} from '../message/multi-dispatch.ts'

const NO_BYTES = Buffer.alloc(0)
/** Compacting a shorter row is not worth it. */
const ROW_MIN = 1024

/** A message that is in the log and not yet in its queue. Objects are reused. */
export interface Appended {
  /** Undefined for a message that gets no unit, such as the half of a transaction's old form. */
  queue: ConsumeQueue | undefined
  topic: string
  queueOffset: number
  physicalOffset: number
  sizeBytes: number
  tagsCode: number
  storeTimestamp: number
  buffer: Buffer
  propertiesStart: number
  propertiesEnd: number
  /** Relative to `propertiesStart`; undefined when they must be searched for. */
  keys: KeySpans | undefined
  isIndexed: boolean
}

/** A message to dispatch. The properties lie in `buffer`, which must not change until then. */
export type Dispatch = Readonly<Appended>

/** How messages are dispatched. */
export interface DispatchOptions {
  /** Notified of each message that becomes readable. */
  readonly watches?: LogWatches
  readonly hasLightQueues?: boolean
}

/** Called when the keys of a message could not be added to the index. */
export type IndexFailure = (physicalOffset: number, error: unknown) => void

/**
 * Puts messages that are written to the log into their queues and the index, in order, and notifies the watches.
 * Messages that the store appends come with the facts that the append knows; `reput` decodes those read from the log.
 * Apache: `DefaultMessageStore.java`, ReputMessageService and the dispatchers.
 */
export class Dispatcher {
  readonly #queues: ConsumeQueueTable
  readonly #index: MessageIndex | undefined
  readonly #watches: LogWatches
  readonly #failed: IndexFailure
  /** Whether messages go into the light message queues that their record names. */
  readonly hasLightQueues: boolean
  // A row of reused objects: those from #first up to #end are pending.
  #waiting: Appended[] = []
  #first = 0
  #end = 0
  // Reused for all messages.
  readonly #arrival: { -readonly [K in keyof Arrival]: Arrival[K] } = {
    topic: '',
    queueId: 0,
    nextOffset: 0,
    tagsCode: 0,
    storeTimestamp: 0,
    physicalOffset: 0,
    sizeBytes: 0,
  }
  /** Store time of the newest message that was dispatched, ms. */
  dispatchedTimestamp = 0
  /** Physical offset of that message; −1 before the first. */
  dispatchedRecord = -1
  /** Physical offset behind it. */
  dispatchedEnd = 0

  constructor(
    queues: ConsumeQueueTable,
    index: MessageIndex | undefined,
    failed: IndexFailure,
    { watches = new LogWatches(), hasLightQueues = false }: DispatchOptions = {},
  ) {
    this.hasLightQueues = hasLightQueues
    this.#queues = queues
    this.#index = index
    this.#failed = failed
    this.#watches = watches
  }

  /**
   * Adds an appended message: the caller must set all fields of the returned object at once. It becomes readable with
   * `dispatchTo`.
   */
  add(): Appended {
    const waiting = this.#waiting[this.#end++]
    if (waiting !== undefined) return waiting
    const made: Appended = {
      queue: undefined,
      topic: '',
      queueOffset: 0,
      physicalOffset: 0,
      sizeBytes: 0,
      tagsCode: 0,
      storeTimestamp: 0,
      buffer: NO_BYTES,
      propertiesStart: 0,
      propertiesEnd: 0,
      keys: undefined,
      isIndexed: false,
    }
    this.#waiting.push(made)
    return made
  }

  /** Physical offset of the first pending message; undefined when there is none. */
  get firstWaiting(): number | undefined {
    return this.#first < this.#end ? this.#waiting[this.#first]?.physicalOffset : undefined
  }

  /** Makes all messages before a physical offset readable. */
  dispatchTo(physicalOffset: number): void {
    while (this.#first < this.#end) {
      const waiting = this.#waiting[this.#first] as Appended
      if (waiting.physicalOffset >= physicalOffset) break
      this.#first++
      this.dispatch(waiting)
    }
    if (this.#first === this.#end) this.#first = this.#end = 0
    else if (this.#first > ROW_MIN && this.#first * 2 > this.#end) this.#moveToFront()
  }

  /**
   * Compacts the row: when messages arrive faster than syncs end, some are always pending, and it would grow for
   * ever.
   */
  #moveToFront(): void {
    const spent = this.#waiting.slice(0, this.#first)
    this.#waiting = this.#waiting.slice(this.#first, this.#end).concat(spent)
    this.#end -= this.#first
    this.#first = 0
  }

  /** How many objects are kept for pending messages. */
  get rowLength(): number {
    return this.#waiting.length
  }

  /** Drops messages from a physical offset on, whose write failed; their queue offsets are free again. */
  dropFrom(physicalOffset: number): void {
    while (this.#end > this.#first) {
      const last = this.#waiting[this.#end - 1] as Appended
      if (last.physicalOffset < physicalOffset) return
      if (last.queue !== undefined) last.queue.offsetNext = last.queueOffset
      for (const { name, queueOffset } of this.#lightPlaces(last)) {
        this.#queues.getOrCreate(name, LMQ_QUEUE_ID).offsetNext = queueOffset
      }
      this.#end--
    }
    this.#first = this.#end = 0
  }

  /**
   * Makes one message readable now, in its own queue (unless `hasOwnQueue` is false) and in its light queues. Returns
   * whether any of them did not have it yet.
   */
  dispatch(message: Dispatch, hasOwnQueue = true): boolean {
    const queue = hasOwnQueue ? message.queue : undefined
    const { physicalOffset, sizeBytes, tagsCode } = message
    let isNew = false
    this.dispatchedTimestamp = message.storeTimestamp
    this.dispatchedRecord = physicalOffset
    this.dispatchedEnd = physicalOffset + sizeBytes
    if (queue !== undefined && !queue.isGone) {
      isNew = placeUnit(queue, message, batchPartOf(queue, message))
      if (isNew) this.#queues.touched(queue)
    }
    if (message.isIndexed) this.addToIndex(message)
    if (isNew && queue !== undefined) this.#tell(queue, message)
    for (const { name, queueOffset } of this.#lightPlaces(message)) {
      const light = this.#queues.getOrCreate(name, LMQ_QUEUE_ID)
      if (!placeUnit(light, { queueOffset, physicalOffset, sizeBytes, tagsCode })) continue
      isNew = true
      this.#queues.touched(light)
      this.#tell(light, message)
    }
    return isNew
  }

  #lightPlaces({ queue, topic, buffer, propertiesStart, propertiesEnd }: Dispatch): LightPlace[] {
    if (!this.hasLightQueues || queue === undefined || !allowsLightQueues(topic)) return []
    return lightPlaces(buffer, propertiesStart, propertiesEnd)
  }

  #tell({ topic, queueId, offsetMax }: ConsumeQueue, message: Dispatch): void {
    const arrival = this.#arrival
    arrival.topic = topic
    arrival.queueId = queueId
    arrival.nextOffset = offsetMax
    arrival.tagsCode = message.tagsCode
    arrival.storeTimestamp = message.storeTimestamp
    arrival.physicalOffset = message.physicalOffset
    arrival.sizeBytes = message.sizeBytes
    this.#watches.arrived(arrival)
  }

  /** Adds the keys of a message to the index, unless they are there. */
  addToIndex(message: Dispatch): void {
    const index = this.#index
    if (index === undefined || index.behindFrom !== undefined) return
    const { buffer, propertiesStart, propertiesEnd } = message
    try {
      index.add(
        message.queue?.topicState ?? topicHash(message.topic),
        message.physicalOffset,
        message.storeTimestamp,
        buffer,
        propertiesStart,
        message.keys ?? keySpans(buffer, propertiesStart, propertiesEnd),
      )
    } catch (error) {
      // The message is stored. Its keys and those of later messages are added from the log afterwards.
      if (hostErrorCode(error) === undefined) throw error
      index.behindFrom = message.physicalOffset
      this.#failed(message.physicalOffset, error)
    }
  }
}

/** Appends the unit of a message to its queue; false when it is there already. */
function placeUnit(
  queue: ConsumeQueue,
  message: Pick<Dispatch, 'queueOffset' | 'physicalOffset' | 'sizeBytes' | 'tagsCode'>,
  batch?: BatchPart,
): boolean {
  const { queueOffset, physicalOffset, sizeBytes, tagsCode } = message
  if (physicalOffset < queue.physicalEnd) return false
  // A lower queue offset later in the log: the topic was deleted and created again in between.
  if (queueOffset < queue.offsetMax) queue.truncate(queue.placeOf(queueOffset))
  if (queueOffset > queue.offsetMax) queue.fillTo(queueOffset)
  queue.append(physicalOffset, sizeBytes, tagsCode, batch)
  return true
}

/** The batch fields of a record for a queue of batches; undefined for any other queue. */
export function batchPartOf(queue: ConsumeQueue, message: Dispatch): BatchPart | undefined {
  if (!(queue instanceof BatchConsumeQueue)) return undefined
  const { storeTimestamp, queueOffset, buffer, propertiesStart, propertiesEnd } = message
  const count = batchCount(buffer, propertiesStart, propertiesEnd)
  return { storeTimestamp, baseOffset: queueOffset, count }
}
