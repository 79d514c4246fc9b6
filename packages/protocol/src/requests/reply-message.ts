import { defineRequest } from '../schema/define-request.ts'
import { boolean, int32, optional, propertyBytes, required, timestampMs } from '../schema/fields.ts'
import { addressType, producerGroupName, topicName } from '../schema/name-fields.ts'
import { topicFields } from './common-fields.ts'

/** Brings the reply to a request message to the client that waits for it. */
export const PushReplyMessageToClient = defineRequest({
  code: 326,
  name: 'PUSH_REPLY_MESSAGE_TO_CLIENT',
  doc: 'Brings the reply to a request message to the client that waits for it.',
  source: 'ReplyMessageRequestHeader.java, ClientRemotingProcessor.java',
  header: {
    ...topicFields,
    producerGroup: required(producerGroupName, 'Group of the producer.'),
    topic: required(topicName, 'Topic of replies.'),
    defaultTopic: required(topicName, 'Template, TBW102.'),
    defaultTopicQueueNums: required(int32, 'Queues of the template.'),
    queueId: required(int32, 'Queue of the topic, from 0.'),
    sysFlag: required(int32, 'See MessageSysFlag.'),
    bornTimestamp: required(timestampMs, 'When the reply was made, ms.'),
    flag: required(int32, 'Flag of the application.'),
    properties: optional(propertyBytes, 'Properties, `name 01 value 02 …` as bytes.'),
    reconsumeTimes: optional(int32, 'How often it was consumed before.'),
    unitMode: optional(boolean, 'True for a unit of a multi-site set-up.'),
    bornHost: required(addressType, 'Who made the reply, `host:port`.'),
    storeHost: required(addressType, 'Who passes it on, `host:port`.'),
    storeTimestamp: required(timestampMs, 'When it came to the broker, ms.'),
  },
  reply: {},
})
