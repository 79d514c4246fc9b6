import { defineRequest } from '../schema/define-request.ts'
import { boolean, optional, orElse, required, string } from '../schema/fields.ts'
import { groupName, severalOf, topicName } from '../schema/name-fields.ts'
import { topicFields } from './common-fields.ts'

/** Asks how far a group is on each queue. */
export const GetConsumeStats = defineRequest({
  code: 208,
  name: 'GET_CONSUME_STATS',
  doc: 'Asks how far a group is on each queue.',
  source: 'GetConsumeStatsRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...topicFields,
    consumerGroup: required(groupName, 'Group that consumes.'),
    topic: optional(topicName, 'One topic, all of the group when absent.'),
    topicList: optional(severalOf(topicName, ';'), 'Several topics, separated by semicolons.'),
  },
  reply: {},
})

/** Asks how far all groups are. */
export const GetBrokerConsumeStats = defineRequest({
  code: 317,
  name: 'GET_BROKER_CONSUME_STATS',
  doc: 'Asks how far all groups are.',
  source: 'GetBrokerConsumeStatsRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    isOrder: orElse(boolean, false, 'True for topics in order only.'),
  },
  reply: {},
})

/** Asks for the least offsets of other groups on a topic. */
export const QueryCorrectionOffset = defineRequest({
  code: 308,
  name: 'QUERY_CORRECTION_OFFSET',
  doc: 'Asks for the least offsets of other groups on a topic.',
  source: 'QueryCorrectionOffsetHeader.java, AdminBrokerProcessor.java',
  header: {
    ...topicFields,
    filterGroups: optional(
      severalOf(groupName, ','),
      'Groups, separated by commas, that do not count.',
    ),
    compareGroup: orElse(groupName, '', 'Group to compare with.'),
    topic: required(topicName, 'Topic, with the namespace already wrapped in.'),
  },
  reply: {},
})

/** Copies the offsets of one group to another. */
export const CloneGroupOffset = defineRequest({
  code: 314,
  name: 'CLONE_GROUP_OFFSET',
  doc: 'Copies the offsets of one group to another.',
  source: 'CloneGroupOffsetRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...topicFields,
    srcGroup: orElse(groupName, '', 'Group whose offsets are copied.'),
    destGroup: orElse(groupName, '', 'Group that gets them.'),
    topic: optional(topicName, 'One topic, all when absent.'),
    offline: optional(boolean, 'True when the group has no clients.'),
  },
  reply: {},
})

/** Asks for the sums of one counter over minute, hour and day. */
export const ViewBrokerStatsData = defineRequest({
  code: 315,
  name: 'VIEW_BROKER_STATS_DATA',
  doc: 'Asks for the sums of one counter over minute, hour and day.',
  source: 'ViewBrokerStatsDataRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    statsName: required(string, 'Counter, such as TOPIC_PUT_NUMS.'),
    statsKey: required(string, 'What is counted, such as a topic.'),
  },
  reply: {},
})

/** Asks for the offsets of all groups; slaves do. */
export const GetAllConsumerOffset = defineRequest({
  code: 43,
  name: 'GET_ALL_CONSUMER_OFFSET',
  doc: 'Asks for the offsets of all groups; slaves do.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})

/** Asks for the offsets of the delay levels; slaves do. */
export const GetAllDelayOffset = defineRequest({
  code: 45,
  name: 'GET_ALL_DELAY_OFFSET',
  doc: 'Asks for the offsets of the delay levels; slaves do.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})
