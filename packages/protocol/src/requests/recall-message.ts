import { ResponseCode } from '../codes/response-code.ts'
import { defineRequest } from '../schema/define-request.ts'
import { optional, orElse, required, string } from '../schema/fields.ts'
import { producerGroupName, refusedAs, topicName } from '../schema/name-fields.ts'
import { topicFields } from './common-fields.ts'

/** Calls back a delayed message before it is due. */
export const RecallMessage = defineRequest({
  code: 370,
  name: 'RECALL_MESSAGE',
  doc: 'Calls back a delayed message before it is due.',
  source: 'RecallMessageRequestHeader.java, RecallMessageProcessor.java',
  refusals: [
    'ILLEGAL_OPERATION',
    'TOPIC_NOT_EXIST',
    'SLAVE_NOT_AVAILABLE',
    'SERVICE_NOT_AVAILABLE',
  ],
  header: {
    ...topicFields,
    producerGroup: optional(producerGroupName, 'Group of the producer.'),
    topic: required(
      refusedAs(ResponseCode.TOPIC_NOT_EXIST, topicName),
      'Topic, with the namespace already wrapped in.',
    ),
    recallHandle: orElse(string, '', 'What the send answered.'),
  },
  reply: {
    msgId: required(string, 'Unique key of the message that was called back.'),
  },
})
