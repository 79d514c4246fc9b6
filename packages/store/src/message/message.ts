import type { GetMessageStatus, PutMessageStatus } from './status.ts'

/** An address as a record stores it: 4 or 16 bytes, and a port. */
export interface HostAddress {
  readonly address: Uint8Array
  readonly port: number
}

/** Positions of keys in encoded properties; −1 where there is none. */
export interface KeySpans {
  readonly uniqKeyStart: number
  readonly uniqKeyEnd: number
  /** The words of the property KEYS. */
  readonly keysStart: number
  readonly keysEnd: number
}

/**
 * A message to append to the log. The store adds store host, store time, queue offset and physical offset. It keeps
 * no reference after the call. Apache: `MessageExtBrokerInner.java`.
 */
export interface MessageToStore {
  readonly topic: string
  readonly queueId: number
  /** The application's own flag. */
  readonly flag: number
  /** `MessageSysFlag` bits; the store sets the two IPv6 bits by the length of the addresses. */
  readonly sysFlag: number
  /** Ms, by the producer's clock. */
  readonly bornTimestamp: number
  /** 4 or 16 bytes. */
  readonly bornHost: Uint8Array
  readonly bornPort: number
  readonly reconsumeTimes: number
  /** Physical offset of the half message that this one commits, else 0. */
  readonly preparedTransactionOffset: number
  /** As stored on disk, possibly compressed. */
  readonly body: Uint8Array
  /** `name 01 value 02 …` in UTF-8, with the last 02. */
  readonly properties: Uint8Array
  /** More properties, appended to the others; `keys` has no positions in them. */
  readonly moreProperties?: Uint8Array | undefined
  /**
   * `javaHash` of the tag, 0 without one. For the topic of delayed messages the store replaces it by the time at
   * which the message is due.
   */
  readonly tagsCode: number
  /** Positions of the message's keys in `properties`, if the caller knows them; otherwise they are searched for. */
  readonly keys?: KeySpans | undefined
  /** Under SYNC_FLUSH: whether the answer waits for the disk. */
  readonly waitStoreOk: boolean
}

/** The result of storing one message. Numbers are −1 when it was not stored. */
export interface PutMessageResult {
  readonly status: PutMessageStatus
  /** A readable reason for a failure; undefined on success. */
  readonly remark: string | undefined
  /** Where the record starts in the commit log, in bytes. */
  readonly physicalOffset: number
  /** Length of the record. */
  readonly sizeBytes: number
  /** Offset in the queue, in messages. */
  readonly queueOffset: number
  /** Ms, by this node's clock. */
  readonly storeTimestamp: number
}

/** The result of storing a batch: all of it, in one file of the log, or nothing. */
export interface PutBatchResult {
  readonly status: PutMessageStatus
  readonly remark: string | undefined
  /** Where each record starts, in the order of the batch; empty when nothing was stored. */
  readonly physicalOffsets: readonly number[]
  /** Queue offset of the first message, −1 when nothing was stored. */
  readonly queueOffset: number
  readonly storeTimestamp: number
}

/** A filter of the broker's on messages of a queue, in two steps. Apache: `MessageFilter.java`. */
export interface MessageFilter {
  /** Step one, on what the consume queue knows. */
  matchesTagsCode(tagsCode: number): boolean
  /** Step two, on the whole record, for filters on properties. The view is valid during the call. */
  matchesRecord?(record: Buffer): boolean
  /** True once filtering has cost so much that the read should end before the next message. */
  readonly isSpent?: boolean
}

/** Limits of one read. The store's own limits apply as well. */
export interface GetMessageLimits {
  readonly maxCount: number
  /** Bytes; the first message is returned whatever its size. */
  readonly maxBytes?: number
}

/** The result of reading a queue. Apache: `GetMessageResult.java`. */
export interface GetMessageResult {
  readonly status: GetMessageStatus
  /** The offset to ask for next. */
  readonly nextBeginOffset: number
  readonly offsetMin: number
  readonly offsetMax: number
  /**
   * The whole records, in queue order; concatenated they are the body of a pull. They are views of the store's
   * memory, valid until the current turn's answers are sent: copy a record to keep it.
   */
  readonly records: readonly Buffer[]
  /** Queue offset of each record; for a batch stored as one record, of its first message. */
  readonly queueOffsets: readonly number[]
  /** How many messages the records contain. */
  readonly count: number
  /** Length of all records. */
  readonly bytes: number
  /** Bytes of the records that are cold; 0 without `coldDataFlowControlEnable`. */
  readonly coldBytes: number
  /** Whether the read is so far behind that a slave would serve it better. */
  readonly suggestPullingFromSlave: boolean
}

/** The consume queue's data on one record. */
export interface QueueUnit {
  /** Offset of the message, or of the first message of a batch stored as one record. */
  readonly queueOffset: number
  /** How many messages the record has; 1 except for such a batch. */
  readonly count: number
  readonly physicalOffset: number
  readonly sizeBytes: number
  /** Hash of the tag, or for a delayed message the time at which it is due. */
  readonly tagsCode: number
}

/** The result of a query of the index. */
export interface QueryMessageResult {
  /** Records whose key has the given hash, newest file first; compare the key to be sure. */
  readonly records: readonly Buffer[]
  /** Ms; store time of the newest message in the index, 0 when it is empty. */
  readonly indexLastUpdateTimestamp: number
  /** Physical offset of the newest message in the index, 0 when it is empty. */
  readonly indexLastUpdatePhysicalOffset: number
}

/** A message that can be read from its queue now. */
export interface Arrival {
  readonly topic: string
  readonly queueId: number
  /** The queue's new maximum. */
  readonly nextOffset: number
  /** Hash of the tag, or for a delayed message the time at which it is due. */
  readonly tagsCode: number
  /** Ms. */
  readonly storeTimestamp: number
  /** `store.recordAt(physicalOffset, sizeBytes)` has the record. */
  readonly physicalOffset: number
  readonly sizeBytes: number
}
