import { type MessageQueue, messageQueue } from './message-queue.ts'
import {
  type Shape,
  jsonBody,
  list,
  mapByObject,
  mapOf,
  maybe,
  number,
  object,
  text,
} from './shape.ts'

/** How far a group is on one queue. Apache: `OffsetWrapper.java`. */
export interface OffsetWrapper {
  readonly brokerOffset: number
  readonly consumerOffset: number
  readonly pullOffset: number
  /** Store time of the last consumed message, ms. */
  readonly lastTimestamp: number
}

/** How far a group is: GET_CONSUME_STATS. Apache: `ConsumeStats.java`. */
export interface ConsumeStats {
  readonly offsetTable: ReadonlyMap<MessageQueue, OffsetWrapper>
  readonly consumeTps: number
}

const consumeStats: Shape<ConsumeStats> = object<ConsumeStats>({
  offsetTable: mapByObject(
    messageQueue,
    object<OffsetWrapper>({
      brokerOffset: number,
      consumerOffset: number,
      pullOffset: number,
      lastTimestamp: number,
    }),
  ),
  consumeTps: number,
})

/** ConsumeStats as a body. */
export const consumeStatsBody = jsonBody('ConsumeStats', consumeStats)

/** How far all groups are: GET_BROKER_CONSUME_STATS. Apache: `ConsumeStatsList.java`. */
export interface ConsumeStatsList {
  /** Each with one group. */
  readonly consumeStatsList: readonly ReadonlyMap<string, readonly ConsumeStats[]>[]
  readonly brokerAddr: string
  readonly totalDiff: number
  readonly totalInflightDiff: number
}

/** ConsumeStatsList as a body. */
export const consumeStatsListBody = jsonBody<ConsumeStatsList>(
  'ConsumeStatsList',
  object<ConsumeStatsList>({
    consumeStatsList: list(mapOf(list(consumeStats))),
    brokerAddr: text,
    totalDiff: number,
    totalInflightDiff: number,
  }),
)

/** The ends of one queue. Apache: `TopicOffset.java`. */
export interface TopicOffset {
  readonly minOffset: number
  readonly maxOffset: number
  /** Store time of the newest message, ms; 0 when there is none. */
  readonly lastUpdateTimestamp: number
}

/** The ends of all queues of a topic: GET_TOPIC_STATS_INFO. Apache: `TopicStatsTable.java`. */
export interface TopicStatsTable {
  readonly offsetTable: ReadonlyMap<MessageQueue, TopicOffset>
  readonly topicPutTps?: number | undefined
}

/** TopicStatsTable as a body. */
export const topicStatsTableBody = jsonBody<TopicStatsTable>(
  'TopicStatsTable',
  object<TopicStatsTable>({
    offsetTable: mapByObject(
      messageQueue,
      object<TopicOffset>({ minOffset: number, maxOffset: number, lastUpdateTimestamp: number }),
    ),
    topicPutTps: maybe(number),
  }),
)

/** One counter over one span of time. Apache: `BrokerStatsItem.java`. */
export interface BrokerStatsItem {
  readonly sum: number
  readonly tps: number
  readonly avgpt: number
}

/** One counter: VIEW_BROKER_STATS_DATA. Apache: `BrokerStatsData.java`. */
export interface BrokerStatsData {
  readonly statsMinute: BrokerStatsItem
  readonly statsHour: BrokerStatsItem
  readonly statsDay: BrokerStatsItem
}

const statsItem = object<BrokerStatsItem>({ sum: number, tps: number, avgpt: number })

/** BrokerStatsData as a body. */
export const brokerStatsDataBody = jsonBody<BrokerStatsData>(
  'BrokerStatsData',
  object<BrokerStatsData>({ statsMinute: statsItem, statsHour: statsItem, statsDay: statsItem }),
)

/** The times of one queue. Apache: `QueueTimeSpan.java`. */
export interface QueueTimeSpan {
  readonly messageQueue: MessageQueue
  /** Store time of the oldest message, ms. */
  readonly minTimeStamp: number
  readonly maxTimeStamp: number
  readonly consumeTimeStamp: number
  /** How long the oldest message that is not consumed waits, ms. */
  readonly delayTime: number
  readonly minTimeStampStr?: string | undefined
  readonly maxTimeStampStr?: string | undefined
  readonly consumeTimeStampStr?: string | undefined
}

/** QUERY_CONSUME_TIME_SPAN. Apache: `QueryConsumeTimeSpanBody.java`. */
export interface ConsumeTimeSpans {
  readonly consumeTimeSpanSet: readonly QueueTimeSpan[]
}

/** ConsumeTimeSpans as a body. */
export const consumeTimeSpansBody = jsonBody<ConsumeTimeSpans>(
  'QueryConsumeTimeSpanBody',
  object<ConsumeTimeSpans>({
    consumeTimeSpanSet: list(
      object<QueueTimeSpan>({
        messageQueue,
        minTimeStamp: number,
        maxTimeStamp: number,
        consumeTimeStamp: number,
        delayTime: number,
        minTimeStampStr: maybe(text),
        maxTimeStampStr: maybe(text),
        consumeTimeStampStr: maybe(text),
      }),
    ),
  }),
)
