import { ResponseCode } from '../codes/response-code.ts'
import { defineRequest } from '../schema/define-request.ts'
import { required } from '../schema/fields.ts'
import { groupName, refusedAs } from '../schema/name-fields.ts'
import { rpcFields } from './common-fields.ts'

/** Lists the clients of a group. */
export const GetConsumerListByGroup = defineRequest({
  code: 38,
  name: 'GET_CONSUMER_LIST_BY_GROUP',
  doc: 'Lists the clients of a group.',
  source: 'GetConsumerListByGroupRequestHeader.java, ConsumerManageProcessor.java',
  header: {
    ...rpcFields,
    consumerGroup: required(
      refusedAs(ResponseCode.SYSTEM_ERROR, groupName),
      'Group that consumes.',
    ),
  },
  reply: {},
})

/** Tells a client that its group has other clients, so that it allocates queues anew. */
export const NotifyConsumerIdsChanged = defineRequest({
  code: 40,
  name: 'NOTIFY_CONSUMER_IDS_CHANGED',
  doc: 'Tells a client that its group has other clients, so that it allocates queues anew.',
  source: 'NotifyConsumerIdsChangedRequestHeader.java, ClientRemotingProcessor.java',
  header: {
    ...rpcFields,
    consumerGroup: required(groupName, 'Group that consumes.'),
  },
  reply: {},
  oneway: true,
})

/** Locks queues for one client of a group that consumes in order. */
export const LockBatchMq = defineRequest({
  code: 41,
  name: 'LOCK_BATCH_MQ',
  doc: 'Locks queues for one client of a group that consumes in order.',
  source: 'LockBatchMqRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...rpcFields,
  },
  reply: {},
})

/** Unlocks queues that LOCK_BATCH_MQ locked. */
export const UnlockBatchMq = defineRequest({
  code: 42,
  name: 'UNLOCK_BATCH_MQ',
  doc: 'Unlocks queues that LOCK_BATCH_MQ locked.',
  source: 'UnlockBatchMqRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...rpcFields,
  },
  reply: {},
})
