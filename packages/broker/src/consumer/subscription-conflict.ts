import type { SubscriptionData } from '@skylarkmq/protocol'

/** Two members of a group that do not want the same: messages go to whoever has the queue, so some are missed. */
export interface SubscriptionConflict {
  readonly group: string
  readonly topic: string
  /** A member, as `clientId: expression`. */
  readonly one: string
  readonly other: string
}

/** What a member of a group wants. */
export interface Member {
  readonly clientId: string
  readonly subscriptions: readonly SubscriptionData[]
}

/** The first topic on which two members of a group differ; undefined when they want the same. */
export function subscriptionConflict(
  group: string,
  one: Member,
  other: Member,
): SubscriptionConflict | undefined {
  const ofOne = byTopic(one)
  const ofOther = byTopic(other)
  for (const topic of new Set([...ofOne.keys(), ...ofOther.keys()])) {
    const first = wanted(ofOne.get(topic))
    const second = wanted(ofOther.get(topic))
    if (first === second) continue
    return {
      group,
      topic,
      one: `${one.clientId}: ${first}`,
      other: `${other.clientId}: ${second}`,
    }
  }
  return undefined
}

function byTopic({ subscriptions }: Member): Map<string, SubscriptionData> {
  return new Map(subscriptions.map((each) => [each.topic, each]))
}

/** An expression in one spelling: `b||a` and `a || b` want the same. */
function wanted(subscription: SubscriptionData | undefined): string {
  if (subscription === undefined) return 'nothing'
  const { expressionType, subString, tagsSet } = subscription
  if (expressionType !== 'TAG') return `${expressionType} ${subString}`
  return tagsSet.length === 0 ? '*' : [...tagsSet].sort().join(' || ')
}
