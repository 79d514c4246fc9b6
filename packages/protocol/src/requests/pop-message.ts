import { defineRequest } from '../schema/define-request.ts'
import { boolean, int32, int64, optional, required, string, timestampMs } from '../schema/fields.ts'
import { groupName, topicName } from '../schema/name-fields.ts'
import { topicFields } from './common-fields.ts'

/** Takes messages of a topic and hides them from the rest of the group for a time. */
export const PopMessage = defineRequest({
  code: 200050,
  name: 'POP_MESSAGE',
  doc: 'Takes messages of a topic and hides them from the rest of the group for a time.',
  source: 'PopMessageRequestHeader.java, PopMessageProcessor.java',
  header: {
    ...topicFields,
    consumerGroup: required(groupName, 'Group that consumes.'),
    topic: required(topicName, 'Topic, with the namespace already wrapped in.'),
    queueId: required(int32, 'Queue of the topic, or -1 for any.'),
    maxMsgNums: required(int32, 'How many messages at most, up to 32.'),
    invisibleTime: required(int64, 'How long the messages stay hidden from others, ms.'),
    pollTime: required(int64, 'How long the broker may hold the request, ms.'),
    bornTime: required(timestampMs, 'When the client made the request, ms.'),
    initMode: required(int32, 'Where a new group starts, 0 oldest, 1 newest.'),
    expType: optional(string, 'TAG or SQL92.'),
    exp: optional(string, 'Expression of the subscription.'),
    order: optional(boolean, 'True when the group consumes in order; false when absent.'),
    attemptId: optional(string, 'Id of the try, to tell repeated tries of one client apart.'),
  },
  reply: {
    popTime: required(timestampMs, 'When the broker popped, ms.'),
    invisibleTime: required(int64, 'How long the messages stay hidden from others, ms.'),
    reviveQid: required(int32, 'Queue of the revive topic that guards the messages.'),
    restNum: required(int64, 'Messages that are left.'),
    startOffsetInfo: optional(string, 'First offset by queue.'),
    msgOffsetInfo: optional(string, 'Offsets of the messages by queue.'),
    orderCountInfo: optional(string, 'How often each was consumed, by queue.'),
  },
})

/** Says that a popped message is consumed. */
export const AckMessage = defineRequest({
  code: 200051,
  name: 'ACK_MESSAGE',
  doc: 'Says that a popped message is consumed.',
  source: 'AckMessageRequestHeader.java, AckMessageProcessor.java',
  header: {
    ...topicFields,
    consumerGroup: required(groupName, 'Group that consumes.'),
    topic: required(topicName, 'Topic, with the namespace already wrapped in.'),
    queueId: required(int32, 'Queue of the topic, from 0.'),
    extraInfo: required(
      string,
      'What the receipt of the pop said, eight values separated by blanks.',
    ),
    offset: required(int64, 'Logical offset in the queue, in messages.'),
  },
  reply: {},
})

/** Says that popped messages, listed in the body, are consumed. */
export const BatchAckMessage = defineRequest({
  code: 200151,
  name: 'BATCH_ACK_MESSAGE',
  doc: 'Says that popped messages, listed in the body, are consumed.',
  source: 'AckMessageProcessor.java',
  header: {},
  reply: {},
})

/** Hides a popped message for another time. */
export const ChangeMessageInvisibletime = defineRequest({
  code: 200053,
  name: 'CHANGE_MESSAGE_INVISIBLETIME',
  doc: 'Hides a popped message for another time.',
  source: 'ChangeInvisibleTimeRequestHeader.java, ChangeInvisibleTimeProcessor.java',
  header: {
    ...topicFields,
    consumerGroup: required(groupName, 'Group that consumes.'),
    topic: required(topicName, 'Topic, with the namespace already wrapped in.'),
    queueId: required(int32, 'Queue of the topic, from 0.'),
    extraInfo: required(
      string,
      'What the receipt of the pop said, eight values separated by blanks.',
    ),
    offset: required(int64, 'Logical offset in the queue, in messages.'),
    invisibleTime: required(int64, 'How long the messages stay hidden from others, ms.'),
  },
  reply: {
    popTime: required(timestampMs, 'When the broker popped, ms.'),
    invisibleTime: required(int64, 'How long the messages stay hidden from others, ms.'),
    reviveQid: required(int32, 'Queue of the revive topic that guards the messages.'),
  },
})

/** Waits until a topic has messages to pop. */
export const Notification = defineRequest({
  code: 200054,
  name: 'NOTIFICATION',
  doc: 'Waits until a topic has messages to pop.',
  source: 'NotificationRequestHeader.java, NotificationProcessor.java',
  header: {
    ...topicFields,
    consumerGroup: required(groupName, 'Group that consumes.'),
    topic: required(topicName, 'Topic, with the namespace already wrapped in.'),
    queueId: required(int32, 'Queue of the topic, from 0.'),
    pollTime: required(int64, 'How long the broker may hold the request, ms.'),
    bornTime: required(timestampMs, 'When the client made the request, ms.'),
    order: optional(boolean, 'True when the group consumes in order; false when absent.'),
    attemptId: optional(string, 'Id of the try, to tell repeated tries of one client apart.'),
  },
  reply: {
    hasMsg: required(boolean, 'True when there are messages.'),
    pollingFull: optional(boolean, 'True when too many wait already.'),
  },
})

/** Reads messages as a pop would, without hiding them. */
export const PeekMessage = defineRequest({
  code: 200052,
  name: 'PEEK_MESSAGE',
  doc: 'Reads messages as a pop would, without hiding them.',
  source: 'PeekMessageRequestHeader.java, PeekMessageProcessor.java',
  header: {
    ...topicFields,
    topic: required(topicName, 'Topic, with the namespace already wrapped in.'),
    queueId: required(int32, 'Queue of the topic, from 0.'),
    maxMsgNums: required(int32, 'How many messages at most.'),
    consumerGroup: required(groupName, 'Group that consumes.'),
  },
  reply: {
    popTime: required(timestampMs, 'When the broker popped, ms.'),
    invisibleTime: required(int64, 'How long the messages stay hidden from others, ms.'),
    reviveQid: required(int32, 'Queue of the revive topic that guards the messages.'),
    restNum: required(int64, 'Messages that are left.'),
    startOffsetInfo: optional(string, 'First offset by queue.'),
    msgOffsetInfo: optional(string, 'Offsets of the messages by queue.'),
    orderCountInfo: optional(string, 'How often each was consumed, by queue.'),
  },
})

/** Asks how many pops of a queue are waiting. */
export const PollingInfo = defineRequest({
  code: 200055,
  name: 'POLLING_INFO',
  doc: 'Asks how many pops of a queue are waiting.',
  source: 'PollingInfoRequestHeader.java, PollingInfoProcessor.java',
  header: {
    ...topicFields,
    consumerGroup: required(groupName, 'Group that consumes.'),
    topic: required(topicName, 'Topic, with the namespace already wrapped in.'),
    queueId: required(int32, 'Queue of the topic, from 0.'),
  },
  reply: {
    pollingNum: required(int32, 'How many wait.'),
  },
})

/** Has a broker give back what was popped under another storage of pops. */
export const PopRollback = defineRequest({
  code: 200056,
  name: 'POP_ROLLBACK',
  doc: 'Has a broker give back what was popped under another storage of pops.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})
