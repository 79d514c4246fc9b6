import type { SubscriptionData } from '@skylarkmq/protocol'
import type { MessageFilter } from '@skylarkmq/store'

/**
 * The filter of a tag expression: by hash of the tag, as the consume queue has it; the client compares the
 * text again, because different tags may share a hash. Undefined when everything matches.
 * Apache: `DefaultMessageFilter.java`.
 */
export function tagFilter(subscription: SubscriptionData): MessageFilter | undefined {
  if (subscription.subString === '*' || subscription.codeSet.length === 0) return undefined
  const codes = new Set(subscription.codeSet)
  return { matchesTagsCode: (code) => codes.has(code) }
}
