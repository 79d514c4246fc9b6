import { type DataVersion, dataVersion } from './data-version.ts'
import {
  type Shape,
  flag,
  flagOr,
  int,
  intOr,
  jsonBody,
  list,
  mapOf,
  maybe,
  needed,
  number,
  numberOr,
  object,
  text,
} from './shape.ts'

/** A consumer group of a broker. Apache: `SubscriptionGroupConfig.java`. */
export interface SubscriptionGroupConfig {
  readonly groupName: string
  readonly consumeEnable: boolean
  readonly consumeFromMinEnable: boolean
  readonly consumeBroadcastEnable: boolean
  readonly consumeMessageOrderly: boolean
  readonly retryQueueNums: number
  readonly retryMaxTimes: number
  /** How long a message waits before each try; passed on as it is. */
  readonly groupRetryPolicy: Readonly<Record<string, unknown>>
  readonly brokerId: number
  readonly whichBrokerWhenConsumeSlowly: number
  readonly notifyConsumerIdsChangedEnable: boolean
  readonly groupSysFlag: number
  readonly consumeTimeoutMinute: number
  readonly subscriptionDataSet?: readonly unknown[] | undefined
  readonly attributes: Readonly<Record<string, string>>
}

const asItIs: Shape<unknown> = { read: (value) => value }

const retryPolicy: Shape<Readonly<Record<string, unknown>>> = {
  read: (value, at) =>
    value === undefined || value === null
      ? { type: 'CUSTOMIZED' }
      : Object.fromEntries(mapOf(asItIs).read(value, at)),
}

/** How a SubscriptionGroupConfig is read from JSON; what is absent has Apache's default. */
const subscriptionGroupShape: Shape<SubscriptionGroupConfig> = object<SubscriptionGroupConfig>({
  groupName: text,
  consumeEnable: flagOr(true),
  consumeFromMinEnable: flagOr(true),
  consumeBroadcastEnable: flagOr(true),
  consumeMessageOrderly: flag,
  retryQueueNums: intOr(1),
  retryMaxTimes: intOr(16),
  groupRetryPolicy: retryPolicy,
  brokerId: number,
  whichBrokerWhenConsumeSlowly: numberOr(1),
  notifyConsumerIdsChangedEnable: flagOr(true),
  groupSysFlag: int,
  consumeTimeoutMinute: intOr(15),
  subscriptionDataSet: maybe(list(asItIs)),
  attributes: { read: (value, at) => Object.fromEntries(mapOf(text).read(value, at)) },
})

/** A group with Apache's defaults for what is not given. */
export function subscriptionGroupConfig(
  groupName: string,
  more: Partial<SubscriptionGroupConfig> = {},
): SubscriptionGroupConfig {
  return subscriptionGroupShape.read({ ...more, groupName }, 'SubscriptionGroupConfig')
}

/** One group as a body. */
export const subscriptionGroupConfigBody = jsonBody(
  'SubscriptionGroupConfig',
  subscriptionGroupShape,
)

/** Several groups: UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST. Apache: `SubscriptionGroupList.java`. */
export interface SubscriptionGroupList {
  readonly groupConfigList: readonly SubscriptionGroupConfig[]
}

/** SubscriptionGroupList as a body. */
export const subscriptionGroupListBody = jsonBody<SubscriptionGroupList>(
  'SubscriptionGroupList',
  object<SubscriptionGroupList>({ groupConfigList: needed(list(subscriptionGroupShape)) }),
)

/** All groups of a broker. Apache: `SubscriptionGroupWrapper.java`. */
export interface SubscriptionGroupWrapper {
  readonly dataVersion: DataVersion
  /** Bits of forbidden uses, by topic, by group. */
  readonly forbiddenTable: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly subscriptionGroupTable: ReadonlyMap<string, SubscriptionGroupConfig>
}

/** SubscriptionGroupWrapper as a body. */
export const subscriptionGroupWrapperBody = jsonBody<SubscriptionGroupWrapper>(
  'SubscriptionGroupWrapper',
  object<SubscriptionGroupWrapper>({
    dataVersion,
    forbiddenTable: mapOf(mapOf(number)),
    subscriptionGroupTable: mapOf(subscriptionGroupShape),
  }),
)

/** UPDATE_AND_GET_GROUP_FORBIDDEN. Apache: `GroupForbidden.java`. */
export interface GroupForbidden {
  readonly group: string
  readonly topic: string
  readonly readable: boolean
  readonly writeable?: boolean | undefined
}

/** GroupForbidden as a body. */
export const groupForbiddenBody = jsonBody<GroupForbidden>(
  'GroupForbidden',
  object<GroupForbidden>({ group: text, topic: text, readable: flag, writeable: maybe(flag) }),
)
