import type { SubscriptionData } from '@skylarkmq/protocol'
import type { MessageFilter } from '@skylarkmq/store'

/** The filters of subscriptions, one of which comes with every pull of its group. */
const filters = new WeakMap<SubscriptionData, MessageFilter>()

/**
 * The filter of a tag expression: by hash of the tag, as the consume queue has it; the client compares the
 * text again, because different tags may share a hash. Undefined when everything matches.
 * Apache: `DefaultMessageFilter.java`.
 */
export function tagFilter(subscription: SubscriptionData): MessageFilter | undefined {
  if (subscription.subString === '*' || subscription.codeSet.length === 0) return undefined
  const known = filters.get(subscription)
  if (known !== undefined) return known
  const codes = new Set(subscription.codeSet)
  const filter = { matchesTagsCode: (code: number) => codes.has(code) }
  filters.set(subscription, filter)
  return filter
}
