import { isRetryTopic, type ConsumerConnection, type SubscriptionData } from '@skylarkmq/protocol'

/** What one group wants of one topic. */
export interface Subscription {
  /** Name of the group. */
  readonly group: string
  /** The topic. */
  readonly topic: string
  /** Tags such as `paid || refunded`, or a SQL92 expression; `*` is everything. */
  readonly expression: string
  /** `TAG` or `SQL92`. */
  readonly expressionType: string
  /** Members of the group that are connected. */
  readonly members: number
  /** Members that want something else of the topic, or nothing: between them messages get lost. */
  readonly differing: readonly DifferingMember[]
}

/** A member of a group that does not want what its broker knows of the group. */
export interface DifferingMember {
  /** The id of the client. */
  readonly clientId: string
  /** What it wants; undefined: nothing of this topic. */
  readonly expression: string | undefined
}

/** What the members of a group want, by client id. */
export type MembersSubscriptions = ReadonlyMap<string, readonly SubscriptionData[]>

/** The rows of one group, without its retry topic; `members` are those that could be asked. */
export function subscriptionsOf(
  group: string,
  connection: ConsumerConnection,
  members: MembersSubscriptions,
  plain: (topic: string) => string,
): Subscription[] {
  const topics = new Map(connection.subscriptionTable)
  for (const each of [...members.values()].flat())
    if (!topics.has(each.topic)) topics.set(each.topic, each)
  const own = [...topics.values()].filter(({ topic }) => !isRetryTopic(topic))
  return own.map((wanted) => ({
    group,
    topic: plain(wanted.topic),
    expression: wanted.subString,
    expressionType: wanted.expressionType,
    members: connection.connectionSet.length,
    differing: [...members].flatMap(([clientId, wants]) => {
      const same = wants.find(({ topic }) => topic === wanted.topic)
      return same?.subString === wanted.subString ? [] : [{ clientId, expression: same?.subString }]
    }),
  }))
}
