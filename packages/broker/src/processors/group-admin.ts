import {
  groupProblem,
  ResponseCode,
  subscriptionGroupConfigBody,
  subscriptionGroupListBody,
  type DeleteSubscriptiongroup,
  type GetAllSubscriptiongroupConfig,
  type GetSubscriptiongroupConfig,
  type SubscriptionGroupConfig,
  type UpdateAndCreateSubscriptiongroup,
  type UpdateAndCreateSubscriptiongroupList,
  type UpdateAndGetGroupForbidden,
} from '@skylarkmq/protocol'
import { OK, refuse, type Processor, type Reply } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'
import { jsonReply } from './json-body.ts'

function objection(group: SubscriptionGroupConfig): Reply | undefined {
  const problem = groupProblem(group.groupName)
  return problem === undefined ? undefined : refuse(ResponseCode.SYSTEM_ERROR, problem)
}

/** UPDATE_AND_CREATE_SUBSCRIPTIONGROUP. Apache: `AdminBrokerProcessor.java`, updateAndCreateSubscriptionGroup. */
export const updateAndCreateSubscriptiongroup: Processor<
  BrokerContext,
  typeof UpdateAndCreateSubscriptiongroup
> = (broker, { body }) => {
  const group = subscriptionGroupConfigBody.decode(body)
  const refused = objection(group)
  if (refused !== undefined) return refused
  broker.groups.put(group)
  return OK
}

/** UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST: several groups as one change, or none. */
export const updateAndCreateSubscriptiongroupList: Processor<
  BrokerContext,
  typeof UpdateAndCreateSubscriptiongroupList
> = (broker, { body }) => {
  const groups = subscriptionGroupListBody.decode(body).groupConfigList
  for (const group of groups) {
    const refused = objection(group)
    if (refused !== undefined) return refused
  }
  if (groups.length > 0) broker.groups.putAll(groups)
  return OK
}

/** GET_ALL_SUBSCRIPTIONGROUP_CONFIG: the whole table, as slaves and tools copy it. */
export const getAllSubscriptiongroupConfig: Processor<
  BrokerContext,
  typeof GetAllSubscriptiongroupConfig
> = ({ groups }) => jsonReply(groups.toJson())

/** GET_SUBSCRIPTIONGROUP_CONFIG: one group's settings; the group is created if the broker may. */
export const getSubscriptiongroupConfig: Processor<
  BrokerContext,
  typeof GetSubscriptiongroupConfig
> = (broker, { header }) => {
  const group = broker.groups.find(header.group)
  if (group !== undefined) return jsonReply(group)
  return refuse(
    ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
    `No group in this broker. group: ${header.group}`,
  )
}

/** DELETE_SUBSCRIPTIONGROUP: the group, and its offsets if asked. */
export const deleteSubscriptiongroup: Processor<BrokerContext, typeof DeleteSubscriptiongroup> = (
  broker,
  { header },
) => {
  broker.groups.delete(header.groupName)
  if (header.cleanOffset === true) broker.offsets.deleteGroup(header.groupName)
  return OK
}

/** UPDATE_AND_GET_GROUP_FORBIDDEN: whether a group may read a topic. */
export const updateAndGetGroupForbidden: Processor<
  BrokerContext,
  typeof UpdateAndGetGroupForbidden
> = ({ groups }, { header: { group, topic, readable } }) => {
  if (readable !== undefined) groups.setReadForbidden(group, topic, !readable)
  return jsonReply({ group, readable: !groups.isReadForbidden(group, topic), topic })
}
