import {
  topicConfigListBody,
  groupProblem,
  isPermValid,
  quotedName,
  ResponseCode,
  topicProblem,
  type DeleteTopicInBroker,
  type GetAllTopicConfig,
  type GetSystemTopicListFromBroker,
  type GetTopicConfig,
  type TopicConfig,
  type UpdateAndCreateTopic,
  type UpdateAndCreateTopicList,
} from '@skylarkmq/protocol'
import { OK, refuse, type Processor, type Reply } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'
import { changeAttributes } from '../topic/topic-attributes.ts'
import { whenSaved } from '../json-table.ts'
import { topicsKnown } from '../topic/auto-create.ts'
import { jsonReply } from './json-body.ts'

/** What forbids to create or change a topic; undefined when nothing does. */
function objection(broker: BrokerContext, topic: string): Reply | undefined {
  const problem = topicProblem(topic)
  if (problem !== undefined) return refuse(ResponseCode.INVALID_PARAMETER, problem)
  if (broker.config.validateSystemTopicWhenUpdateTopic && broker.topics.isSystem(topic)) {
    return conflict(topic)
  }
  return undefined
}

function conflict(topic: string): Reply {
  return refuse(
    ResponseCode.INVALID_PARAMETER,
    `The topic[${topic}] is conflict with system topic.`,
  )
}

const mixedRefused = refuse(ResponseCode.INVALID_PARAMETER, 'MIXED message type is not supported.')

/** Whether a change makes a topic take messages of all types where that is not allowed. */
function isMixedRefused(
  { config, topics }: BrokerContext,
  { 'message.type': type }: Readonly<Record<string, string>>,
  topic: string,
): boolean {
  const isNews = topics.get(topic)?.attributes['message.type'] !== type
  return type === 'MIXED' && isNews && !config.enableMixedMessageType
}

/** UPDATE_AND_CREATE_TOPIC. Apache: `AdminBrokerProcessor.java`, updateAndCreateTopic. */
export const updateAndCreateTopic: Processor<BrokerContext, typeof UpdateAndCreateTopic> = (
  broker,
  { header },
) => {
  const refused = objection(broker, header.topic)
  if (refused !== undefined) return refused
  const { topicFilterType } = header
  if (topicFilterType !== 'SINGLE_TAG' && topicFilterType !== 'MULTI_TAG') {
    const remark = `topicFilterType = [${quotedName(topicFilterType)}] value invalid`
    return refuse(ResponseCode.SYSTEM_ERROR, remark)
  }
  if (!isPermValid(header.perm)) {
    return refuse(ResponseCode.INVALID_PARAMETER, `the perm ${header.perm} is not one of 0 to 7`)
  }
  const attributes = changeAttributes(
    broker.topics.get(header.topic)?.attributes,
    header.attributes,
  )
  if (typeof attributes === 'string') return refuse(ResponseCode.SYSTEM_ERROR, attributes)
  if (isMixedRefused(broker, attributes, header.topic)) return mixedRefused
  const topic: TopicConfig = {
    topicName: header.topic,
    readQueueNums: header.readQueueNums,
    writeQueueNums: header.writeQueueNums,
    perm: header.perm,
    topicFilterType,
    topicSysFlag: header.topicSysFlag ?? 0,
    order: header.order ?? false,
    attributes,
  }
  const problem = broker.topics.queuesProblem(topic)
  if (problem !== undefined) return refuse(ResponseCode.INVALID_PARAMETER, problem)
  broker.topics.put(topic)
  return topicsKnown(broker).then(() => OK)
}

