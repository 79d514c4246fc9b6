import { ResponseCode } from '../codes/response-code.ts'
import { defineRequest } from '../schema/define-request.ts'
import { boolean, int32, optional, required, string } from '../schema/fields.ts'
import {
  brokerNameType,
  clientIdName,
  groupName,
  refusedAs,
  topicName,
} from '../schema/name-fields.ts'
import { rpcFields, topicFields } from './common-fields.ts'

/** Asks what a consumer is doing; the broker passes it on to the client. */
export const GetConsumerRunningInfo = defineRequest({
  code: 307,
  name: 'GET_CONSUMER_RUNNING_INFO',
  doc: 'Asks what a consumer is doing; the broker passes it on to the client.',
  source: 'GetConsumerRunningInfoRequestHeader.java',
  refusals: ['CONSUME_MSG_TIMEOUT'],
  header: {
    ...rpcFields,
    consumerGroup: required(
      refusedAs(ResponseCode.SYSTEM_ERROR, groupName),
      'Group that consumes.',
    ),
    clientId: required(
      refusedAs(ResponseCode.SYSTEM_ERROR, clientIdName),
      'Id of the client, unique in its group.',
    ),
    jstackEnable: optional(boolean, 'True wants the stacks of its threads.'),
  },
  reply: {},
})

/** Has a client consume one message now; the broker reads it and passes it on. */
export const ConsumeMessageDirectly = defineRequest({
  code: 309,
  name: 'CONSUME_MESSAGE_DIRECTLY',
  doc: 'Has a client consume one message now; the broker reads it and passes it on.',
  source: 'ConsumeMessageDirectlyResultRequestHeader.java',
  refusals: ['CONSUME_MSG_TIMEOUT'],
  header: {
    ...topicFields,
    consumerGroup: required(
      refusedAs(ResponseCode.SYSTEM_ERROR, groupName),
      'Group that consumes.',
    ),
    clientId: optional(
      refusedAs(ResponseCode.SYSTEM_ERROR, clientIdName),
      'Id of the client, unique in its group.',
    ),
    msgId: optional(string, 'Offset id of the message.'),
    brokerName: optional(brokerNameType, 'Name of the broker, shared by a master and its slaves.'),
    topic: optional(topicName, 'Topic, with the namespace already wrapped in.'),
    topicSysFlag: optional(int32, 'sysFlag of the topic.'),
    groupSysFlag: optional(int32, 'sysFlag of the group.'),
  },
  reply: {},
})
