import { ResponseCode } from '../codes/response-code.ts'
import { defineRequest } from '../schema/define-request.ts'
import { int32, int64, optional, orElse, required } from '../schema/fields.ts'
import { groupName, refusedAs, topicName } from '../schema/name-fields.ts'
import { rpcFields, topicFields } from './common-fields.ts'

/** Asks for the offsets of all queues of a topic. */
export const GetTopicStatsInfo = defineRequest({
  code: 202,
  name: 'GET_TOPIC_STATS_INFO',
  doc: 'Asks for the offsets of all queues of a topic.',
  source: 'GetTopicStatsInfoRequestHeader.java, AdminBrokerProcessor.java',
  refusals: ['TOPIC_NOT_EXIST'],
  header: {
    ...topicFields,
    topic: required(
      refusedAs(ResponseCode.TOPIC_NOT_EXIST, topicName),
      'Topic, with the namespace already wrapped in.',
    ),
  },
  reply: {},
})

/** Lists the groups that consume a topic. */
export const QueryTopicConsumeByWho = defineRequest({
  code: 300,
  name: 'QUERY_TOPIC_CONSUME_BY_WHO',
  doc: 'Lists the groups that consume a topic.',
  source: 'QueryTopicConsumeByWhoRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...topicFields,
    topic: required(topicName, 'Topic, with the namespace already wrapped in.'),
  },
  reply: {},
})

/** Lists the topics that a group consumes. */
export const QueryTopicsByConsumer = defineRequest({
  code: 343,
  name: 'QUERY_TOPICS_BY_CONSUMER',
  doc: 'Lists the topics that a group consumes.',
  source: 'QueryTopicsByConsumerRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...rpcFields,
    group: required(groupName, 'Consumer group.'),
  },
  reply: {},
})

/** Asks for the subscription of a group to a topic. */
export const QuerySubscriptionByConsumer = defineRequest({
  code: 345,
  name: 'QUERY_SUBSCRIPTION_BY_CONSUMER',
  doc: 'Asks for the subscription of a group to a topic.',
  source: 'QuerySubscriptionByConsumerRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...topicFields,
    group: required(groupName, 'Consumer group.'),
    topic: required(topicName, 'Topic, with the namespace already wrapped in.'),
  },
  reply: {},
})

/** Asks for the oldest, newest and consumed times of the queues of a topic. */
export const QueryConsumeTimeSpan = defineRequest({
  code: 303,
  name: 'QUERY_CONSUME_TIME_SPAN',
  doc: 'Asks for the oldest, newest and consumed times of the queues of a topic.',
  source: 'QueryConsumeTimeSpanRequestHeader.java, AdminBrokerProcessor.java',
  refusals: ['TOPIC_NOT_EXIST'],
  header: {
    ...topicFields,
    topic: required(
      refusedAs(ResponseCode.TOPIC_NOT_EXIST, topicName),
      'Topic, with the namespace already wrapped in.',
    ),
    group: orElse(groupName, '', 'Consumer group.'),
  },
  reply: {},
})

/** Shows entries of a consume queue. */
export const QueryConsumeQueue = defineRequest({
  code: 321,
  name: 'QUERY_CONSUME_QUEUE',
  doc: 'Shows entries of a consume queue.',
  source: 'QueryConsumeQueueRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...topicFields,
    topic: required(
      refusedAs(ResponseCode.SYSTEM_ERROR, topicName),
      'Topic, with the namespace already wrapped in.',
    ),
    queueId: optional(int32, 'Queue of the topic, from 0.'),
    index: optional(int64, 'First entry, a logical offset.'),
    count: optional(int32, 'How many entries.'),
    consumerGroup: optional(groupName, 'Shows whether its subscription lets them pass.'),
  },
  reply: {},
})
