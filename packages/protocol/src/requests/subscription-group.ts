import { ResponseCode } from '../codes/response-code.ts'
import { defineRequest } from '../schema/define-request.ts'
import { boolean, optional, orElse, required } from '../schema/fields.ts'
import { groupName, refusedAs, topicName } from '../schema/name-fields.ts'
import { rpcFields, topicFields } from './common-fields.ts'

/** Creates or changes the group in the body. */
export const UpdateAndCreateSubscriptiongroup = defineRequest({
  code: 200,
  name: 'UPDATE_AND_CREATE_SUBSCRIPTIONGROUP',
  doc: 'Creates or changes the group in the body.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})

/** Creates or changes the groups in the body. */
export const UpdateAndCreateSubscriptiongroupList = defineRequest({
  code: 225,
  name: 'UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST',
  doc: 'Creates or changes the groups in the body.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})

/** Asks for all groups. */
export const GetAllSubscriptiongroupConfig = defineRequest({
  code: 201,
  name: 'GET_ALL_SUBSCRIPTIONGROUP_CONFIG',
  doc: 'Asks for all groups.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})

/** Asks for one group. */
export const GetSubscriptiongroupConfig = defineRequest({
  code: 352,
  name: 'GET_SUBSCRIPTIONGROUP_CONFIG',
  doc: 'Asks for one group.',
  source: 'GetSubscriptionGroupConfigRequestHeader.java, AdminBrokerProcessor.java',
  refusals: ['SUBSCRIPTION_GROUP_NOT_EXIST'],
  header: {
    ...rpcFields,
    group: required(
      refusedAs(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, groupName),
      'Consumer group.',
    ),
  },
  reply: {},
})

/** Deletes a group. */
export const DeleteSubscriptiongroup = defineRequest({
  code: 207,
  name: 'DELETE_SUBSCRIPTIONGROUP',
  doc: 'Deletes a group.',
  source: 'DeleteSubscriptionGroupRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...rpcFields,
    groupName: required(groupName, 'Consumer group.'),
    cleanOffset: optional(boolean, 'True deletes its offsets too.'),
  },
  reply: {},
})

/** Forbids or allows a group to read a topic, or asks. */
export const UpdateAndGetGroupForbidden = defineRequest({
  code: 353,
  name: 'UPDATE_AND_GET_GROUP_FORBIDDEN',
  doc: 'Forbids or allows a group to read a topic, or asks.',
  source: 'UpdateGroupForbiddenRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...topicFields,
    group: required(groupName, 'Consumer group.'),
    topic: orElse(topicName, '', 'Topic, with the namespace already wrapped in.'),
    readable: optional(boolean, 'Absent only asks.'),
  },
  reply: {},
})
