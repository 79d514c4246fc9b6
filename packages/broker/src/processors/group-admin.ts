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
import { whenSaved } from '../json-table.ts'
import { jsonReply } from './json-body.ts'

/** Longest settings of one group, as JSON: a policy and attributes are parts of them. */
const SETTINGS_LENGTH_MAX = 64 * 1024

function objection(broker: BrokerContext, group: SubscriptionGroupConfig): Reply | undefined {
  const problem = groupProblem(group.groupName) ?? settingsProblem(broker, group)
  return problem === undefined ? undefined : refuse(ResponseCode.SYSTEM_ERROR, problem)
}

function settingsProblem(
  { config }: BrokerContext,
  group: SubscriptionGroupConfig,
): string | undefined {
  const { maxQueuesPerTopic } = config
  if (group.retryQueueNums > maxQueuesPerTopic) {
    return `a retry topic of ${group.retryQueueNums} queues is more than maxQueuesPerTopic=${maxQueuesPerTopic} allows`
  }
  const { length } = JSON.stringify(group)
  if (length <= SETTINGS_LENGTH_MAX) return undefined
  return `the settings of a group have ${length} characters, more than ${SETTINGS_LENGTH_MAX}`
}

/** UPDATE_AND_CREATE_SUBSCRIPTIONGROUP. Apache: `AdminBrokerProcessor.java`, updateAndCreateSubscriptionGroup. */
export const updateAndCreateSubscriptiongroup: Processor<
  BrokerContext,
  typeof UpdateAndCreateSubscriptiongroup
> = (broker, { body }) => {
  const group = subscriptionGroupConfigBody.decode(body)
  const refused = objection(broker, group)
  if (refused !== undefined) return refused
  broker.groups.put(group)
  return whenSaved(broker.groups.saved, () => OK)
}

/** UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST: several groups as one change, or none. */
export const updateAndCreateSubscriptiongroupList: Processor<
  BrokerContext,
  typeof UpdateAndCreateSubscriptiongroupList
> = (broker, { body }) => {
  const groups = subscriptionGroupListBody.decode(body).groupConfigList
  for (const group of groups) {
    const refused = objection(broker, group)
    if (refused !== undefined) return refused
  }
  if (groups.length === 0) return OK
  broker.groups.putAll(groups)
  return whenSaved(broker.groups.saved, () => OK)
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
  const before = broker.groups.dataVersion
  const group = broker.groups.find(header.group)
  if (group !== undefined) {
    const isMade = broker.groups.dataVersion !== before
    return whenSaved(isMade ? broker.groups.tried : undefined, () => jsonReply(group))
  }
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
  const isDeleted = broker.groups.delete(header.groupName)
  if (header.cleanOffset === true) broker.offsets.deleteGroup(header.groupName)
  return whenSaved(isDeleted ? broker.groups.saved : undefined, () => OK)
}

/** UPDATE_AND_GET_GROUP_FORBIDDEN: whether a group may read a topic. */
export const updateAndGetGroupForbidden: Processor<
  BrokerContext,
  typeof UpdateAndGetGroupForbidden
> = ({ groups }, { header: { group, topic, readable } }) => {
  if (readable !== undefined) groups.setReadForbidden(group, topic, !readable)
  return whenSaved(readable === undefined ? undefined : groups.saved, () =>
    jsonReply({ group, readable: !groups.isReadForbidden(group, topic), topic }),
  )
}
