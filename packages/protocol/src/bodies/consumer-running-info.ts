import { type MessageQueue, messageQueue } from './message-queue.ts'
import {
  flag,
  flagOr,
  jsonBody,
  list,
  mapByObject,
  mapOf,
  maybe,
  number,
  object,
  text,
  word,
} from './shape.ts'
import { type SubscriptionData, subscriptionData } from './subscription-data.ts'

/** What a consumer holds of one queue. Apache: `ProcessQueueInfo.java`. */
export interface ProcessQueueInfo {
  readonly commitOffset: number
  readonly cachedMsgMinOffset: number
  readonly cachedMsgMaxOffset: number
  readonly cachedMsgCount: number
  readonly cachedMsgSizeInMiB: number
  readonly transactionMsgMinOffset: number
  readonly transactionMsgMaxOffset: number
  readonly transactionMsgCount: number
  readonly locked: boolean
  readonly tryUnlockTimes: number
  /** ms, as the other timestamps */
  readonly lastLockTimestamp: number
  /** Spelled so on the wire. */
  readonly droped: boolean
  readonly lastPullTimestamp: number
  readonly lastConsumeTimestamp: number
}

/** What a consumer holds of one queue that it pops. Apache: `PopProcessQueueInfo.java`. */
export interface PopProcessQueueInfo {
  readonly waitAckCount: number
  /** Spelled so on the wire. */
  readonly droped: boolean
  readonly lastPopTimestamp: number
}

/** How fast a consumer is on one topic. Apache: `ConsumeStatus.java`. */
export interface ConsumeStatus {
  readonly pullRT: number
  readonly pullTPS: number
  readonly consumeRT: number
  readonly consumeOKTPS: number
  readonly consumeFailedTPS: number
  readonly consumeFailedMsgs: number
}

/** What a consumer is doing: GET_CONSUMER_RUNNING_INFO. Apache: `ConsumerRunningInfo.java`. */
export interface ConsumerRunningInfo {
  readonly properties: ReadonlyMap<string, string>
  readonly subscriptionSet: readonly SubscriptionData[]
  readonly mqTable: ReadonlyMap<MessageQueue, ProcessQueueInfo>
  readonly mqPopTable: ReadonlyMap<MessageQueue, PopProcessQueueInfo>
  /** By topic. */
  readonly statusTable: ReadonlyMap<string, ConsumeStatus>
  readonly userConsumerInfo: ReadonlyMap<string, string>
  readonly jstack?: string | undefined
}

const processQueueInfo = object<ProcessQueueInfo>({
  commitOffset: number,
  cachedMsgMinOffset: number,
  cachedMsgMaxOffset: number,
  cachedMsgCount: number,
  cachedMsgSizeInMiB: number,
  transactionMsgMinOffset: number,
  transactionMsgMaxOffset: number,
  transactionMsgCount: number,
  locked: flag,
  tryUnlockTimes: number,
  lastLockTimestamp: number,
  droped: flag,
  lastPullTimestamp: number,
  lastConsumeTimestamp: number,
})

/** ConsumerRunningInfo as a body. */
export const consumerRunningInfoBody = jsonBody<ConsumerRunningInfo>(
  'ConsumerRunningInfo',
  object<ConsumerRunningInfo>({
    properties: mapOf(text),
    subscriptionSet: list(subscriptionData),
    mqTable: mapByObject(messageQueue, processQueueInfo),
    mqPopTable: mapByObject(
      messageQueue,
      object<PopProcessQueueInfo>({ waitAckCount: number, droped: flag, lastPopTimestamp: number }),
    ),
    statusTable: mapOf(
      object<ConsumeStatus>({
        pullRT: number,
        pullTPS: number,
        consumeRT: number,
        consumeOKTPS: number,
        consumeFailedTPS: number,
        consumeFailedMsgs: number,
      }),
    ),
    userConsumerInfo: mapOf(text),
    jstack: maybe(text),
  }),
)

/** How a message that was consumed directly went. Apache: `CMResult.java`. */
export type DirectConsumeResult =
  'CR_SUCCESS' | 'CR_LATER' | 'CR_ROLLBACK' | 'CR_COMMIT' | 'CR_THROW_EXCEPTION' | 'CR_RETURN_NULL'

/** CONSUME_MESSAGE_DIRECTLY. Apache: `ConsumeMessageDirectlyResult.java`. */
export interface ConsumeMessageDirectlyResult {
  readonly order: boolean
  readonly autoCommit: boolean
  readonly consumeResult: DirectConsumeResult
  readonly remark?: string | undefined
  /** ms; spelled so on the wire */
  readonly spentTimeMills: number
}

/** ConsumeMessageDirectlyResult as a body. */
export const consumeMessageDirectlyResultBody = jsonBody<ConsumeMessageDirectlyResult>(
  'ConsumeMessageDirectlyResult',
  object<ConsumeMessageDirectlyResult>({
    order: flag,
    autoCommit: flagOr(true),
    consumeResult: word(
      [
        'CR_SUCCESS',
        'CR_LATER',
        'CR_ROLLBACK',
        'CR_COMMIT',
        'CR_THROW_EXCEPTION',
        'CR_RETURN_NULL',
      ],
      'CR_SUCCESS',
    ),
    remark: maybe(text),
    spentTimeMills: number,
  }),
)
