import type { Env, Timer } from '@skylarkmq/env'
import { Histogram, hostErrorCode, textOfThrown } from '@skylarkmq/env'
import {
  Property,
  SystemTopic,
  changeProperties,
  encodeRecord,
  propertiesSize,
  recordSize,
  transactionState,
  MessageSysFlag,
} from '@skylarkmq/protocol'
import type { MessageFields } from '@skylarkmq/protocol'
import { AckConditions, type AckCondition } from './commitlog/ack-conditions.ts'
import type { CommitLog } from './commitlog/commit-log.ts'
import { DISK_TIME_BOUNDS_MS } from './commitlog/disk-times.ts'
import type { FlushOutcome, LogFlush } from './commitlog/flush.ts'
import type { LogChunk } from './commitlog/log-tail.ts'
import { BatchConsumeQueue } from './consumequeue/batch-consume-queue.ts'
import { batchCount, isBatchRecord } from './consumequeue/batch-unit.ts'
import type { ConsumeQueue } from './consumequeue/consume-queue.ts'
import type { ConsumeQueueTable } from './consumequeue/consume-queue-table.ts'
import type { Dispatcher } from './dispatch/dispatcher.ts'
import {
  LMQ_QUEUE_ID,
  withLightOffsets,
  withoutLightOffsets,
  type LightMessage,
} from './message/multi-dispatch.ts'
import { hasQueueUnit, tagsCodeOf } from './dispatch/reput.ts'
import { StoreWriteFailed } from './errors.ts'
import type {
  HostAddress,
  MessageToStore,
  PutBatchResult,
  PutMessageResult,
} from './message/message.ts'
import { hasLightQueues, type StoreConfig } from './options.ts'
import { PutMessageStatus, isStored } from './message/status.ts'
import type { StoreStats } from './store-stats.ts'
import type { WriteHealth } from './segment/write-health.ts'

const PROPERTIES_BYTES_MAX = 32767
const TOPIC_BYTES_MAX = 255
const TOPIC_BYTES_MAX_V1 = 127
const RETRY_AFTER_MS = 1000
const NO_BATCH = 'a batch as one record, for a topic without the attribute queue.type=BatchCQ'
const PROBE_BYTES = 64 * 1024

/** What appending works with. */
export interface AppendParts {
  readonly log: CommitLog
  readonly queues: ConsumeQueueTable
  readonly dispatcher: Dispatcher
  readonly flush: LogFlush
  readonly health: WriteHealth
  readonly stats: StoreStats
  readonly delayLevels: readonly number[]
}

