import { hasIllegalCharacters, RETRY_PREFIX } from './topic.ts'

/** Groups that Apache's own programs use. Apache: `MixAll.java`. */
export const SystemGroup = {
  DEFAULT_PRODUCER: 'DEFAULT_PRODUCER',
  DEFAULT_CONSUMER: 'DEFAULT_CONSUMER',
  TOOLS_CONSUMER: 'TOOLS_CONSUMER',
  SCHEDULE_CONSUMER: 'SCHEDULE_CONSUMER',
  FILTERSRV_CONSUMER: 'FILTERSRV_CONSUMER',
  MONITOR_CONSUMER: '__MONITOR_CONSUMER',
  CLIENT_INNER_PRODUCER: 'CLIENT_INNER_PRODUCER',
  SELF_TEST_PRODUCER: 'SELF_TEST_P_GROUP',
  SELF_TEST_CONSUMER: 'SELF_TEST_C_GROUP',
  ONS_HTTP_PROXY: 'CID_ONS-HTTP-PROXY',
  ONSAPI_PERMISSION: 'CID_ONSAPI_PERMISSION',
  ONSAPI_OWNER: 'CID_ONSAPI_OWNER',
  ONSAPI_PULL: 'CID_ONSAPI_PULL',
  TRANSACTION: 'CID_RMQ_SYS_TRANS',
} as const

/** Prefix of consumer groups that belong to the broker. */
export const SYSTEM_GROUP_PREFIX = 'CID_RMQ_SYS_'
/** Longest name of a group, in characters. */
export const GROUP_LENGTH_MAX = 255

/** Longest name of a group whose failed messages can be stored: the folder of `%RETRY%group` is no longer than 255. */
export const RETRYABLE_GROUP_LENGTH_MAX = GROUP_LENGTH_MAX - RETRY_PREFIX.length

const predefined: ReadonlySet<string> = new Set(Object.values(SystemGroup))

/** True for a group that belongs to the broker. Apache: `MixAll.java`, isSysConsumerGroup. */
export function isSystemGroup(group: string): boolean {
  return group.startsWith(SYSTEM_GROUP_PREFIX)
}

/** True for a group whose pulls are not limited. Apache: `MixAll.java`, isSysConsumerGroupPullMessage. */
export function isSystemPullGroup(group: string): boolean {
  return isSystemGroup(group) || predefined.has(group)
}

/** True for a group that Apache's programs use. Apache: `MixAll.java`, isPredefinedGroup. */
export function isPredefinedGroup(group: string): boolean {
  return predefined.has(group)
}

/**
 * What is wrong with a group's name, in the words of Apache's client; undefined when it is valid.
 * Apache: `Validators.java`, checkGroup.
 */
export function groupProblem(group: string | undefined): string | undefined {
  if (group === undefined || group.trim() === '') return 'the specified group is blank'
  if (group.length > GROUP_LENGTH_MAX) {
    return `the specified group is longer than group max length ${GROUP_LENGTH_MAX}.`
  }
  if (hasIllegalCharacters(group)) {
    return `the specified group[${group}] contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$`
  }
  return undefined
}
