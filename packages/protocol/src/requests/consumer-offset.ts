import { defineRequest } from '../schema/define-request.ts'
import { boolean, int32, int64, optional, required, string } from '../schema/fields.ts'
import { topicFields } from './common-fields.ts'

/** Asks how far a group has consumed a queue. */
export const QueryConsumerOffset = defineRequest({
  code: 14,
  name: 'QUERY_CONSUMER_OFFSET',
  doc: 'Asks how far a group has consumed a queue.',
  source: 'QueryConsumerOffsetRequestHeader.java, ConsumerManageProcessor.java',
  header: {
    ...topicFields,
    consumerGroup: required(string, 'Group that consumes.'),
    topic: required(string, 'Topic, with the namespace already wrapped in.'),
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
  header: {
    ...topicFields,
    consumerGroup: required(string, 'Group that consumes.'),
    topic: required(string, 'Topic, with the namespace already wrapped in.'),
    queueId: required(int32, 'Queue of the topic, from 0.'),
    commitOffset: required(int64, 'Offset to consume next, in messages.'),
  },
  reply: {},
})
