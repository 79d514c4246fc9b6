import type { Env } from '@skylarkmq/env'
import type {
  ArrivalListener,
  GetMessageLimits,
  GetMessageResult,
  HostAddress,
  MessageFilter,
  MessageToStore,
  PutBatchResult,
  PutMessageResult,
  QueryMessageResult,
  QueueUnit,
} from './message.ts'
import type { StoreConfig } from './options.ts'

/**
 * The messages of one broker on disk: the commit log, and the consume queues and the index made from it.
 * Apache: `DefaultMessageStore.java`.
 */
export declare class MessageStore {
  /**
   * Locks the directory, opens what is there and recovers it; accepts nothing yet. `config` is read at each
   * use, so live options take effect when they are changed in it.
   */
  static open(env: Env, config: StoreConfig): Promise<MessageStore>
  /** Accepts from now on, and begins flushing and cleaning. */
  start(): void
  /** Stops accepting, writes and flushes everything, and releases the directory. */
  shutdown(): Promise<void>
  /** Sets what new records say of the broker: `brokerIP1` and the remoting port. */
  setStoreHost(host: HostAddress): void
  /**
   * Stores a message. Under ASYNC_FLUSH the answer comes at once: the record is staged, and is in the page
   * cache before the turn's answers are sent. Under SYNC_FLUSH it is a promise when the message waits.
   */
  putMessage(message: MessageToStore): PutMessageResult | Promise<PutMessageResult>
  /** Stores the messages of a batch, which are of one topic and queue, side by side in one file. */
  putMessages(batch: readonly MessageToStore[]): PutBatchResult | Promise<PutBatchResult>
  /** Reads a queue from an offset on. A promise when the disk must be asked. */
  getMessage(
    topic: string,
    queueId: number,
    offset: number,
    limits: GetMessageLimits,
    filter?: MessageFilter,
  ): GetMessageResult | Promise<GetMessageResult>
  /** First offset that the queue still has; 0 for an unknown queue. */
  offsetMin(topic: string, queueId: number): number
  /** Offset after the last message that can be read; 0 for an unknown queue. */
  offsetMax(topic: string, queueId: number): number
  /** Where a time is in a queue, by store time: the first offset not before it (`lower`), or the last not after it (`upper`). */
  offsetByTime(
    topic: string,
    queueId: number,
    timestampMs: number,
    boundary: 'lower' | 'upper',
  ): number
  /** Store time of a message in ms; −1 when there is none. */
  storeTimeOf(topic: string, queueId: number, queueOffset: number): number
  /** Store time of the queue's first message; −1 when there is none. */
  earliestStoreTime(topic: string, queueId: number): number
  /** Store time of the log's first message; −1 when the log is empty. */
  earliestStoreTimeOfAll(): number
  /** What the queue says of one message; undefined when it has no such offset. */
  queueUnitAt(topic: string, queueId: number, queueOffset: number): QueueUnit | undefined
  /**
   * The record that starts at a physical offset: whole, its CRC checked. Undefined when no record starts there,
   * or one of another size than `sizeBytes`. Valid as the records of `getMessage`.
   */
  recordAt(physicalOffset: number, sizeBytes?: number): Buffer | undefined
  /** Messages whose key (or unique key) has this hash, stored in `[beginMs, endMs]`. */
  queryByKey(
    topic: string,
    key: string,
    maxCount: number,
    beginMs: number,
    endMs: number,
  ): QueryMessageResult
  /** Ids of the topic's queues that were ever written, ascending. */
  queuesOf(topic: string): number[]
  /** Topics that were ever written. */
  topics(): string[]
  /** Removes a topic's queues. Its records stay in the log until they expire. */
  deleteTopic(topic: string): void
  /** Removes the queues of all topics that are not in `keep`; returns their names. */
  deleteUnusedTopics(keep: ReadonlySet<string>): string[]
  /** First physical offset that the log still has. */
  readonly commitLogOffsetMin: number
  /** Physical offset of the next record. */
  readonly commitLogOffsetMax: number
  /** Up to where the log is known to be on disk. */
  readonly flushedOffset: number
  /** Bytes of the log that are not in the queues yet. */
  readonly dispatchBehindBytes: number
  /** Share of the log's disk that is in use, 0 to 1. */
  readonly diskUsedRatio: number
  /** Whether a record there is probably in memory: near enough to the end of the log. */
  isInMemory(physicalOffset: number): boolean
  /** Whether messages are accepted. */
  isWriteable(): boolean
  /** Why messages are not accepted; undefined when they are. */
  whyNotWriteable(): string | undefined
  /** The store's part of GET_BROKER_RUNTIME_INFO, with Apache's keys. */
  runtimeInfo(): Record<string, string>
  /** Registers who hears of each message that can be read. */
  onArrival(listener: ArrivalListener): void
  /** Deletes expired commit log files now, as in the hour of `deleteWhen`. Returns how many. */
  cleanExpiredCommitLog(): number
  /** Removes queue files whose messages are gone from the log now. Returns how many. */
  cleanExpiredConsumeQueues(): number
}