/** UPDATE_AND_CREATE_TOPIC_LIST: several topics as one change, or none. */
export const updateAndCreateTopicList: Processor<BrokerContext, typeof UpdateAndCreateTopicList> = (
  broker,
  { body },
) => {
  const wanted = topicConfigListBody.decode(body).topicConfigList
  const topics: TopicConfig[] = []
  for (const topic of wanted) {
    const refused = objection(broker, topic.topicName)
    if (refused !== undefined) return refused
    const problem = broker.topics.queuesProblem(topic)
    if (problem !== undefined) return refuse(ResponseCode.INVALID_PARAMETER, problem)
    const before = broker.topics.get(topic.topicName)?.attributes
    const change = Object.entries(topic.attributes)
      // What is there already is no change.
      .filter(([key, value]) => before?.[key] !== value)
      .map(([key, value]) => `${/^[+-]/.test(key) ? '' : '+'}${key}=${value}`)
    const attributes = changeAttributes(before, change.join(','))
    if (typeof attributes === 'string') return refuse(ResponseCode.SYSTEM_ERROR, attributes)
    if (isMixedRefused(broker, attributes, topic.topicName)) return mixedRefused
    topics.push({ ...topic, attributes })
  }
  if (topics.length === 0) return OK
  broker.topics.putAll(topics)
  return topicsKnown(broker).then(() => OK)
}

/** DELETE_TOPIC_IN_BROKER: the topic, its queues, the groups' offsets on it. */
export const deleteTopicInBroker: Processor<BrokerContext, typeof DeleteTopicInBroker> = (
  broker,
  { header: { topic } },
) => {
  if (topic === '') return refuse(ResponseCode.INVALID_PARAMETER, 'The specified topic is blank.')
  if (broker.config.validateSystemTopicWhenUpdateTopic && broker.topics.isSystem(topic)) {
    return conflict(topic)
  }
  const popRetry = broker.config.clearRetryTopicWhenDeleteTopic ? popRetryTopics(broker, topic) : []
  const topics = [topic, ...popRetry]
  // Before its queues go, the topic is gone from the file.
  let isDeleted = false
  for (const each of topics) isDeleted = broker.topics.delete(each) || isDeleted
  return whenSaved(isDeleted ? broker.topics.saved : undefined, () => {
    for (const each of topics) {
      // Somebody may have made it again meanwhile.
      if (broker.topics.get(each) !== undefined) continue
      broker.offsets.deleteTopic(each)
      broker.store.deleteTopic(each)
      broker.stats.topicDeleted(each)
    }
    broker.held.wakeAll((pull) => pull.topic === topic)
    broker.registration.changed()
    return OK
  })
}

/** Topics from which groups retry this one's messages in POP mode: `%RETRY%group_topic`, `%RETRY%group+topic`. */
function popRetryTopics(broker: BrokerContext, topic: string): string[] {
  const groups = [...broker.groups.all.keys()].filter((group) => groupProblem(group) === undefined)
  return groups
    .flatMap((group) => [`%RETRY%${group}_${topic}`, `%RETRY%${group}+${topic}`])
    .filter((name) => broker.topics.get(name) !== undefined)
}

/** GET_ALL_TOPIC_CONFIG: the whole table, as slaves and tools copy it. */
export const getAllTopicConfig: Processor<BrokerContext, typeof GetAllTopicConfig> = ({ topics }) =>
  jsonReply({
    dataVersion: topics.dataVersion,
    mappingDataVersion: topics.dataVersion,
    topicConfigTable: Object.fromEntries(topics.all),
    topicQueueMappingDetailMap: {},
    topicQueueMappingInfoMap: {},
  })

/** GET_TOPIC_CONFIG: one topic's settings. */
export const getTopicConfig: Processor<BrokerContext, typeof GetTopicConfig> = (
  broker,
  { header },
) => {
  const topic = broker.topics.get(header.topic)
  if (topic !== undefined) return jsonReply(topic)
  return refuse(ResponseCode.TOPIC_NOT_EXIST, `No topic in this broker. topic: ${header.topic}`)
}

/** GET_SYSTEM_TOPIC_LIST_FROM_BROKER: the topics that belong to the broker. */
export const getSystemTopicListFromBroker: Processor<
  BrokerContext,
  typeof GetSystemTopicListFromBroker
> = ({ topics }) => jsonReply({ topicList: [...topics.systemTopics] })
