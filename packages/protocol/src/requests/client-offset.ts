import { ResponseCode } from '../codes/response-code.ts'
import { defineRequest } from '../schema/define-request.ts'
import { boolean, int32, int64, optional, orElse, required, timestampMs } from '../schema/fields.ts'
import { clientIdName, groupName, refusedAs, topicName } from '../schema/name-fields.ts'
import { topicFields } from './common-fields.ts'

/** Tells a client the offsets to go on from; they are in the body. */
export const ResetConsumerClientOffset = defineRequest({
  code: 220,
  name: 'RESET_CONSUMER_CLIENT_OFFSET',
  doc: 'Tells a client the offsets to go on from; they are in the body.',
  source: 'ResetOffsetRequestHeader.java, ClientRemotingProcessor.java',
  header: {
    ...topicFields,
    topic: required(topicName, 'Topic, with the namespace already wrapped in.'),
    group: required(groupName, 'Consumer group.'),
    queueId: optional(int32, 'Queue of the topic, from 0.'),
    offset: optional(int64, 'Logical offset in the queue, in messages.'),
    timestamp: required(timestampMs, 'Time, ms.'),
    isForce: required(boolean, 'True goes forward as well as back.'),
  },
  reply: {},
  oneway: true,
})

/** Asks a client for its offsets. */
export const GetConsumerStatusFromClient = defineRequest({
  code: 221,
  name: 'GET_CONSUMER_STATUS_FROM_CLIENT',
  doc: 'Asks a client for its offsets.',
  source: 'GetConsumerStatusRequestHeader.java, ClientRemotingProcessor.java',
  header: {
    ...topicFields,
    topic: required(topicName, 'Topic, with the namespace already wrapped in.'),
    group: required(groupName, 'Consumer group.'),
    clientAddr: optional(clientIdName, 'Which client is meant.'),
  },
  reply: {},
})

/** Sets the offsets of a group to a time, and tells its clients. */
export const InvokeBrokerToResetOffset = defineRequest({
  code: 222,
  name: 'INVOKE_BROKER_TO_RESET_OFFSET',
  doc: 'Sets the offsets of a group to a time, and tells its clients.',
  source: 'ResetOffsetRequestHeader.java, AdminBrokerProcessor.java',
  refusals: ['TOPIC_NOT_EXIST', 'SUBSCRIPTION_GROUP_NOT_EXIST'],
  header: {
    ...topicFields,
    topic: required(
      refusedAs(ResponseCode.TOPIC_NOT_EXIST, topicName),
      'Topic, with the namespace already wrapped in.',
    ),
    group: orElse(
      refusedAs(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, groupName),
      '',
      'Consumer group.',
    ),
    queueId: optional(int32, 'One queue, all when -1 or absent.'),
    offset: optional(int64, 'Offset for that queue, in place of the time.'),
    timestamp: orElse(timestampMs, 0, 'Time, ms, or -1 for the newest.'),
    isForce: orElse(boolean, false, 'True goes forward as well as back.'),
  },
  reply: {},
})

/** Collects the offsets of the clients of a group. */
export const InvokeBrokerToGetConsumerStatus = defineRequest({
  code: 223,
  name: 'INVOKE_BROKER_TO_GET_CONSUMER_STATUS',
  doc: 'Collects the offsets of the clients of a group.',
  source: 'GetConsumerStatusRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...topicFields,
    topic: orElse(topicName, '', 'Topic, with the namespace already wrapped in.'),
    group: required(refusedAs(ResponseCode.SYSTEM_ERROR, groupName), 'Consumer group.'),
    clientAddr: optional(clientIdName, 'One client, all when absent.'),
  },
  reply: {},
})
