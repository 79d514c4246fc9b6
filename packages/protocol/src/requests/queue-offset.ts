import { defineRequest } from '../schema/define-request.ts'
import { boolean, int32, int64, optional, required, string, timestampMs } from '../schema/fields.ts'
import { topicName } from '../schema/name-fields.ts'
import { topicFields } from './common-fields.ts'

/** Finds the offset in a queue that belongs to a time. */
export const SearchOffsetByTimestamp = defineRequest({
  code: 29,
  name: 'SEARCH_OFFSET_BY_TIMESTAMP',
  doc: 'Finds the offset in a queue that belongs to a time.',
  source: 'SearchOffsetRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...topicFields,
    topic: required(topicName, 'Topic, with the namespace already wrapped in.'),
    queueId: required(int32, 'Queue of the topic, from 0.'),
    timestamp: required(timestampMs, 'Store time looked for, ms.'),
    boundaryType: optional(
      string,
      'lower or upper, lower when absent. Which of several messages of that time.',
    ),
  },
  reply: {
    offset: required(int64, 'Logical offset in the queue, in messages.'),
  },
})

/** Asks for the offset that the next message of a queue will get. */
export const GetMaxOffset = defineRequest({
  code: 30,
  name: 'GET_MAX_OFFSET',
  doc: 'Asks for the offset that the next message of a queue will get.',
  source: 'GetMaxOffsetRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...topicFields,
    topic: required(topicName, 'Topic, with the namespace already wrapped in.'),
    queueId: required(int32, 'Queue of the topic, from 0.'),
    committed: optional(
      boolean,
      'False counts messages that are not yet replicated, true when absent.',
    ),
  },
  reply: {
    offset: required(int64, 'Logical offset in the queue, in messages.'),
  },
})

/** Asks for the first offset that a queue still has. */
export const GetMinOffset = defineRequest({
  code: 31,
  name: 'GET_MIN_OFFSET',
  doc: 'Asks for the first offset that a queue still has.',
  source: 'GetMinOffsetRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...topicFields,
    topic: required(topicName, 'Topic, with the namespace already wrapped in.'),
    queueId: required(int32, 'Queue of the topic, from 0.'),
  },
  reply: {
    offset: required(int64, 'Logical offset in the queue, in messages.'),
  },
})

/** Asks for the store time of the oldest message of a queue. */
export const GetEarliestMsgStoretime = defineRequest({
  code: 32,
  name: 'GET_EARLIEST_MSG_STORETIME',
  doc: 'Asks for the store time of the oldest message of a queue.',
  source: 'GetEarliestMsgStoretimeRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...topicFields,
    topic: required(topicName, 'Topic, with the namespace already wrapped in.'),
    queueId: required(int32, 'Queue of the topic, from 0.'),
  },
  reply: {
    timestamp: required(timestampMs, 'Time, ms, or -1 when the queue is empty.'),
  },
})
