import {
  queryConsumeQueueBody,
  ResponseCode,
  stringifyPretty,
  type ConsumeQueueData,
  type QueryConsumeQueue,
  type SubscriptionData,
} from '@skylarkmq/protocol'
import { refuse, type Processor } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'
import { tagFilter } from '../filter/tag-filter.ts'

/** Most entries that one answer has. */
const QUEUE_DATA_MAX = 1024

/**
 * QUERY_CONSUME_QUEUE: entries of a queue as they lie there, and with a group what it subscribes to and whether that
 * lets each entry pass. Apache: `AdminBrokerProcessor.java`, queryConsumeQueue.
 */
export const queryConsumeQueue: Processor<BrokerContext, typeof QueryConsumeQueue> = (
  broker,
  { header: { topic, queueId = 0, index = 0, count = 0, consumerGroup } },
) => {
  const max = broker.store.offsetMax(topic, queueId)
  if (max === 0) {
    return refuse(ResponseCode.SYSTEM_ERROR, `${queueId}@${topic} is not exist!`)
  }
  const subscriptionData =
    consumerGroup === undefined ? undefined : broker.consumers.subscription(consumerGroup, topic)
  const filter = subscriptionData === undefined ? undefined : tagFilter(subscriptionData)
  const queueData: ConsumeQueueData[] = []
  const end = Math.min(max, index + Math.min(count, QUEUE_DATA_MAX))
  for (let offset = index; offset < end;) {
    const unit = broker.store.queueUnitAt(topic, queueId, offset)
    offset = unit === undefined ? offset + 1 : unit.queueOffset + unit.count
    if (unit === undefined) continue
    queueData.push({
      physicOffset: unit.physicalOffset,
      physicSize: unit.sizeBytes,
      tagsCode: unit.tagsCode,
      // As in Apache, who names no group that subscribes is told false.
      eval: subscriptionData !== undefined && filter?.matchesTagsCode(unit.tagsCode) !== false,
    })
  }
  const minQueueIndex = broker.store.offsetMin(topic, queueId)
  const filterData = filterText(broker, topic, consumerGroup, subscriptionData)
  const body = queryConsumeQueueBody.encode({
    queueData,
    minQueueIndex,
    maxQueueIndex: max,
    subscriptionData,
    ...(filterData === undefined ? {} : { filterData }),
  })
  return { code: ResponseCode.SUCCESS, body }
}

/** What a tool prints of a group's expression: undefined when it asked for no group. */
function filterText(
  broker: BrokerContext,
  topic: string,
  group: string | undefined,
  subscription: SubscriptionData | undefined,
): string | undefined {
  if (group === undefined) return undefined
  if (subscription === undefined) return `${group}@${topic} is not online!`
  return stringifyPretty(broker.filters.printed(topic, group))
}
