import type { DirectoryLock, Env } from '@skylarkmq/env'
import { isLmqTopic, isSystemTopic } from '@skylarkmq/protocol'
import { abortFileExists, removeAbortFile } from './checkpoint/abort-file.ts'
import { Appender } from './append.ts'
import { Background } from './upkeep/background.ts'
import { makeDurableDirectory } from './segment/durable-directory.ts'
import { StoreWriteFailed, QueueUnitLost } from './errors.ts'
import { openParts } from './recovery/open-store.ts'
import type { StoreParts } from './recovery/open-store.ts'
import { indexKeyHash } from './index/index-key.ts'
import type { IndexFound } from './index/message-index.ts'
import type {
  GetMessageLimits,
  GetMessageResult,
  HostAddress,
  MessageFilter,
  MessageToStore,
  PutBatchResult,
  PutMessageResult,
  QueryMessageResult,
  QueueUnit,
} from './message/message.ts'
import { offsetByTime, storeTimeAt } from './read/offset-by-time.ts'
import type { StoreConfig } from './options.ts'
import { unitPhysicalOffset, unitSize, unitTagsCode } from './consumequeue/consume-queue-unit.ts'
import { QueueReader } from './read/queue-reader.ts'
import { CleanFiles } from './retention/clean-files.ts'
import { diskUsedRatio, diskUsedText } from './retention/disk-watch.ts'
import { GetMessageStatus } from './message/status.ts'
import { storePaths } from './segment/store-paths.ts'
import type { AckCondition } from './commitlog/ack-conditions.ts'
import type { DiskHistograms, DiskTimes } from './commitlog/disk-times.ts'
import type { LogWatch } from './commitlog/log-watch.ts'
import { scanLog } from './commitlog/scan-log.ts'
import type { TimerMessageStore } from './timer/timer-message-store.ts'
import { TimersOfRole } from './timer/timers-of-role.ts'
import type { DeliveryListener } from './timer/timer-dequeue.ts'

/** The messages of one broker on disk: the commit log, with consume queues and index derived from it. Apache: `DefaultMessageStore.java`. */
export class MessageStore {
  readonly #env: Env
  readonly #config: StoreConfig
  readonly #parts: StoreParts
  readonly #lock: DirectoryLock
  readonly #appender: Appender
  readonly #reader: QueueReader
  readonly #clean: CleanFiles
  readonly #background: Background

  /** Whether the previous stop was clean. */
  readonly wasClean: boolean
  readonly #timers: TimersOfRole

  private constructor(
    env: Env,
    config: StoreConfig,
    parts: StoreParts,
    lock: DirectoryLock,
    wasClean: boolean,
  ) {
    this.wasClean = wasClean
    this.#env = env
    this.#config = config
    this.#parts = parts
    this.#lock = lock
    this.#appender = new Appender(env, config, parts)
    this.#reader = new QueueReader(env, config, parts.queues, parts.log)
    this.#clean = new CleanFiles(env, config, parts)
    this.#background = new Background(env, config, { ...parts, clean: this.#clean })
    this.#timers = new TimersOfRole(env, config, this)
  }

  /**
   * Locks the directory, opens the files and recovers them; accepts nothing yet. `config` is read at each use, so
   * changes to live options take effect. Rejects with DirectoryLocked, with the host's error, or with
   * ERR_STORE_SEGMENT_SIZE or ERR_STORE_SEGMENT_GAP. `isBatchTopic` says which topics store a batch as one record
   * (`queue.type=BatchCQ`); it is called whenever a topic gets its first message.
   */
  static async open(
    env: Env,
    config: StoreConfig,
    isBatchTopic: (topic: string) => boolean = () => false,
  ): Promise<MessageStore> {
    const paths = storePaths(config)
    makeDurableDirectory(env.disk, paths.root)
    const lock = await env.disk.lock(paths.root)
    try {
      const wasClean = !abortFileExists(env.disk, paths.abort)
      const parts = openParts(env, config, paths, wasClean, isBatchTopic)
      return madeOf(parts, () => new MessageStore(env, config, parts, lock, wasClean))
    } catch (error) {
      lock.release()
      throw error
    }
  }

  /** Starts accepting messages, unless the disk prevents it, and starts flushing and cleaning. */
  start(): void {
    const { health } = this.#parts
    health.started()
    this.#background.start()
    this.roleChanged()
  }

  /** Applies a changed role in the configuration. Throws the host's error when the timers cannot be opened. */
  roleChanged(): void {
    this.#timers.follow()
    this.#parts.health.role(this.#config.brokerRole === 'SLAVE')
  }

  /** The timer messages; undefined with `timerWheelEnable=false`, and on a slave that has never been a master. */
  get timers(): TimerMessageStore | undefined {
    return this.#timers.timers
  }

