import { type MessageQueue, messageQueue } from './message-queue.ts'
import { flag, jsonBody, list, object, text } from './shape.ts'

/** LOCK_BATCH_MQ and UNLOCK_BATCH_MQ. Apache: `LockBatchRequestBody.java`. */
export interface LockBatchRequest {
  readonly consumerGroup: string
  readonly clientId: string
  readonly onlyThisBroker: boolean
  readonly mqSet: readonly MessageQueue[]
}

/** LockBatchRequest as a body. */
export const lockBatchRequestBody = jsonBody<LockBatchRequest>(
  'LockBatchRequestBody',
  object<LockBatchRequest>({
    consumerGroup: text,
    clientId: text,
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
