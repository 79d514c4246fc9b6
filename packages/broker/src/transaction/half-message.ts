import {
  changeProperties,
  createOffsetMsgId,
  decodeProperties,
  decodeRecord,
  encodeRecord,
  MessageSysFlag,
  Property,
  recordSizeOf,
  SystemTopic,
  tagsCode,
  withTransactionState,
  type CheckTransactionState,
  type DecodedMessage,
  type HeaderOf,
} from '@skylarkmq/protocol'
import { messageAgain, type MessageToStore } from '@skylarkmq/store'
import { tagsCodeOf } from '../send/tags-code.ts'

/** Tag of the records that list half messages which have ended. */
const ENDED_TAG = 'd'

/** A half message in the half queue. */
export interface HalfMessage {
  readonly queueOffset: number
  readonly physicalOffset: number
  /**
   * Queue offset of the transaction's first half message. Each check appends the half message again; all copies share
   * this offset.
   */
  readonly root: number
  /** Ms, by the producer's clock. */
  readonly bornTimestamp: number
  /** Ms, by the broker's clock. */
  readonly storeTimestamp: number
  /** How often the producer was asked; −1 for an invalid number. */
  readonly checkTimes: number
  /** CHECK_IMMUNITY_TIME_IN_SECONDS as it was sent; undefined without one. */
  readonly immunity: string | undefined
  /** The producer's group. */
  readonly group: string | undefined
  readonly uniqKey: string | undefined
  /** Destination after the commit; undefined when the message names none. */
  readonly realTopic: string | undefined
  readonly realQueueId: number
  readonly tagsCode: number
  readonly record: DecodedMessage
}

/**
 * A transactional message in the form in which it waits for its producer's decision. Properties that would delay it
 * are removed, as Apache's clients do: Apache's broker would lose such a message.
 * Apache: `TransactionalMessageBridge.java`, parseHalfMessageInner.
 */
export function prepareHalf(message: MessageToStore): MessageToStore {
  const properties = Buffer.from(message.properties)
  return {
    ...message,
    topic: SystemTopic.TRANS_HALF,
    queueId: 0,
    sysFlag: withTransactionState(message.sysFlag, 0),
    properties: changeProperties(properties, {
      [Property.DELAY]: undefined,
      [Property.TIMER_DELAY_MS]: undefined,
      [Property.TIMER_DELAY_SEC]: undefined,
      [Property.TIMER_DELIVER_MS]: undefined,
      [Property.TRAN_PREPARED_QUEUE_OFFSET]: undefined,
      [Property.TRANSACTION_ID]: decodeProperties(properties).get(Property.UNIQ_KEY),
      [Property.REAL_TOPIC]: message.topic,
      [Property.REAL_QID]: String(message.queueId),
    }),
  }
}

/** Reads a record of the half queue, or of the topic of discarded half messages. Undefined for any other. */
export function readHalf(bytes: Buffer): HalfMessage | undefined {
  const record = decodeRecord(bytes)
  const isHalf = record.topic === SystemTopic.TRANS_HALF
  if (!isHalf && record.topic !== SystemTopic.TRANS_CHECK_MAX_TIME) return undefined
  const properties = decodeProperties(record.properties)
  const link = properties.get(Property.TRAN_PREPARED_QUEUE_OFFSET)
  return {
    queueOffset: record.queueOffset,
    physicalOffset: record.physicalOffset,
    root: wholeNumber(link) ?? (isHalf ? record.queueOffset : -1),
    bornTimestamp: record.bornTimestamp,
    storeTimestamp: record.storeTimestamp,
    checkTimes: checkTimesOf(properties.get(Property.TRANSACTION_CHECK_TIMES)),
    immunity: properties.get(Property.CHECK_IMMUNITY_TIME_IN_SECONDS),
    group: properties.get(Property.PGROUP),
    uniqKey: properties.get(Property.UNIQ_KEY),
    realTopic: properties.get(Property.REAL_TOPIC),
    realQueueId: wholeNumber(properties.get(Property.REAL_QID)) ?? 0,
    tagsCode: tagsCodeOf(properties),
    record,
  }
}

function checkTimesOf(text: string | undefined): number {
  return text === undefined ? 0 : (wholeNumber(text) ?? -1)
}

/** Undefined for anything but a whole number from 0 on. */
export function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,15}$/.test(text)) return undefined
  return Number(text)
}

/** A copy of a half message with changes. */
function again(
  half: HalfMessage,
  topic: string,
  changes: Readonly<Record<string, string | undefined>>,
): MessageToStore {
  const { record, tagsCode } = half
  const properties = changeProperties(record.properties, changes)
  return messageAgain(record, { topic, queueId: 0, properties, tagsCode })
}

/**
 * The half message to append again; `checkTimes` is how often its producer has been asked by then. It names the first
 * half message in the property that Apache uses for halves with an immunity time.
 * Apache: `TransactionalMessageBridge.java`, renewHalfMessageInner and renewImmunityHalfMessageInner.
 */
