import { defineRequest } from '../schema/define-request.ts'
import {
  boolean,
  int32,
  int64,
  optional,
  orElse,
  propertyBytes,
  required,
  string,
  timestampMs,
} from '../schema/fields.ts'
import { producerGroupName, topicName } from '../schema/name-fields.ts'
import { topicFields } from './common-fields.ts'

/** Sends one message, or with `batch` several. */
export const SendMessage = defineRequest({
  code: 10,
  name: 'SEND_MESSAGE',
  doc: 'Sends one message, or with `batch` several.',
  source: 'SendMessageRequestHeader.java, SendMessageProcessor.java',
  refusals: [
    'FLUSH_DISK_TIMEOUT',
    'FLUSH_SLAVE_TIMEOUT',
    'SLAVE_NOT_AVAILABLE',
    'SERVICE_NOT_AVAILABLE',
    'MESSAGE_ILLEGAL',
    'TOPIC_NOT_EXIST',
    'SUBSCRIPTION_GROUP_NOT_EXIST',
  ],
  header: {
    ...topicFields,
    producerGroup: orElse(producerGroupName, '', 'Group of the producer.'),
    topic: required(topicName, 'Topic, with the namespace already wrapped in.'),
    defaultTopic: orElse(
      topicName,
      '',
      'Template when the topic has to be created, TBW102 as a rule.',
    ),
    defaultTopicQueueNums: orElse(int32, 0, 'Queues of a topic that has to be created.'),
    queueId: required(int32, 'Queue of the topic, from 0, below 0 the broker chooses.'),
    sysFlag: required(int32, 'Compression and transaction state, see MessageSysFlag.'),
    bornTimestamp: required(timestampMs, 'When the producer made the message, ms.'),
    flag: required(int32, 'Flag of the application.'),
    properties: optional(propertyBytes, 'Properties, `name 01 value 02 …` as bytes.'),
    reconsumeTimes: optional(int32, 'How often the message was consumed before.'),
    unitMode: optional(boolean, 'True for a unit of a multi-site set-up.'),
    maxReconsumeTimes: optional(int32, 'How often a message may be consumed again.'),
    batch: optional(boolean, 'True when the body is a batch; the code does not decide.'),
  },
  reply: {
    msgId: required(string, 'Offset id of the message, of a batch all ids, separated by commas.'),
    queueId: required(int32, 'Queue that has it.'),
    queueOffset: required(int64, 'Logical offset, in messages, of a batch the first.'),
    transactionId: optional(string, 'The unique key that the client gave.'),
    batchUniqId: optional(string, 'Unique key of a batch.'),
    recallHandle: optional(string, 'With this a delayed message can be called back.'),
    MSG_REGION: optional(string, 'Region of the broker.'),
    TRACE_ON: optional(string, 'Whether messages are traced.'),
  },
})

/** SEND_MESSAGE with names of one letter. */
export const SendMessageV2 = defineRequest({
  ...SendMessage,
  code: 310,
  name: 'SEND_MESSAGE_V2',
  doc: 'SEND_MESSAGE with names of one letter.',
  source: 'SendMessageRequestHeaderV2.java',
  isStrict: true,
  wireNames: {
    producerGroup: 'a',
    topic: 'b',
    defaultTopic: 'c',
    defaultTopicQueueNums: 'd',
    queueId: 'e',
    sysFlag: 'f',
    bornTimestamp: 'g',
    flag: 'h',
    properties: 'i',
    reconsumeTimes: 'j',
    unitMode: 'k',
    maxReconsumeTimes: 'l',
    batch: 'm',
    bname: 'n',
  },
})

/** Sends several messages of one topic in one body. */
export const SendBatchMessage = defineRequest({
  ...SendMessageV2,
  code: 320,
  name: 'SEND_BATCH_MESSAGE',
  doc: 'Sends several messages of one topic in one body.',
})

/** A reply without a topic is refused for its topic. */
const replyHeader = {
  ...SendMessage.header,
  topic: orElse(topicName, '', 'Topic of replies, with the namespace already wrapped in.'),
}

/** Sends the reply to a request message. */
export const SendReplyMessage = defineRequest({
  ...SendMessage,
  header: replyHeader,
  code: 324,
  name: 'SEND_REPLY_MESSAGE',
  doc: 'Sends the reply to a request message.',
  source: 'ReplyMessageProcessor.java',
})

/** SEND_REPLY_MESSAGE with names of one letter. */
export const SendReplyMessageV2 = defineRequest({
  ...SendMessageV2,
  header: replyHeader,
  code: 325,
  name: 'SEND_REPLY_MESSAGE_V2',
  doc: 'SEND_REPLY_MESSAGE with names of one letter.',
  source: 'ReplyMessageProcessor.java',
})
