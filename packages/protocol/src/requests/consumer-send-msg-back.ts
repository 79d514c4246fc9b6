import { ResponseCode } from '../codes/response-code.ts'
import { defineRequest } from '../schema/define-request.ts'
import { boolean, int32, int64, optional, required, string } from '../schema/fields.ts'
import { groupName, refusedAs, topicName } from '../schema/name-fields.ts'
import { rpcFields } from './common-fields.ts'

/** A consumer gives back a message, to get it again later or to have it in the dead-letter queue. */
export const ConsumerSendMsgBack = defineRequest({
  code: 36,
  name: 'CONSUMER_SEND_MSG_BACK',
  doc: 'A consumer gives back a message, to get it again later or to have it in the dead-letter queue.',
  source: 'ConsumerSendMsgBackRequestHeader.java, SendMessageProcessor.java',
  refusals: ['SUBSCRIPTION_GROUP_NOT_EXIST'],
  header: {
    ...rpcFields,
    offset: required(int64, 'Commit log offset of the message, in bytes.'),
    group: required(
      refusedAs(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, groupName),
      'Consumer group.',
    ),
    delayLevel: required(
      int32,
      'Delay until it comes again. 0 by the number of tries, below 0 never.',
    ),
    originMsgId: optional(string, 'Id that the consumer knows.'),
    originTopic: optional(topicName, 'Topic that the consumer had it from.'),
    unitMode: optional(boolean, 'True for a unit of a multi-site set-up.'),
    maxReconsumeTimes: optional(int32, 'How often a message may be consumed again.'),
  },
  reply: {},
})