export function copyOfHalf(half: HalfMessage, checkTimes: number): MessageToStore {
  return again(half, SystemTopic.TRANS_HALF, {
    [Property.TRAN_PREPARED_QUEUE_OFFSET]: half.root < 0 ? undefined : String(half.root),
    ...(checkTimes === half.checkTimes
      ? {}
      : { [Property.TRANSACTION_CHECK_TIMES]: String(checkTimes) }),
  })
}

/**
 * The fields of a copy, made from the first half message, but with its own place in the log and its number of checks.
 */
export function copyAsFirst(copy: HalfMessage, first: HalfMessage): HalfMessage {
  const { queueOffset, physicalOffset, storeTimestamp, checkTimes } = copy
  const properties = changeProperties(first.record.properties, {
    [Property.TRAN_PREPARED_QUEUE_OFFSET]: String(first.root),
    ...(checkTimes > 0 ? { [Property.TRANSACTION_CHECK_TIMES]: String(checkTimes) } : {}),
  })
  const place = { queueOffset, physicalOffset, storeTimestamp }
  return { ...first, ...place, checkTimes, record: { ...first.record, ...place, properties } }
}

/** The half message in the form in which it goes to the topic of discarded half messages. */
export function discardedHalf(half: HalfMessage): MessageToStore {
  return again(half, SystemTopic.TRANS_CHECK_MAX_TIME, {
    [Property.TRAN_PREPARED_QUEUE_OFFSET]: String(half.root),
  })
}

/** Properties as Apache would show them: only a half with an immunity time names the first one. */
function shownProperties(half: HalfMessage): Buffer {
  const { properties } = half.record
  if (half.immunity !== undefined) return properties
  return changeProperties(properties, { [Property.TRAN_PREPARED_QUEUE_OFFSET]: undefined })
}

/**
 * The message that a commit delivers; undefined when the half names no destination.
 * Apache: `EndTransactionProcessor.java`.
 */
export function committedMessage(half: HalfMessage): MessageToStore | undefined {
  if (half.realTopic === undefined) return undefined
  const { record } = half
  return messageAgain(record, {
    topic: half.realTopic,
    queueId: half.realQueueId,
    sysFlag: withTransactionState(record.sysFlag, MessageSysFlag.TRANSACTION_COMMIT),
    preparedTransactionOffset: half.physicalOffset,
    // As in Apache, the stored message still shows what it was.
    properties: shownProperties(half),
    tagsCode: half.tagsCode,
  })
}

/**
 * The record that lists ended half messages: `12,13,`. Apache: `TransactionalMessageServiceImpl.java`, getOpMessage.
 */
export function endedRecord(
  offsets: readonly number[],
  now: number,
  host: { readonly address: Uint8Array; readonly port: number },
): MessageToStore {
  return {
    topic: SystemTopic.TRANS_OP_HALF,
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: now,
    bornHost: host.address,
    bornPort: host.port,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: Buffer.from(offsets.map((offset) => `${offset},`).join('')),
    properties: Buffer.from(`WAIT\x01true\x02TAGS\x01${ENDED_TAG}\x02`),
    tagsCode: tagsCode(ENDED_TAG),
    waitStoreOk: false,
  }
}

/** Offsets in a record of ended half messages, in the format of Apache 4.9 (`12`) or 5 (`12,13,`). */
export function endedOffsets(bytes: Buffer): number[] {
  const { properties, body } = decodeRecord(bytes)
  if (decodeProperties(properties).get(Property.TAGS) !== ENDED_TAG) return []
  const offsets = body.toString('latin1').split(',').map(wholeNumber)
  return offsets.filter((offset) => offset !== undefined)
}

/**
 * The question to a producer about a half message that was appended again at these offsets.
 * Apache: `AbstractTransactionalMessageCheckListener.java`.
 */
export function checkRequest(
  half: HalfMessage,
  copy: {
    readonly queueOffset: number
    readonly physicalOffset: number
    readonly checkTimes: number
  },
  brokerName: string,
): { header: HeaderOf<typeof CheckTransactionState>; body: Buffer } {
  const { record } = half
  const fields = {
    ...record,
    topic: Buffer.from(half.realTopic ?? ''),
    queueId: half.realQueueId,
    queueOffset: copy.queueOffset,
    physicalOffset: copy.physicalOffset,
    properties: changeProperties(shownProperties(half), {
      [Property.TRANSACTION_CHECK_TIMES]: String(copy.checkTimes),
      // The copy need not be on disk, and Apache shows that to the producer.
      [Property.WAIT]: 'false',
    }),
  }
  const body = Buffer.alloc(recordSizeOf(fields))
  encodeRecord(body, 0, fields)
  const header = {
    bname: brokerName,
    topic: SystemTopic.TRANS_HALF,
    commitLogOffset: copy.physicalOffset,
    tranStateTableOffset: copy.queueOffset,
    msgId: half.uniqKey,
    transactionId: half.uniqKey,
    offsetMsgId: createOffsetMsgId(record.storeHost, record.storePort, copy.physicalOffset),
  }
  return { header, body }
}
