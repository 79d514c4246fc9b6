import { jsonBody, list, mapOf, maybe, object, text } from './shape.ts'

/** Names of topics. Apache: `TopicList.java`. */
export interface TopicList {
  readonly topicList: readonly string[]
  readonly brokerAddr?: string | undefined
}

/** TopicList as a body. */
export const topicListBody = jsonBody<TopicList>(
  'TopicList',
  object<TopicList>({ topicList: list(text), brokerAddr: maybe(text) }),
)

/** Keys and values. Apache: `KVTable.java`. */
export interface KVTable {
  readonly table: ReadonlyMap<string, string>
}

/** KVTable as a body. */
export const kvTableBody = jsonBody<KVTable>('KVTable', object<KVTable>({ table: mapOf(text) }))

/** Names of groups. Apache: `GroupList.java`. */
export interface GroupList {
  readonly groupList: readonly string[]
}

/** GroupList as a body. */
export const groupListBody = jsonBody<GroupList>(
  'GroupList',
  object<GroupList>({ groupList: list(text) }),
)

/** Client ids of a group: GET_CONSUMER_LIST_BY_GROUP. Apache: `GetConsumerListByGroupResponseBody.java`. */
export interface ConsumerIdList {
  readonly consumerIdList: readonly string[]
}

/** ConsumerIdList as a body. */
export const consumerIdListBody = jsonBody<ConsumerIdList>(
  'GetConsumerListByGroupResponseBody',
  object<ConsumerIdList>({ consumerIdList: list(text) }),
)
