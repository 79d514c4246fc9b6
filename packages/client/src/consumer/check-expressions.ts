import {
  CheckClientConfig,
  checkClientRequestBody,
  parseSubscription,
  type SubscriptionData,
} from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import { masterAddress } from '../route/topic-route.ts'

/** Chooses messages by their properties, such as `{ sql: "price > 10 AND region = 'hangzhou'" }`. */
export interface SqlSelector {
  /** A SQL92 expression; the broker must run with `enablePropertyFilter`. */
  readonly sql: string
}

const TIMEOUT_MS = 5_000

/** What is wanted of a topic, in its namespace, by tags or by SQL92; `now` is its version, ms since 1970. */
export function subscriptionTo(
  topic: string,
  expression: string | SqlSelector = '*',
  now = 0,
): SubscriptionData {
  return typeof expression === 'string'
    ? parseSubscription(topic, expression, 'TAG', now)
    : parseSubscription(topic, expression.sql, 'SQL92', now)
}

/**
 * Asks the brokers of each topic whether they can filter by its expression, if it is none of tags; a topic that is
 * not there yet is left out. Rejects with RMQ_BROKER: SYSTEM_ERROR where it is not allowed,
 * SUBSCRIPTION_PARSE_FAILED where the expression cannot be read. Apache: `MQClientInstance.java`, checkClientInBroker.
 */
export async function checkExpressions(
  client: ClientInstance,
  group: string,
  subscriptions: readonly SubscriptionData[],
): Promise<void> {
  for (const subscriptionData of subscriptions) {
    if (subscriptionData.expressionType === 'TAG') continue
    const route = await client.routes.find(subscriptionData.topic)
    for (const { brokerName } of route?.brokerDatas ?? []) {
      const address = route === undefined ? undefined : masterAddress(route, brokerName)
      if (address === undefined) continue
      const body = checkClientRequestBody.encode({
        clientId: client.clientId,
        group,
        subscriptionData,
      })
      await client.caller.call(address, CheckClientConfig, {}, { timeoutMs: TIMEOUT_MS, body })
    }
  }
}