  /** Registers a listener for deliveries of timer messages. */
  onTimedDelivery(listener: DeliveryListener): void {
    this.#timers.onDelivery(listener)
  }

  /** Stops accepting, writes and syncs everything, and releases the directory. If something could not be written, the next open recovers as after a kill. */
  async shutdown(): Promise<void> {
    const { paths, health } = this.#parts
    this.timers?.stop()
    const wasHealthy = health.mayStopOrderly
    health.stopped()
    this.#appender.close()
    try {
      const isComplete = await this.#writeAll()
      const isAllOnDisk = (await this.timers?.close(isComplete && wasHealthy)) ?? true
      if (isComplete && wasHealthy && isAllOnDisk) removeAbortFile(this.#env.disk, paths.abort)
    } finally {
      this.#parts.queues.finishRemovals()
      closeFiles(this.#parts)
      this.#lock.release()
    }
  }

  /** Syncs everything; resolves with false when something could not be synced. */
  async #writeAll(): Promise<boolean> {
    const { health, flush, dispatcher, rescue } = this.#parts
    let isWritten = true
    try {
      this.#appender.writeStaged()
    } catch (error) {
      if (!(error instanceof StoreWriteFailed)) throw error
      isWritten = false
    }
    flush.request()
    await this.#background.stop()
    await rescue.close()
    dispatcher.dispatchTo(flush.flushedOffset)
    if (!isWritten || health.hasSyncFailed || dispatcher.firstWaiting !== undefined) return false
    return this.#background.flushThoroughly()
  }

  /** Sets the host that new records state: `brokerIP1` and the remoting port. */
  setStoreHost(host: HostAddress): void {
    this.#appender.setStoreHost(host)
  }

  /**
   * Stores a message. Under ASYNC_FLUSH the result is immediate: the record is staged, and is in the page cache
   * before the turn's answers are sent. Under SYNC_FLUSH it is a promise if the message waits.
   */
  putMessage(message: MessageToStore): PutMessageResult | Promise<PutMessageResult> {
    return this.#appender.put(message)
  }

  /** Stores the messages of a batch, all of one topic and queue, next to each other in one file. */
  putMessages(batch: readonly MessageToStore[]): PutBatchResult | Promise<PutBatchResult> {
    return this.#appender.putBatch(batch)
  }

  /** Reads a queue from an offset on. A promise if the disk must be read; rejects with the host's error. */
  getMessage(
    topic: string,
    queueId: number,
    offset: number,
    limits: GetMessageLimits,
    filter?: MessageFilter,
  ): GetMessageResult | Promise<GetMessageResult> {
    const found = this.#reader.get(topic, queueId, offset, limits, filter)
    if (!(found instanceof Promise)) return this.#counted(found)
    const startedAt = this.#env.clock.monotonic()
    return found.then((result) => {
      const { stats } = this.#parts
      const tookMs = this.#env.clock.monotonic() - startedAt
      stats.getTimeMaxMs = Math.max(stats.getTimeMaxMs, tookMs)
      return this.#counted(result)
    })
  }

  #counted(result: GetMessageResult): GetMessageResult {
    const { stats } = this.#parts
    if (result.status === GetMessageStatus.FOUND) stats.getFound++
    else stats.getMiss++
    stats.transferred += result.count
    return result
  }

  /** First offset that the queue still has; 0 for an unknown queue. */
  offsetMin(topic: string, queueId: number): number {
    return this.#parts.queues.get(topic, queueId)?.offsetMin ?? 0
  }

  /** Offset after the last message that can be read; 0 for an unknown queue. */
  offsetMax(topic: string, queueId: number): number {
    return this.#parts.queues.get(topic, queueId)?.offsetMax ?? 0
  }

