import { ResponseCode } from '../codes/response-code.ts'
import { defineRequest } from '../schema/define-request.ts'
import { boolean, int32, optional, orElse, required, string } from '../schema/fields.ts'
import { refusedAs, topicName } from '../schema/name-fields.ts'
import { rpcFields, topicFields } from './common-fields.ts'

/** Creates a topic or changes it. */
export const UpdateAndCreateTopic = defineRequest({
  code: 17,
  name: 'UPDATE_AND_CREATE_TOPIC',
  doc: 'Creates a topic or changes it.',
  source: 'CreateTopicRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...topicFields,
    topic: required(topicName, 'Topic, with the namespace already wrapped in.'),
    defaultTopic: orElse(topicName, '', 'Template, TBW102 as a rule.'),
    readQueueNums: required(int32, 'Queues that may be read.'),
    writeQueueNums: required(int32, 'Queues that may be written.'),
    perm: required(int32, 'See Perm.'),
    topicFilterType: required(string, 'SINGLE_TAG or MULTI_TAG.'),
    topicSysFlag: optional(int32, 'See TopicSysFlag.'),
    order: optional(boolean, 'True for a topic whose queues keep their number.'),
    attributes: optional(string, 'Changes of attributes, `+key=value,-key`.'),
    force: optional(boolean, 'True changes a static topic as well.'),
  },
  reply: {},
})

/** Creates or changes the topics in the body. */
export const UpdateAndCreateTopicList = defineRequest({
  code: 18,
  name: 'UPDATE_AND_CREATE_TOPIC_LIST',
  doc: 'Creates or changes the topics in the body.',
  source: 'CreateTopicListRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...rpcFields,
  },
  reply: {},
})

/** Deletes a topic and its queues. */
export const DeleteTopicInBroker = defineRequest({
  code: 215,
  name: 'DELETE_TOPIC_IN_BROKER',
  doc: 'Deletes a topic and its queues.',
  source: 'DeleteTopicRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...topicFields,
    topic: orElse(topicName, '', 'Topic, with the namespace already wrapped in.'),
  },
  reply: {},
})

/** Asks for all topics. */
export const GetAllTopicConfig = defineRequest({
  code: 21,
  name: 'GET_ALL_TOPIC_CONFIG',
  doc: 'Asks for all topics.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})

/** Asks for one topic. */
export const GetTopicConfig = defineRequest({
  code: 351,
  name: 'GET_TOPIC_CONFIG',
  doc: 'Asks for one topic.',
  source: 'GetTopicConfigRequestHeader.java, AdminBrokerProcessor.java',
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

/** Lists the topics that belong to the broker. */
export const GetSystemTopicListFromBroker = defineRequest({
  code: 305,
  name: 'GET_SYSTEM_TOPIC_LIST_FROM_BROKER',
  doc: 'Lists the topics that belong to the broker.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})

/** Creates or changes a static topic; its mapping is in the body. */
export const UpdateAndCreateStaticTopic = defineRequest({
  ...UpdateAndCreateTopic,
  code: 513,
  name: 'UPDATE_AND_CREATE_STATIC_TOPIC',
  doc: 'Creates or changes a static topic; its mapping is in the body.',
})
