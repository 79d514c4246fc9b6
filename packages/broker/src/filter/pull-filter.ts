import {
  isRetryTopic,
  Property,
  propertyText,
  PullSysFlag,
  recordSpans,
  ResponseCode,
  RETRY_PREFIX,
  type HeaderOf,
  type PullMessage,
  type SubscriptionData,
} from '@skylarkmq/protocol'
import { refuse, type Reply } from '@skylarkmq/remoting'
import type { MessageFilter } from '@skylarkmq/store'
import type { BrokerContext } from '../broker-context.ts'
import type { ConsumerFilterTable } from './consumer-filter-table.ts'
import { PulledExpression, PULL_COST_MAX } from './sql92/sql-expression.ts'

/**
 * The filter of a pull whose subscription is no tag expression; undefined when everything matches, the refusal when
 * it may not filter so. Codes, in Apache's order: FILTER_DATA_NOT_EXIST when the group's expression could not be read,
 * FILTER_DATA_NOT_LATEST when the clients have a newer one, SYSTEM_ERROR without `enablePropertyFilter`. An expression
 * out of the request that cannot be read filters nothing. Apache: `PullMessageProcessor.java`, processRequest.
 */
export function expressionFilter(
  broker: BrokerContext,
  header: HeaderOf<typeof PullMessage>,
  subscription: SubscriptionData,
): MessageFilter | Reply | undefined {
  const { filters, config } = broker
  const { topic, consumerGroup } = header
  const isOwn = (header.sysFlag & PullSysFlag.SUBSCRIPTION) !== 0
  const registered = isOwn ? undefined : filters.get(topic, consumerGroup)
  if (!isOwn) {
    if (registered === undefined) {
      return refuse(
        ResponseCode.FILTER_DATA_NOT_EXIST,
        "The broker's consumer filter data is not exist!Your expression may be wrong!",
      )
    }
    if (registered.clientVersion < header.subVersion) {
      return refuse(
        ResponseCode.FILTER_DATA_NOT_LATEST,
        "the consumer's consumer filter data not latest",
      )
    }
  }
  const { expressionType, subString } = subscription
  if (!config.enablePropertyFilter) return noPropertyFilter(expressionType)
  if (config.filterSupportRetry && isRetryTopic(topic)) {
    return retriedMessageFilter(filters, topic.slice(RETRY_PREFIX.length))
  }
  const compiled = isOwn ? filters.compiled.get(expressionType, subString) : registered?.compiled
  return compiled === undefined || typeof compiled === 'string'
    ? undefined
    : new PulledExpression(compiled)
}

/** What a client is told whose expression is no tag expression, while `enablePropertyFilter` is off. */
export function noPropertyFilter(expressionType: string): Reply {
  return refuse(
    ResponseCode.SYSTEM_ERROR,
    `The broker does not support consumer to filter message by ${expressionType}`,
  )
}

/**
 * Tests a message that came back on the group's expression for the topic from which it came. Apache:
 * `ExpressionForRetryMessageFilter.java`.
 */
function retriedMessageFilter(filters: ConsumerFilterTable, group: string): MessageFilter {
  let cost = 0
  return {
    matchesTagsCode: () => true,
    matchesRecord: (record) => {
      const spans = recordSpans(record, 0, record.length)
      if (typeof spans === 'string') return false
      const properties = record.subarray(spans.propertiesStart, spans.propertiesEnd)
      const topic = propertyText(properties, Property.RETRY_TOPIC)
      const compiled = topic === undefined ? undefined : filters.get(topic, group)?.compiled
      if (compiled === undefined) return true
      const before = compiled.cost
      const isMatch = compiled.matchesProperties(properties)
      cost += compiled.cost - before
      return isMatch
    },
    get isSpent() {
      return cost > PULL_COST_MAX
    },
  }
}
