import {
  isReadable,
  isSystemPullGroup,
  ResponseCode,
  type SubscriptionGroupConfig,
  type TopicConfig,
} from '@skylarkmq/protocol'
import { refuse, type Reply } from '@skylarkmq/remoting'
import type { MessageFilter } from '@skylarkmq/store'
import type { BrokerContext } from '../broker-context.ts'
import { isTagExpression } from '../filter/expression-type.ts'
import { expressionFilter } from '../filter/pull-filter.ts'
import { tagFilter } from '../filter/tag-filter.ts'
import { SEE_FAQ } from '../see-faq.ts'
import { Forbidden, forbidden } from './forbidden.ts'
import type { PullRequest } from './pull-request.ts'
import { subscriptionOf } from './subscription-of.ts'

/** What a request may read: its group, its topic and its filter. */
export interface Permitted {
  readonly group: SubscriptionGroupConfig
  readonly topic: TopicConfig
  readonly filter: MessageFilter | undefined
}

/** Whether a request may read a queue: Apache's checks in Apache's order, or the answer that refuses. */
export function mayRead(broker: BrokerContext, request: PullRequest): Permitted | Reply {
  const { header, definition } = request
  const { config } = broker
  if (!isReadable(config.brokerPermission)) {
    return forbidden(Forbidden.BROKER, `the broker[${broker.host}] pulling message is forbidden`)
  }
  if (definition.name === 'LITE_PULL_MESSAGE' && !config.litePullMessageEnable) {
    return forbidden(
      Forbidden.BROKER,
      `the broker[${broker.host}] for lite pull consumer is forbidden`,
    )
  }
  const group = broker.groups.find(header.consumerGroup)
  if (group === undefined) {
    return refuse(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      `subscription group [${header.consumerGroup}] does not exist, ${SEE_FAQ}`,
    )
  }
  if (!group.consumeEnable) {
    return forbidden(Forbidden.GROUP, `subscription group no permission, ${header.consumerGroup}`)
  }
  const topic = broker.topics.get(header.topic)
  if (topic === undefined) {
    return refuse(
      ResponseCode.TOPIC_NOT_EXIST,
      `topic[${header.topic}] not exist, apply first please!`,
    )
  }
  if (!isReadable(topic.perm)) {
    return forbidden(Forbidden.TOPIC, `the topic[${header.topic}] pulling message is forbidden`)
  }
  if (header.queueId < 0 || header.queueId >= topic.readQueueNums) {
    return refuse(
      ResponseCode.INVALID_PARAMETER,
      `queueId[${header.queueId}] is illegal, topic:[${header.topic}] topicConfig.readQueueNums:[${topic.readQueueNums}] consumer:[${request.connection.peer}]`,
    )
  }
  const subscription = subscriptionOf(broker, header, group)
  if ('code' in subscription) return subscription
  const filter = isTagExpression(subscription.expressionType)
    ? tagFilter(subscription)
    : expressionFilter(broker, header, subscription)
  if (filter !== undefined && 'code' in filter) return filter
  return isRejected(broker, request) ? rejected() : { group, topic, filter }
}

/** Whether it is a pull consumer's and those are not wanted: heartbeats of theirs are not taken. */
function isRejected({ config, consumers }: BrokerContext, request: PullRequest): boolean {
  if (!config.rejectPullConsumerEnable) return false
  const { header, connection } = request
  if (isSystemPullGroup(header.consumerGroup)) return false
  const group = consumers.get(header.consumerGroup)
  if (group === undefined) return true
  return group.consumeType === 'CONSUME_ACTIVELY' && !group.clients.has(connection)
}

function rejected(): Reply {
  const remark = "the consumer's group info not exist, or the pull consumer is rejected by server."
  return refuse(ResponseCode.SUBSCRIPTION_NOT_EXIST, `${remark}${SEE_FAQ}`)
}
