import type { GetMessageStatus, PutMessageStatus } from './status.ts'

/** An address as the record keeps it: 4 or 16 bytes, and a port. */
export interface HostAddress {
  readonly address: Uint8Array
  readonly port: number
}

/** Where keys lie in encoded properties; −1 where there is none. */
export interface KeySpans {
  readonly uniqKeyStart: number
  readonly uniqKeyEnd: number
  /** The words of the property KEYS. */
  readonly keysStart: number
  readonly keysEnd: number
}

/**
 * A message on its way into the log. The store adds the store host, the store time, the queue offset
 * and the physical offset. Nothing of it is kept after the call. Apache: `MessageExtBrokerInner.java`.
 */
export interface MessageToStore {
  readonly topic: string
  readonly queueId: number
  /** The application's own. */
  readonly flag: number
  /** `MessageSysFlag` bits; the store sets or clears the two that say IPv6 by the length of the addresses. */
  readonly sysFlag: number
  /** Ms, the producer's clock. */
  readonly bornTimestamp: number
  /** 4 or 16 bytes. */
  readonly bornHost: Uint8Array
  readonly bornPort: number
  readonly reconsumeTimes: number
  /** Physical offset of the half message that this one commits, else 0. */
  readonly preparedTransactionOffset: number
  /** As it is to lie on disk, perhaps compressed. */
  readonly body: Uint8Array
  /** `name 01 value 02 …` in UTF-8, with the last 02. */
  readonly properties: Uint8Array
  /** More of them, which come behind; `keys` has none of theirs. */
  readonly moreProperties?: Uint8Array | undefined
  /**
   * `javaHash` of the tag, 0 without one. For the topic of delayed messages the store puts the time
   * at which the message is due in its place.
   */
  readonly tagsCode: number
  /** Where the message's keys lie in `properties`, from a caller who knows; else they are looked for. */
  readonly keys?: KeySpans | undefined
  /** Under SYNC_FLUSH: whether the answer waits for the disk. */
  readonly waitStoreOk: boolean
}

/** How one message was stored. The numbers are −1 when it was not. */
export interface PutMessageResult {
  readonly status: PutMessageStatus
  /** Why not, for people; undefined when all is well. */
  readonly remark: string | undefined
  /** Where the record starts in the commit log, in bytes. */
  readonly physicalOffset: number
  /** Length of the record. */
  readonly sizeBytes: number
  /** Place in the queue, in messages. */
  readonly queueOffset: number
  /** Ms, this node's clock. */
  readonly storeTimestamp: number
}

/** How a batch was stored: all of it, in one file of the log, or nothing of it. */
export interface PutBatchResult {
  readonly status: PutMessageStatus
  readonly remark: string | undefined
  /** Where each record starts, in the order of the batch; empty when nothing was stored. */
  readonly physicalOffsets: readonly number[]
  /** Place of the first message in its queue, −1 when nothing was stored. */
  readonly queueOffset: number
  readonly storeTimestamp: number
}

/** What the broker wants of a queue, tested in two steps. Apache: `MessageFilter.java`. */
export interface MessageFilter {
  /** Tested first, on what the consume queue knows. */
  matchesTagsCode(tagsCode: number): boolean
  /** Tested on the whole record, for filters on properties. The view is valid during the call. */
  matchesRecord?(record: Buffer): boolean
  /** True once its tests have cost so much that the read is to end before the next message. */
  readonly isSpent?: boolean
}

/** How much one read may return. The store's own limits apply besides. */
export interface GetMessageLimits {
  readonly maxCount: number
  /** Bytes; the first message is returned whatever its size. */
  readonly maxBytes?: number
}

/** What a read of a queue found. Apache: `GetMessageResult.java`. */
export interface GetMessageResult {
  readonly status: GetMessageStatus
  /** The offset to ask for next. */
  readonly nextBeginOffset: number
  readonly offsetMin: number
  readonly offsetMax: number
  /**
   * The records, whole, in queue order; the body of a pull is these one after the other. They are views
   * of the store's memory, valid until the current turn has sent its answers: who needs one longer copies it.
   */
  readonly records: readonly Buffer[]
  /** Queue offset of each record; of a batch that is one record, that of its first message. */
  readonly queueOffsets: readonly number[]
  /** How many messages the records have. */
  readonly count: number
  /** Length of all records. */
  readonly bytes: number
  /** Bytes of the records that are cold; 0 without `coldDataFlowControlEnable`. */
  readonly coldBytes: number
  /** Whether the read is so far behind that a slave would serve it better. */
  readonly suggestPullingFromSlave: boolean
}

/** What a consume queue knows of one record. */
export interface QueueUnit {
  /** Offset of the message, or of the first of a batch that is one record. */
  readonly queueOffset: number
  /** How many messages the record has; 1 but for such a batch. */
  readonly count: number
  readonly physicalOffset: number
  readonly sizeBytes: number
  /** Hash of the tag, or for a delayed message the time at which it is due. */
  readonly tagsCode: number
}

/** What a query of the index found. */
export interface QueryMessageResult {
  /** Records whose key has the hash asked for, newest file first; compare the key to be sure. */
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
