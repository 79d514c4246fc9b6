import { clientIdName, groupName } from '../schema/name-fields.ts'
import { type MessageQueue, messageQueue } from './message-queue.ts'
import { flag, jsonBody, list, named, needed, present, notNull, object } from './shape.ts'

/** LOCK_BATCH_MQ and UNLOCK_BATCH_MQ. Apache: `LockBatchRequestBody.java`. */
export interface LockBatchRequest {
  readonly consumerGroup: string
  readonly clientId: string
  readonly onlyThisBroker: boolean
  readonly mqSet: readonly MessageQueue[]
}

/** LockBatchRequest as a body of LOCK_BATCH_MQ. */
export const lockBatchRequestBody = jsonBody<LockBatchRequest>(
  'LockBatchRequestBody',
  object<LockBatchRequest>({
    consumerGroup: needed(named(groupName)),
    clientId: needed(named(clientIdName)),
    onlyThisBroker: flag,
    mqSet: notNull(list(present(messageQueue))),
  }),
)

/** LockBatchRequest as a body of UNLOCK_BATCH_MQ, which needs no more than a group. */
export const unlockBatchRequestBody = jsonBody<LockBatchRequest>(
  'UnlockBatchRequestBody',
  object<LockBatchRequest>({
    consumerGroup: needed(named(groupName)),
    clientId: named(clientIdName),
    onlyThisBroker: flag,
    mqSet: list(messageQueue),
  }),
)

/** The queues that were locked. Apache: `LockBatchResponseBody.java`. */
export interface LockBatchAnswer {
  readonly lockOKMQSet: readonly MessageQueue[]
}

/** LockBatchAnswer as a body. */
export const lockBatchAnswerBody = jsonBody<LockBatchAnswer>(
  'LockBatchResponseBody',
  object<LockBatchAnswer>({ lockOKMQSet: list(messageQueue) }),
)
