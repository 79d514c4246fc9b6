import {
  brokerStatsDataBody,
  groupListBody,
  ResponseCode,
  stringifyFastjson,
  type QueueTimeSpan,
  type GetConsumeStats,
  type GetTopicStatsInfo,
  type MessageQueue,
  type OffsetWrapper,
  type QueryConsumeTimeSpan,
  type QueryTopicConsumeByWho,
  type TopicConfig,
  type TopicOffset,
  type ViewBrokerStatsData,
} from '@skylarkmq/protocol'
import { refuse, type Processor, type Reply } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'
import { eachInTurns } from '../in-turns.ts'

/** GET_TOPIC_STATS_INFO: the ends of a topic's queues. Apache: `AdminBrokerProcessor.java`, getTopicStatsInfo. */
export const getTopicStatsInfo: Processor<BrokerContext, typeof GetTopicStatsInfo> = (
  broker,
  { header },
) => {
  const { topic } = header
  const config = broker.topics.get(topic)
  if (config === undefined) return refuse(ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist`)
  const entries: string[] = []
  const queues = Math.max(config.writeQueueNums, config.readQueueNums)
  const look = (queueId: number): void => {
    const minOffset = Math.max(0, broker.store.offsetMin(topic, queueId))
    const maxOffset = broker.store.offsetMax(topic, queueId)
    const lastUpdateTimestamp = maxOffset > 0 ? storeTime(broker, topic, queueId, maxOffset - 1) : 0
    const found: TopicOffset = { minOffset, maxOffset, lastUpdateTimestamp }
    entries.push(entryText(queue(broker, topic, queueId), found))
  }
  return eachInTurns(broker.env.clock, upTo(queues), QUEUES_PER_TURN, look, () => {
    const topicPutTps = broker.stats.find('TOPIC_PUT_NUMS', topic)?.lastMinute.tps ?? 0
    const text = `{"offsetTable":{${entries.join(',')}},"topicPutTps":${stringifyFastjson(topicPutTps)}}`
    return { code: ResponseCode.SUCCESS, body: Buffer.from(text) }
  })
}

/** An entry of a Map in fastjson's form: a large body is written piece by piece, as its parts are looked at. */
export function entryText(key: MessageQueue, value: unknown): string {
  return `${stringifyFastjson(key)}:${stringifyFastjson(value)}`
}

/** Queues that are looked at in one turn of the event loop: the disk may be asked for each. */
export const QUEUES_PER_TURN = 512
/** An answer about more queues is larger than the frame that a client takes, 16 MiB. */
export const ANSWERED_QUEUES_MAX = 100_000

/** 0, 1, … up to `count`. */
export function* upTo(count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i
}

/** What is said of an answer that no client could read. */
export function tooManyQueues(): Reply {
  const remark = `the answer would be about more than ${ANSWERED_QUEUES_MAX} queues, and larger than what clients read: ask for fewer topics or groups at a time`
  return refuse(ResponseCode.SYSTEM_ERROR, remark)
}

/** A queue of this broker. */
export function queue(broker: BrokerContext, topic: string, queueId: number): MessageQueue {
  return { topic, brokerName: broker.config.brokerName, queueId }
}

function storeTime(broker: BrokerContext, topic: string, queueId: number, offset: number): number {
  return broker.store.storeTimeOf(topic, queueId, offset)
}

/** GET_CONSUME_STATS: how far a group is in each queue. Apache: `AdminBrokerProcessor.java`, getConsumeStats. */
export const getConsumeStats: Processor<BrokerContext, typeof GetConsumeStats> = (
  broker,
  { header },
) => {
  const group = header.consumerGroup
  const entries: string[] = []
  const asked: TopicConfig[] = []
  let consumeTps = 0
  let count = 0
  for (const topic of topicsAskedFor(broker, header)) {
    const config = broker.topics.get(topic)
    if (config === undefined) continue
    // A group that is connected and no longer subscribes is not interested in what it left. One that has no
    // subscriptions at all chooses its queues itself.
    const subscriptions = broker.consumers.get(group)?.subscriptions
    if (subscriptions !== undefined && subscriptions.size > 0 && !subscriptions.has(topic)) continue
    asked.push(config)
    count += config.readQueueNums
    if (count > ANSWERED_QUEUES_MAX) return tooManyQueues()
    consumeTps += broker.stats.groupGetTps(group, topic)
  }
  const look = ([topic, queueId]: [string, number]): void => {
    const found = progress(broker, group, topic, queueId)
    entries.push(entryText(queue(broker, topic, queueId), found))
  }
  return eachInTurns(broker.env.clock, queuesOf(asked), QUEUES_PER_TURN, look, () => ({
    code: ResponseCode.SUCCESS,
    body: Buffer.from(consumeStatsText(consumeTps, entries)),
  }))
}

/** How far a group is, with entries that are written already. */
export function consumeStatsText(consumeTps: number, entries: readonly string[]): string {
  return `{"consumeTps":${stringifyFastjson(consumeTps)},"offsetTable":{${entries.join(',')}}}`
}

function* queuesOf(topics: readonly TopicConfig[]): Generator<[topic: string, queueId: number]> {
  for (const { topicName, readQueueNums } of topics) {
    for (let queueId = 0; queueId < readQueueNums; queueId++) yield [topicName, queueId]
  }
}

function topicsAskedFor(
  broker: BrokerContext,
  header: { consumerGroup: string; topic?: string | undefined; topicList?: string | undefined },
): Iterable<string> {
  if (header.topic !== undefined && header.topic !== '') return [header.topic]
  const listed = new Set((header.topicList ?? '').split(';').filter((topic) => topic !== ''))
  return listed.size > 0 ? listed : broker.offsets.topicsOf(header.consumerGroup)
}

/** Where a group is in one queue. */
export function progress(
  broker: BrokerContext,
  group: string,
  topic: string,
  queueId: number,
): OffsetWrapper {
  const brokerOffset = Math.max(0, broker.store.offsetMax(topic, queueId))
  const consumerOffset = Math.max(0, broker.offsets.committed(group, topic, queueId) ?? 0)
  const pulled = broker.offsets.pulledOffset(group, topic, queueId) ?? 0
  const last = consumerOffset - 1
  const lastTimestamp = last >= 0 ? Math.max(0, storeTime(broker, topic, queueId, last)) : 0
  return {
    brokerOffset,
    consumerOffset,
    pullOffset: Math.max(consumerOffset, pulled),
    lastTimestamp,
  }
}

/** QUERY_TOPIC_CONSUME_BY_WHO: groups that read a topic, or have. */
export const queryTopicConsumeByWho: Processor<BrokerContext, typeof QueryTopicConsumeByWho> = (
  broker,
  { header: { topic } },
) => {
  // Such as `group@broadcast`, under which the progress of a broadcasting group is kept.
  const committed = [...broker.offsets.groupsOf(topic)].filter((group) => !group.includes('@'))
  const groups = new Set([...broker.consumers.groupsOf(topic), ...committed])
  return { code: ResponseCode.SUCCESS, body: groupListBody.encode({ groupList: [...groups] }) }
}

/** QUERY_CONSUME_TIME_SPAN: of which time the messages are that a group is at. */
export const queryConsumeTimeSpan: Processor<BrokerContext, typeof QueryConsumeTimeSpan> = (
  broker,
  { header: { topic, group } },
) => {
  const config = broker.topics.get(topic)
  if (config === undefined) return refuse(ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist`)
  const now = broker.env.clock.now()
  const spans: string[] = []
  const look = (queueId: number): void => {
    const max = broker.store.offsetMax(topic, queueId)
    const consumed = broker.offsets.committed(group, topic, queueId) ?? 0
    const maxTimeStamp = storeTime(broker, topic, queueId, max - 1)
    const consumeTimeStamp =
      consumed > 0
        ? storeTime(broker, topic, queueId, consumed - 1)
        : broker.store.earliestStoreTime(topic, queueId)
    const delayTime = consumed < max ? now - storeTime(broker, topic, queueId, consumed) : 0
    const span: QueueTimeSpan = {
      messageQueue: queue(broker, topic, queueId),
      minTimeStamp: broker.store.earliestStoreTime(topic, queueId),
      maxTimeStamp,
      consumeTimeStamp,
      delayTime,
    }
    spans.push(stringifyFastjson(span))
  }
  return eachInTurns(broker.env.clock, upTo(config.readQueueNums), QUEUES_PER_TURN, look, () => ({
    code: ResponseCode.SUCCESS,
    body: Buffer.from(`{"consumeTimeSpanSet":[${spans.join(',')}]}`),
  }))
}

/** VIEW_BROKER_STATS_DATA: one statistic over the last minute, hour and day. */
export const viewBrokerStatsData: Processor<BrokerContext, typeof ViewBrokerStatsData> = (
  { stats },
  { header: { statsName, statsKey } },
) => {
  const item = stats.find(statsName, statsKey)
  if (item === undefined) {
    return refuse(ResponseCode.SYSTEM_ERROR, `The stats <${statsName}> <${statsKey}> not exist`)
  }
  const body = brokerStatsDataBody.encode({
    statsMinute: item.lastMinute,
    statsHour: item.lastHour,
    statsDay: item.lastDay,
  })
  return { code: ResponseCode.SUCCESS, body }
}
