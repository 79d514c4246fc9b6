import {
  consumerIdListBody,
  lockBatchAnswerBody,
  lockBatchRequestBody,
  unlockBatchRequestBody,
  ResponseCode,
  type GetConsumerListByGroup,
  type LockBatchMq,
  type UnlockBatchMq,
} from '@skylarkmq/protocol'
import { OK, refuse, type Processor } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'
import { clientIdsOf } from '../consumer/consumer-table.ts'

/** GET_CONSUMER_LIST_BY_GROUP: ids of the clients of a group, in no particular order. */
export const getConsumerListByGroup: Processor<BrokerContext, typeof GetConsumerListByGroup> = (
  broker,
  { header },
) => {
  const group = broker.consumers.get(header.consumerGroup)
  if (group === undefined || group.clients.size === 0) {
    return refuse(ResponseCode.SYSTEM_ERROR, `no consumer for this group, ${header.consumerGroup}`)
  }
  const consumerIdList = clientIdsOf(group)
  return { code: ResponseCode.SUCCESS, body: consumerIdListBody.encode({ consumerIdList }) }
}

/** LOCK_BATCH_MQ: gives queues to one client of a group alone, for a minute. */
export const lockBatchMq: Processor<BrokerContext, typeof LockBatchMq> = (broker, { body }) => {
  const { consumerGroup, clientId, mqSet } = lockBatchRequestBody.decode(body)
  const lockOKMQSet = broker.locks.lock(consumerGroup, mqSet, clientId)
  return { code: ResponseCode.SUCCESS, body: lockBatchAnswerBody.encode({ lockOKMQSet }) }
}

/** UNLOCK_BATCH_MQ: gives queues up. */
export const unlockBatchMq: Processor<BrokerContext, typeof UnlockBatchMq> = (broker, { body }) => {
  const { consumerGroup, clientId, mqSet } = unlockBatchRequestBody.decode(body)
  broker.locks.unlock(consumerGroup, mqSet, clientId)
  return OK
}
