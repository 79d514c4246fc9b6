import { ResponseCode } from '../codes/response-code.ts'
import { defineRequest } from '../schema/define-request.ts'
import { int32, int64, optional, orElse, required, string, timestampMs } from '../schema/fields.ts'
import { clientIdName, groupName, refusedAs, topicName } from '../schema/name-fields.ts'
import { topicFields } from './common-fields.ts'

/** Reads one queue from an offset on. The broker may hold the request until a message arrives. */
export const PullMessage = defineRequest({
  code: 11,
  name: 'PULL_MESSAGE',
  doc: 'Reads one queue from an offset on. The broker may hold the request until a message arrives.',
  source: 'PullMessageRequestHeader.java, PullMessageProcessor.java',
  isStrict: true,
  refusals: [
    'TOPIC_NOT_EXIST',
    'PULL_NOT_FOUND',
    'PULL_RETRY_IMMEDIATELY',
    'PULL_OFFSET_MOVED',
    'SUBSCRIPTION_PARSE_FAILED',
    'SUBSCRIPTION_NOT_EXIST',
    'SUBSCRIPTION_NOT_LATEST',
    'SUBSCRIPTION_GROUP_NOT_EXIST',
    'FILTER_DATA_NOT_EXIST',
    'FILTER_DATA_NOT_LATEST',
  ],
  header: {
    ...topicFields,
    consumerGroup: required(
      refusedAs(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, groupName),
      'Group that reads. Its subscription decides the filter.',
    ),
    topic: required(
      refusedAs(ResponseCode.TOPIC_NOT_EXIST, topicName),
      'Topic, with the namespace already wrapped in.',
    ),
    queueId: required(int32, 'Queue of the topic, from 0.'),
    queueOffset: required(int64, 'First logical offset wanted, in messages.'),
    maxMsgNums: required(int32, 'How many messages at most.'),
    sysFlag: required(int32, 'See PullSysFlag.'),
    commitOffset: orElse(int64, 0, 'Offset to store for the group, when sysFlag says so.'),
    suspendTimeoutMillis: orElse(
      int64,
      0,
      'How long the broker may hold the request when it finds nothing, ms.',
    ),
    subscription: optional(string, 'Expression, such as `TagA || TagB`, when sysFlag says so.'),
    subVersion: orElse(timestampMs, 0, 'Version of the subscription, ms.'),
    expressionType: optional(string, 'TAG or SQL92.'),
    maxMsgBytes: optional(int32, 'How many bytes of messages at most.'),
    requestSource: optional(int32, 'What kind of program asks.'),
    proxyFrowardClientId: optional(clientIdName, 'Client behind a proxy. Spelled so on the wire.'),
  },
  reply: {
    suggestWhichBrokerId: required(int64, 'Broker id to pull from next.'),
    nextBeginOffset: required(int64, 'Offset to ask for next.'),
    minOffset: required(int64, 'First offset that the queue still has.'),
    maxOffset: required(int64, 'Offset that the next message will get.'),
    offsetDelta: optional(int64, 'Added to offsets of a static topic.'),
    topicSysFlag: optional(int32, 'sysFlag of the topic.'),
    groupSysFlag: optional(int32, 'sysFlag of the group.'),
    forbiddenType: optional(int32, 'Why the group may not read.'),
  },
})

/** PULL_MESSAGE of a lite pull consumer, which chooses its queues itself. */
export const LitePullMessage = defineRequest({
  ...PullMessage,
  code: 361,
  name: 'LITE_PULL_MESSAGE',
  doc: 'PULL_MESSAGE of a lite pull consumer, which chooses its queues itself.',
})