  /** Finds an offset by store time: the first not before it (`lower`), or the last not after it (`upper`). 0 for an unknown queue. */
  offsetByTime(
    topic: string,
    queueId: number,
    timestampMs: number,
    boundary: 'lower' | 'upper',
  ): number {
    const queue = this.#parts.queues.get(topic, queueId)
    return queue === undefined ? 0 : offsetByTime(queue, this.#parts.log, timestampMs, boundary)
  }

  /** Store time of a message in ms; −1 when there is none. */
  storeTimeOf(topic: string, queueId: number, queueOffset: number): number {
    const queue = this.#parts.queues.get(topic, queueId)
    return queue === undefined ? -1 : storeTimeAt(queue, this.#parts.log, queueOffset)
  }

  /** Store time of the queue's first message; −1 when there is none. */
  earliestStoreTime(topic: string, queueId: number): number {
    return this.storeTimeOf(topic, queueId, this.offsetMin(topic, queueId))
  }

  /** Store time of the log's first message; −1 when the log is empty. */
  earliestStoreTimeOfAll(): number {
    const { log } = this.#parts
    return log.offsetMax > log.offsetMin ? log.storeTimestampAt(log.offsetMin) : -1
  }

  /** The unit of one message; undefined when the queue has no such offset. Throws the host's error, or ERR_STORE_UNIT_LOST. */
  queueUnitAt(topic: string, queueId: number, queueOffset: number): QueueUnit | undefined {
    const { queues } = this.#parts
    const queue = queues.get(topic, queueId)
    const place = queue?.placeOf(queueOffset) ?? 0
    const span = queue?.units(place, 1)
    if (queue === undefined) return undefined
    const isBlank = span === undefined || unitSize(span.buffer, span.at) === 0
    if (isBlank && queues.areInDoubt && place < queue.placeEnd)
      throw new QueueUnitLost({ topic, queueId, queueOffset })
    if (span === undefined) return undefined
    const batch = queue.batchIn?.(span.buffer, span.at)
    return {
      queueOffset: batch?.baseOffset ?? place,
      count: batch?.count ?? 1,
      physicalOffset: unitPhysicalOffset(span.buffer, span.at),
      sizeBytes: unitSize(span.buffer, span.at),
      tagsCode: unitTagsCode(span.buffer, span.at),
    }
  }

  /**
   * The record that starts at a physical offset, with its CRC checked. Undefined when no record starts there, or when
   * its size is not `sizeBytes`. Valid as long as the records of `getMessage`. Throws the host's error.
   */
  recordAt(physicalOffset: number, sizeBytes?: number): Buffer | undefined {
    return this.#parts.log.recordAt(physicalOffset, sizeBytes)
  }

  /**
   * Visits every record from the one at a physical offset to the end of the log on disk. Blocks; for starts. `record`
   * is valid during the call. Throws the host's error.
   */
  scanFrom(physicalOffset: number, visit: (record: Buffer) => void): void {
    const { segments, offsetWritten } = this.#parts.log
    const from = Math.max(physicalOffset, this.commitLogOffsetMin)
    scanLog(segments, from, { checkCrc: false, to: offsetWritten }, (buffer, at, _offset, size) => {
      visit(buffer.subarray(at, at + size))
    })
  }

  /** Messages whose key (or unique key) has this hash, stored in `[beginMs, endMs]`. Throws the host's error. */
  queryByKey(
    topic: string,
    key: string,
    maxCount: number,
    beginMs: number,
    endMs: number,
  ): QueryMessageResult {
    const search = this.#searchKey(topic, key, maxCount, beginMs, endMs)
    let step = search?.next()
    while (step?.done === false) step = search?.next()
    return this.#foundByKey(step?.value)
  }

  /** As `queryByKey`; a long search continues in later turns. */
  queryByKeyInTurns(
    topic: string,
    key: string,
    maxCount: number,
    beginMs: number,
    endMs: number,
  ): QueryMessageResult | Promise<QueryMessageResult> {
    const search = this.#searchKey(topic, key, maxCount, beginMs, endMs)
    const step = search?.next()
    if (search === undefined || step?.done !== false) return this.#foundByKey(step?.value)
    return this.#searchOn(search)
  }

  async #searchOn(search: Generator<undefined, IndexFound>): Promise<QueryMessageResult> {
    for (;;) {
      await new Promise<void>((resolve) => {
        this.#env.turn.next(resolve)
      })
      const step = search.next()
      if (step.done === true) return this.#foundByKey(step.value)
    }
  }

  #searchKey(
    topic: string,
    key: string,
    maxCount: number,
    beginMs: number,
    endMs: number,
  ): Generator<undefined, IndexFound> | undefined {
    return this.#parts.index?.search({
      keyHash: indexKeyHash(topic, key),
      beginMs,
      endMs,
      maxCount: Math.min(maxCount, this.#config.maxMsgsNumBatch),
    })
  }

  #foundByKey(found: IndexFound | undefined): QueryMessageResult {
    // After a kill a message may be in the index twice.
    const offsets = new Set(found?.physicalOffsets)
    const records = [...offsets].map((offset) => this.recordAt(offset))
    return {
      records: records.filter((record) => record !== undefined),
      indexLastUpdateTimestamp: found?.lastTimestamp ?? 0,
      indexLastUpdatePhysicalOffset: found?.lastOffset ?? 0,
    }
  }

  /** Ids of the topic's queues that were ever written to, ascending. */
  queuesOf(topic: string): number[] {
    return this.#parts.queues.queueIds(topic)
  }

  /** Topics that were ever written to. */
  topics(): string[] {
    return this.#parts.queues.topics()
  }

  /** A topic was created or changed: removes queues of an earlier topic of the same name that have the other format. Throws the host's error. */
  topicChanged(topic: string): void {
    this.#parts.queues.adapt(topic)
  }

  /** Removes a topic's queues. Its records stay in the log until they expire. Throws the host's error. */
  deleteTopic(topic: string): void {
    this.#parts.queues.deleteTopic(topic)
    this.timers?.forgetTopic(topic)
  }

  /** Removes the queues of all topics that are neither in `keep` nor the broker's own; returns their names. */
  deleteUnusedTopics(keep: ReadonlySet<string>): string[] {
    const isKept = (topic: string): boolean =>
      keep.has(topic) || isSystemTopic(topic) || isLmqTopic(topic)
    const unused = this.topics().filter((topic) => !isKept(topic))
    for (const topic of unused) this.deleteTopic(topic)
    return unused
  }

  /** First physical offset that the log still has. */
  get commitLogOffsetMin(): number {
    return this.#parts.log.offsetMin
  }

  /** Physical offset of the next record. */
  get commitLogOffsetMax(): number {
    return this.#parts.log.offsetMax
  }

  /** Up to where the log is written; what lies behind is lost if a write fails. */
  get commitLogOffsetWritten(): number {
    return this.#parts.log.offsetWritten
  }

  /** Up to where the log is known to be on disk. */
  get flushedOffset(): number {
    return this.#parts.flush.flushedOffset
  }

  /** Bytes of the log that are not dispatched to the queues yet. */
  get dispatchBehindBytes(): number {
    const { log, dispatcher } = this.#parts
    return log.offsetMax - (dispatcher.firstWaiting ?? log.offsetMax)
  }

  /** Share of the log's disk that is in use, 0 to 1. */
  get diskUsedRatio(): number {
    return diskUsedRatio(this.#env.disk, this.#parts.paths.commitLog)
  }

  /** Whether a record is probably in memory, because it is close enough to the end of the log. */
  isInMemory(physicalOffset: number): boolean {
    return this.#reader.isInMemory(physicalOffset)
  }

  /** Whether the message at an offset of a queue is cold; false when there is none. */
  isCold(topic: string, queueId: number, queueOffset: number): boolean {
    const unit = this.queueUnitAt(topic, queueId, queueOffset)
    return unit !== undefined && this.#reader.isCold(unit.physicalOffset)
  }

  /** Whether messages are accepted. */
  isWriteable(): boolean {
    return this.whyNotWriteable() === undefined
  }

  /** The latest write and sync times of the log, and how long all of them took. */
  diskTimes(): DiskTimes & DiskHistograms {
    const { syncingMs, lastSyncMs, syncTimes } = this.#parts.flush
    const { lastWriteMs, writeTimes } = this.#appender
    return { lastWriteMs, lastSyncMs, syncingMs, writeTimes, syncTimes }
  }

  /** Why messages are refused; undefined when they are accepted. */
  whyNotWriteable(): string | undefined {
    return this.#parts.health.why()
  }

  /** The store's part of GET_BROKER_RUNTIME_INFO, with Apache's keys. Apache: `DefaultMessageStore.java`, getRuntimeInfo. */
  runtimeInfo(): Record<string, string> {
    const { paths, stats } = this.#parts
    const logRatio = diskUsedText(this.diskUsedRatio)
    return {
      ...stats.runtimeInfo(),
      [`commitLogDiskRatio_${paths.commitLog}`]: logRatio,
      commitLogDiskRatio: logRatio,
      consumeQueueDiskRatio: diskUsedText(diskUsedRatio(this.#env.disk, paths.consumeQueue)),
      commitLogMinOffset: String(this.commitLogOffsetMin),
      commitLogMaxOffset: String(this.commitLogOffsetMax),
    }
  }

  /** Makes answers to sends wait for another condition besides the disk. */
  acknowledgeAfter(condition: AckCondition): void {
    this.#appender.conditions.add(condition)
  }

  /** Registers a watch of the log. */
  watch(watch: LogWatch): void {
    this.#parts.watches.add(watch)
  }

  /**
   * Deletes expired commit log files now, as in the hour of `deleteWhen`. Returns how many were deleted at once;
   * others follow one by one.
   */
  cleanExpiredCommitLog(): number {
    return this.#clean.runManually()
  }

  /** Removes queue files whose messages are gone from the log. Returns how many. */
  cleanExpiredConsumeQueues(): number {
    return this.#clean.cleanQueues()
  }
}

/** Builds something from opened parts, and closes their files if that fails. */
function madeOf<T>(parts: StoreParts, make: () => T): T {
  try {
    return make()
  } catch (error) {
    closeFiles(parts)
    throw error
  }
}

function closeFiles({ queues, index, log }: StoreParts): void {
  queues.files.closeAll()
  index?.close()
  log.segments.close()
}