const STATUS_OF_FLUSH: Readonly<Record<FlushOutcome, PutMessageStatus>> = {
  flushed: PutMessageStatus.PUT_OK,
  timeout: PutMessageStatus.FLUSH_DISK_TIMEOUT,
  failed: PutMessageStatus.SERVICE_NOT_AVAILABLE,
  dropped: PutMessageStatus.SERVICE_NOT_AVAILABLE,
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

const EMPTY = new Uint8Array(0)

/** Appends messages to the log: staged at once, written at the end of the turn. Apache: `CommitLog.java`, asyncPutMessage. */
export class Appender {
  readonly #env: Env
  readonly #config: StoreConfig
  readonly #parts: AppendParts
  /** What answers wait for. */
  readonly conditions = new AckConditions()
  /** How long the last write of a turn took, ms. */
  lastWriteMs = 0
  /** How long all of them took, ms. */
  readonly writeTimes = new Histogram(DISK_TIME_BOUNDS_MS)
  #isRegistered = false
  #probing: Timer | undefined
  // Reused for all records: each sets only the fields that differ.
  readonly #fields: Writable<MessageFields>

  constructor(env: Env, config: StoreConfig, parts: AppendParts) {
    this.#env = env
    this.#config = config
    this.#parts = parts
    this.conditions.add(diskCondition(config, parts.flush))
    this.#fields = {
      topic: EMPTY,
      queueId: 0,
      flag: 0,
      queueOffset: 0,
      physicalOffset: 0,
      sysFlag: 0,
      bornTimestamp: 0,
      bornHost: EMPTY,
      bornPort: 0,
      storeTimestamp: 0,
      storeHost: config.storeHost.address,
      storePort: config.storeHost.port,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body: EMPTY,
      properties: EMPTY,
      moreProperties: undefined,
    }
  }

  setStoreHost(host: HostAddress): void {
    this.#fields.storeHost = host.address
    this.#fields.storePort = host.port
  }

  put(message: MessageToStore): PutMessageResult | Promise<PutMessageResult> {
    const { log, queues, stats } = this.#parts
    const light = this.#lightOf(message)
    if (light !== undefined) message = light.message
    const refused = this.#refuse(message)
    if (refused !== undefined) return refused
    const queue = queues.getOrCreate(message.topic, message.queueId)
    let count = 1
    if (isBatchRecord(message.sysFlag)) {
      const batch = numbered(message, queue)
      if (batch === undefined) return this.#failed(PutMessageStatus.MESSAGE_ILLEGAL, NO_BATCH)
      ;({ message, count } = batch)
      const grown = this.#refuse(message)
      if (grown !== undefined) return grown
    }
    const sizeBytes = this.#sizeOf(message, queue)
    if (sizeBytes > log.recordBytesMax) return this.#tooLarge(sizeBytes)
    const chunk = this.#reserve(sizeBytes, sizeBytes)
    if (chunk === undefined) return this.#noFile()
    const storeTimestamp = this.#env.clock.now()
    const physicalOffset = log.offsetMax
    const queueOffset = this.#stage(message, queue, chunk, storeTimestamp, sizeBytes, count)
    for (const name of light?.names ?? []) queues.getOrCreate(name, LMQ_QUEUE_ID).offsetNext++
    this.#register()
    stats.put(count, sizeBytes, 0)
    const result: PutMessageResult = {
      status: PutMessageStatus.PUT_OK,
      remark: undefined,
      physicalOffset,
      sizeBytes,
      queueOffset,
      storeTimestamp,
    }
    const waiting = this.conditions.wait(physicalOffset + sizeBytes, message.waitStoreOk)
    return waiting?.then((status) => this.#afterWaiting(result, status)) ?? result
  }

  putBatch(messages: readonly MessageToStore[]): PutBatchResult | Promise<PutBatchResult> {
    const { hasLightQueues } = this.#parts.dispatcher
    const batch = hasLightQueues ? messages.map(withoutLightOffsets) : messages
    const { log, queues, stats } = this.#parts
    const first = batch[0]
    if (first === undefined)
      return batchFailure(failure(PutMessageStatus.MESSAGE_ILLEGAL, 'an empty batch'))
    for (const message of batch) {
      const refused = this.#refuse(message)
      if (refused !== undefined) return batchFailure(refused)
    }
    const queue = queues.getOrCreate(first.topic, first.queueId)
    const sizes = batch.map((message) => this.#sizeOf(message, queue))
    let rest = sizes.reduce((sum, size) => sum + size, 0)
    if (rest > log.recordBytesMax) return batchFailure(this.#tooLarge(rest))
    const storeTimestamp = this.#env.clock.now()
    const physicalOffsets: number[] = []
    let queueOffset = -1
    for (const [i, message] of batch.entries()) {
      const sizeBytes = sizes[i] as number
      // Reserve for the rest of the batch, so that only its first message can move to the next file.
      const chunk = this.#reserve(rest, sizeBytes)
      if (chunk === undefined) return batchFailure(this.#noFile())
      physicalOffsets.push(log.offsetMax)
      const offset = this.#stage(message, queue, chunk, storeTimestamp, sizeBytes)
      if (i === 0) queueOffset = offset
      rest -= sizeBytes
      stats.put(1, sizeBytes, 0)
    }
    this.#register()
    const result = {
      status: PutMessageStatus.PUT_OK,
      remark: undefined,
      physicalOffsets,
      queueOffset,
      storeTimestamp,
    }
    const waits = batch.some((message) => message.waitStoreOk)
    const waiting = this.conditions.wait(log.offsetMax, waits)
    if (waiting === undefined) return result
    return waiting.then((status) =>
      isStored(status) ? { ...result, status } : batchFailure(this.#dropped()),
    )
  }

  /** The message with its offsets in light message queues; undefined when this store has no such queues. */
  #lightOf(message: MessageToStore): LightMessage | undefined {
    const { queues, dispatcher } = this.#parts
    if (!dispatcher.hasLightQueues) return undefined
    const offsetNext = (name: string): number => queues.getOrCreate(name, LMQ_QUEUE_ID).offsetNext
    const light = hasLightQueues(this.#config) ? withLightOffsets(message, offsetNext) : undefined
    return light ?? { message: withoutLightOffsets(message), names: [] }
  }

  #afterWaiting(result: PutMessageResult, status: PutMessageStatus): PutMessageResult {
    if (status === PutMessageStatus.PUT_OK) return result
    return isStored(status) ? { ...result, status } : this.#dropped()
  }

  #dropped(): PutMessageResult {
    const why = this.#parts.health.why() ?? 'the commit log could not be written'
    return failure(PutMessageStatus.SERVICE_NOT_AVAILABLE, why)
  }

  #refuse(message: MessageToStore): PutMessageResult | undefined {
    const why = this.#parts.health.why()
    if (why !== undefined) return this.#failed(PutMessageStatus.SERVICE_NOT_AVAILABLE, why)
    if (message.body.length > this.#config.maxMessageSize) {
      const remark = `the body has ${message.body.length} bytes, more than maxMessageSize ${this.#config.maxMessageSize}`
      return this.#failed(PutMessageStatus.MESSAGE_ILLEGAL, remark)
    }
    const propertiesBytes = propertiesSize(message.properties, message.moreProperties)
    if (propertiesBytes > PROPERTIES_BYTES_MAX) {
      const remark = `the properties have ${propertiesBytes} bytes, more than ${PROPERTIES_BYTES_MAX}`
      return this.#failed(PutMessageStatus.PROPERTIES_SIZE_EXCEEDED, remark)
    }
    return this.#refusePlace(message)
  }

  /** Refuses a topic or queue number that cannot be the name of a folder. */
  #refusePlace({ topic, queueId }: MessageToStore): PutMessageResult | undefined {
    if (!this.#parts.queues.mayHold(topic)) {
      const name = JSON.stringify(topic.slice(0, TOPIC_BYTES_MAX_V1))
      return this.#failed(PutMessageStatus.MESSAGE_ILLEGAL, `${name} cannot be a topic`)
    }
    if ((queueId | 0) !== queueId || queueId < 0) {
      return this.#failed(PutMessageStatus.MESSAGE_ILLEGAL, `${queueId} cannot be a queue`)
    }
    // A UTF-16 unit has at most 4 bytes, so only long names have to be measured.
    if (topic.length * 4 <= TOPIC_BYTES_MAX_V1) return undefined
    const bytes = Buffer.byteLength(topic)
    const max = this.#config.autoMessageVersionOnTopicLen ? TOPIC_BYTES_MAX : TOPIC_BYTES_MAX_V1
    if (bytes <= max) return undefined
    const remark = `the topic has ${bytes} bytes, more than ${max}`
    return this.#failed(PutMessageStatus.MESSAGE_ILLEGAL, remark)
  }

  #failed(status: PutMessageStatus, remark: string): PutMessageResult {
    this.#parts.stats.putFailedTimes++
    return failure(status, remark)
  }

  #tooLarge(sizeBytes: number): PutMessageResult {
    const remark = `${sizeBytes} bytes do not fit a commit log file of ${this.#parts.log.segments.segmentBytes}`
    return this.#failed(PutMessageStatus.MESSAGE_ILLEGAL, remark)
  }

  #noFile(): PutMessageResult {
    const why = this.#parts.health.why() ?? 'no next file'
    return this.#failed(PutMessageStatus.CREATE_MAPPED_FILE_FAILED, why)
  }

  #sizeOf(message: MessageToStore, queue: ConsumeQueue): number {
    return recordSize(
      queue.topicBytes.length,
      message.body.length,
      propertiesSize(message.properties, message.moreProperties),
      message.bornHost.length,
      this.#fields.storeHost.length,
    )
  }

  #reserve(sizeBytes: number, firstBytes: number): LogChunk | undefined {
    try {
      return this.#parts.log.reserve(sizeBytes, firstBytes)
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.#refuseFor(error)
      return undefined
    }
  }

  /** Builds a record of `count` messages at the end of the log; returns its queue offset. */
  #stage(
    message: MessageToStore,
    queue: ConsumeQueue,
    chunk: LogChunk,
    storeTimestamp: number,
    sizeBytes: number,
    count = 1,
  ): number {
    const { log, dispatcher, flush } = this.#parts
    const isQueued = hasQueueUnit(message.sysFlag)
    const queueOffset = isQueued ? queue.offsetNext : 0
    const physicalOffset = log.offsetMax
    const fields = this.#fields
    fields.topic = queue.topicBytes
    fields.queueId = message.queueId
    fields.flag = message.flag
    fields.queueOffset = queueOffset
    fields.physicalOffset = physicalOffset
    fields.sysFlag = message.sysFlag
    fields.bornTimestamp = message.bornTimestamp
    fields.bornHost = message.bornHost
    fields.bornPort = message.bornPort
    fields.storeTimestamp = storeTimestamp
    fields.reconsumeTimes = message.reconsumeTimes
    fields.preparedTransactionOffset = message.preparedTransactionOffset
    fields.body = message.body
    fields.properties = message.properties
    fields.moreProperties = message.moreProperties
    encodeRecord(chunk.buffer, chunk.length, fields, chunk.view)
    const propertiesEnd = chunk.length + sizeBytes
    const propertiesStart =
      propertiesEnd - propertiesSize(message.properties, message.moreProperties)
    let { tagsCode } = message
    if (queue.topic === SystemTopic.SCHEDULE) {
      const levels = this.#parts.delayLevels
      tagsCode = tagsCodeOf(
        queue.topic,
        storeTimestamp,
        chunk.buffer,
        propertiesStart,
        propertiesEnd,
        levels,
      )
    }
    log.staged(chunk, sizeBytes)
    if (isQueued) queue.offsetNext = queueOffset + count
    flush.appendedTimestamp = storeTimestamp
    const appended = dispatcher.add()
    appended.queue = isQueued ? queue : undefined
    appended.topic = queue.topic
    appended.queueOffset = queueOffset
    appended.physicalOffset = physicalOffset
    appended.sizeBytes = sizeBytes
    appended.tagsCode = tagsCode
    appended.storeTimestamp = storeTimestamp
    appended.buffer = chunk.buffer
    appended.propertiesStart = propertiesStart
    appended.propertiesEnd = propertiesEnd
    appended.keys = message.keys
    appended.isIndexed = transactionState(message.sysFlag) !== MessageSysFlag.TRANSACTION_ROLLBACK
    return queueOffset
  }

  #register(): void {
    if (this.#isRegistered) return
    this.#isRegistered = true
    this.#env.turn.writes(this.writeStaged)
  }

  /**
   * Writes what this turn staged and makes it readable. Throws StoreWriteFailed when the host refuses: then
   * everything unwritten is dropped, and messages are refused until a write succeeds.
   */
  readonly writeStaged = (): void => {
    this.#isRegistered = false
    const { log, dispatcher, flush } = this.#parts
    const startedMs = this.#env.clock.monotonic()
    try {
      log.writeStaged()
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.#rollBack(error)
    } finally {
      this.lastWriteMs = this.#env.clock.monotonic() - startedMs
      this.writeTimes.observe(this.lastWriteMs)
      if (this.#config.flushDiskType === 'SYNC_FLUSH') flush.request()
      else dispatcher.dispatchTo(log.offsetWritten)
      log.trim(dispatcher.firstWaiting ?? log.offsetWritten)
    }
  }

  #rollBack(error: unknown): never {
    const { log, dispatcher } = this.#parts
    this.#refuseFor(error)
    const offset = log.rollback()
    dispatcher.dropFrom(offset)
    this.conditions.dropFrom(offset)
    const path = log.segments.at(offset)?.path ?? log.segments.directory
    throw new StoreWriteFailed({ path, offset, reason: textOfThrown(error) }, error)
  }

  #refuseFor(error: unknown): void {
    this.#parts.health.failed('the commit log', error)
    this.#probing ??= this.#env.clock.every(RETRY_AFTER_MS, () => {
      this.#probe()
    })
  }

  #probe(): void {
    const { log, health } = this.#parts
    try {
      log.probe(PROBE_BYTES)
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      health.failed('the commit log', error)
      return
    }
    try {
      log.zeroEnd()
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.#parts.flush.giveUp(error)
      return
    }
    health.works('the commit log')
    this.close()
  }

  /** Stops testing whether the log can be written again. */
  close(): void {
    this.#probing?.cancel()
    this.#probing = undefined
  }
}

