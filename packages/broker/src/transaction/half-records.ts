import { decodeRecord, MessageSysFlag, SystemTopic, transactionState } from '@skylarkmq/protocol'
import type { MessageStore } from '@skylarkmq/store'
import { copyAsFirst, readHalf, type HalfMessage } from './half-message.ts'

const { TRANS_CHECK_MAX_TIME, TRANS_HALF } = SystemTopic
/** The queue of half messages, and of the records of their ends. */
export const QUEUE_ID = 0
const MATCHES_MAX = 64

/** Reads the log for half messages. Each method throws the host's error when the disk cannot be read. */
export class HalfRecords {
  readonly #store: MessageStore

  constructor(store: MessageStore) {
    this.#store = store
  }

  /** The record at a queue offset of the half or the op topic; undefined when it is gone. */
  at(topic: string, offset: number): Buffer | undefined {
    const unit = this.#store.queueUnitAt(topic, QUEUE_ID, offset)
    return unit === undefined
      ? undefined
      : this.#store.recordAt(unit.physicalOffset, unit.sizeBytes)
  }

  /** The half message at an offset of the log; undefined when there is none. */
  halfAt(physicalOffset: number): HalfMessage | undefined {
    const store = this.#store
    if (physicalOffset < store.commitLogOffsetMin || physicalOffset >= store.commitLogOffsetMax) {
      return undefined
    }
    const record = store.recordAt(physicalOffset)
    const half = record === undefined ? undefined : readHalf(record)
    return half === undefined ? undefined : this.#whole(half)
  }

  /** The half message at an offset of its queue; undefined when it is gone. */
  halfInQueue(queueOffset: number): HalfMessage | undefined {
    const record = this.at(TRANS_HALF, queueOffset)
    const half = record === undefined ? undefined : readHalf(record)
    return half === undefined ? undefined : this.#whole(half)
  }

  /**
   * A copy, with the fields of the first half message. A copy may not be on disk, and no checksum covers the fields
   * before and behind the body: a power cut may leave one with another birth time or topic.
   */
  #whole(half: HalfMessage): HalfMessage {
    if (half.root < 0 || half.root === half.queueOffset || half.record.topic !== TRANS_HALF) {
      return half
    }
    const bytes = this.at(TRANS_HALF, half.root)
    const first = bytes === undefined ? undefined : readHalf(bytes)
    if (first?.root !== half.root || first.uniqKey !== half.uniqKey) return half
    return copyAsFirst(half, first)
  }

  /** Whether the log has a message that commits this half's transaction. */
  isCommitted(half: HalfMessage): boolean {
    const { realTopic, uniqKey } = half
    return this.#withKey(realTopic, uniqKey).some((bytes) => {
      const record = decodeRecord(bytes)
      const { topic, sysFlag, preparedTransactionOffset: from } = record
      if (topic !== realTopic || transactionState(sysFlag) !== MessageSysFlag.TRANSACTION_COMMIT) {
        return false
      }
      if (from === half.physicalOffset) return true
      const other = this.halfAt(from)
      return other !== undefined && other.root === half.root && other.uniqKey === uniqKey
    })
  }

  /** Whether this half's transaction was discarded: its message is in the topic for those. */
  isGivenUp(half: HalfMessage): boolean {
    return this.#withKey(TRANS_CHECK_MAX_TIME, half.uniqKey).some((bytes) => {
      const given = readHalf(bytes)
      if (given?.record.topic !== TRANS_CHECK_MAX_TIME || given.uniqKey !== half.uniqKey)
        return false
      // Apache's do not name the first half message.
      return given.root < 0 ? given.bornTimestamp === half.bornTimestamp : given.root === half.root
    })
  }

  #withKey(topic: string | undefined, uniqKey: string | undefined): readonly Buffer[] {
    if (topic === undefined || uniqKey === undefined) return []
    return this.#store.queryByKey(topic, uniqKey, MATCHES_MAX, 0, Number.MAX_SAFE_INTEGER).records
  }
}
