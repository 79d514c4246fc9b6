import { parseSubscription, type SubscriptionData } from '@skylarkmq/protocol'

/** Subscriptions by tags that requests bring along. Most pulls repeat an earlier one, so the last one is kept. */
export class TagSubscriptions {
  #last: SubscriptionData | undefined

  /** The subscription of a topic with this expression. Throws ProtocolError when it cannot be parsed. */
  of(topic: string, expression: string): SubscriptionData {
    const last = this.#last
    if (last?.topic === topic && last.subString === expression) return last
    return (this.#last = parseSubscription(topic, expression))
  }
}