/** Under SYNC_FLUSH answers wait for the disk. */
function diskCondition(config: StoreConfig, flush: LogFlush): AckCondition {
  return {
    wait: (end, waitStoreOk) =>
      config.flushDiskType === 'ASYNC_FLUSH' || !waitStoreOk
        ? undefined
        : flush.wait(end, config.syncFlushTimeout).then((outcome) => STATUS_OF_FLUSH[outcome]),
    dropFrom: (offset) => {
      flush.dropFrom(offset)
    },
  }
}

/**
 * A batch that is stored as one record, with its base offset and count; undefined when its topic does not store
 * batches so. Apache: `BatchConsumeQueue.java`, assignQueueOffset.
 */
function numbered(
  message: MessageToStore,
  queue: ConsumeQueue,
): { message: MessageToStore; count: number } | undefined {
  if (!(queue instanceof BatchConsumeQueue)) return undefined
  const before = Buffer.from(message.properties)
  const count = batchCount(before, 0, before.length)
  const change = { [Property.INNER_BASE]: String(queue.offsetNext) }
  const properties = changeProperties(before, change)
  return { message: { ...message, properties, keys: undefined }, count }
}

function failure(status: PutMessageStatus, remark: string): PutMessageResult {
  return {
    status,
    remark,
    physicalOffset: -1,
    sizeBytes: -1,
    queueOffset: -1,
    storeTimestamp: -1,
  }
}

function batchFailure(result: PutMessageResult): PutBatchResult {
  return {
    status: result.status,
    remark: result.remark,
    physicalOffsets: [],
    queueOffset: -1,
    storeTimestamp: -1,
  }
}
