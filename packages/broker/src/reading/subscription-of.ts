import {
  parseSubscription,
  ProtocolError,
  PullSysFlag,
  ResponseCode,
  type SubscriptionData,
  type SubscriptionGroupConfig,
} from '@skylarkmq/protocol'
import { refuse, type Reply } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'
import { isTagExpression } from '../filter/expression-type.ts'
import { EXPRESSION_LENGTH_MAX } from '../filter/sql92/sql-expression.ts'
import { Forbidden, forbidden } from './forbidden.ts'
import type { PullHeader } from './pull-request.ts'

/** What a pull is to find: the subscription that it brings along, or that of its group; or the answer that refuses. */
export function subscriptionOf(
  broker: BrokerContext,
  header: PullHeader,
  group: SubscriptionGroupConfig,
): SubscriptionData | Reply {
  if ((header.sysFlag & PullSysFlag.SUBSCRIPTION) !== 0) return ownSubscription(broker, header)
  return registeredSubscription(broker, header, group)
}

/** The expression that the request brings along. */
function ownSubscription(broker: BrokerContext, header: PullHeader): SubscriptionData | Reply {
  const { topic, subscription = '*', expressionType } = header
  if (subscription.length > EXPRESSION_LENGTH_MAX) return tooLong(subscription)
  if (!isTagExpression(expressionType)) return ownExpression(header)
  try {
    return broker.tagSubscriptions.of(topic, subscription)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return notParsed()
  }
}

/** One that is no tag expression; it has to say something. */
function ownExpression(header: PullHeader): SubscriptionData | Reply {
  const { topic, subscription = '', expressionType, subVersion } = header
  if (subscription === '') return notParsed()
  return parseSubscription(topic, subscription, expressionType, subVersion)
}

function tooLong({ length }: string): Reply {
  const remark = `parse the consumer's subscription failed: an expression of ${length} characters is longer than ${EXPRESSION_LENGTH_MAX}`
  return refuse(ResponseCode.SUBSCRIPTION_PARSE_FAILED, remark)
}

function notParsed(): Reply {
  return refuse(ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed")
}

/** The subscription that the group's clients sent with their heartbeats. */
function registeredSubscription(
  broker: BrokerContext,
  header: PullHeader,
  settings: SubscriptionGroupConfig,
): SubscriptionData | Reply {
  const group = broker.consumers.get(header.consumerGroup)
  if (group === undefined) {
    return refuse(ResponseCode.SUBSCRIPTION_NOT_EXIST, "the consumer's group info not exist")
  }
  if (group.messageModel === 'BROADCASTING' && !settings.consumeBroadcastEnable) {
    const remark = `the consumer group[${header.consumerGroup}] can not consume by broadcast way`
    return forbidden(Forbidden.BROADCASTING, remark)
  }
  if (broker.groups.isReadForbidden(header.consumerGroup, header.topic)) {
    const remark = `the consumer group[${header.consumerGroup}] is forbidden for topic[${header.topic}]`
    return forbidden(Forbidden.SUBSCRIPTION, remark)
  }
  const subscription = group.subscriptions.get(header.topic)
  if (subscription === undefined) {
    return refuse(ResponseCode.SUBSCRIPTION_NOT_EXIST, "the consumer's subscription not exist")
  }
  if (subscription.subVersion < header.subVersion) {
    return refuse(ResponseCode.SUBSCRIPTION_NOT_LATEST, "the consumer's subscription not latest")
  }
  return subscription
}
