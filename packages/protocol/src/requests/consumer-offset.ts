import { ResponseCode } from '../codes/response-code.ts'
import { defineRequest } from '../schema/define-request.ts'
import { boolean, int32, int64, optional, orElse, required } from '../schema/fields.ts'
import { groupName, refusedAs, topicName } from '../schema/name-fields.ts'
import { topicFields } from './common-fields.ts'

/** Asks how far a group has consumed a queue. */
export const QueryConsumerOffset = defineRequest({
  code: 14,
  name: 'QUERY_CONSUMER_OFFSET',
  doc: 'Asks how far a group has consumed a queue.',
  source: 'QueryConsumerOffsetRequestHeader.java, ConsumerManageProcessor.java',
  refusals: ['QUERY_NOT_FOUND'],
  header: {
    ...topicFields,
    consumerGroup: orElse(groupName, '', 'Group that consumes.'),
    topic: required(
      refusedAs(ResponseCode.QUERY_NOT_FOUND, topicName),
      'Topic, with the namespace already wrapped in.',
    ),
    queueId: required(int32, 'Queue of the topic, from 0.'),
    setZeroIfNotFound: optional(
      boolean,
      'False when the answer for an unknown group must not be 0.',
    ),
  },
  reply: {
    offset: required(int64, 'Offset to consume next, in messages.'),
  },
})

/** Stores how far a group has consumed a queue. */
export const UpdateConsumerOffset = defineRequest({
  code: 15,
  name: 'UPDATE_CONSUMER_OFFSET',
  doc: 'Stores how far a group has consumed a queue.',
  source: 'UpdateConsumerOffsetRequestHeader.java, ConsumerManageProcessor.java',
  refusals: ['TOPIC_NOT_EXIST', 'SUBSCRIPTION_GROUP_NOT_EXIST'],
  header: {
    ...topicFields,
    consumerGroup: orElse(
      refusedAs(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, groupName),
      '',
      'Group that consumes.',
    ),
    topic: required(
      refusedAs(ResponseCode.TOPIC_NOT_EXIST, topicName),
      'Topic, with the namespace already wrapped in.',
    ),
    queueId: optional(int32, 'Queue of the topic, from 0.'),
    commitOffset: optional(int64, 'Offset to consume next, in messages.'),
  },
  reply: {},
})
