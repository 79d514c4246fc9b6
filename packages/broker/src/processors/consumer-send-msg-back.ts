import {
  changeProperties,
  createOffsetMsgId,
  decodeProperties,
  decodeRecord,
  dlqTopic,
  isWriteable,
  Perm,
  Property,
  propertyText,
  ResponseCode,
  retryTopic,
  topicSysFlag,
  Version,
  type ConsumerSendMsgBack,
  type DecodedMessage,
  type HeaderOf,
  type SubscriptionGroupConfig,
} from '@skylarkmq/protocol'
import { refuse, type Processor, type Reply } from '@skylarkmq/remoting'
import { messageAgain, type MessageToStore, type PutMessageResult } from '@skylarkmq/store'
import type { BrokerContext } from '../broker-context.ts'
import { delayed } from '../send/special-message.ts'
import { tagsCodeOf } from '../send/tags-code.ts'
import { ensureTopic, topicsKnown } from '../topic/auto-create.ts'

type Header = HeaderOf<typeof ConsumerSendMsgBack>
/** The first retry waits level 3: 10 s. */
const FIRST_RETRY_LEVEL = 3

/**
 * CONSUMER_SEND_MSG_BACK: a consumer could not handle a message; it comes again later, or goes to the dead
 * letters. Apache: `AbstractSendMessageProcessor.java`, consumerSendMsgBack.
 */
export const consumerSendMsgBack: Processor<BrokerContext, typeof ConsumerSendMsgBack> = (
  broker,
  { header, version },
) => {
  const group = broker.groups.find(header.group)
  if (group === undefined) {
    return refuse(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      `subscription group not exist, ${header.group}`,
    )
  }
  if (!isWriteable(broker.config.brokerPermission)) {
    return refuse(
      ResponseCode.NO_PERMISSION,
      `the broker[${broker.address}] sending message is forbidden`,
    )
  }
  // The group's own wish: its failed messages are dropped.
  if (group.retryQueueNums <= 0) return { code: ResponseCode.SUCCESS }
  const topicsBefore = broker.topics.dataVersion
  const topic = retryTopic(header.group)
  const sysFlag = header.unitMode === true ? topicSysFlag(false, true) : 0
  const perm = Perm.READ | Perm.WRITE
  const retry = ensureTopic(broker.topics, topic, group.retryQueueNums, perm, sysFlag)
  if (!isWriteable(retry.perm)) {
    return refuse(ResponseCode.NO_PERMISSION, `the topic[${topic}] sending message is forbidden`)
  }
  if (broker.topics.dataVersion === topicsBefore) return sendBack(broker, header, version, group)
  return topicsKnown(broker).then(() => sendBack(broker, header, version, group))
}

function sendBack(
  broker: BrokerContext,
  header: Header,
  version: number,
  group: SubscriptionGroupConfig,
): Reply | Promise<Reply> {
  const record = broker.store.recordAt(header.offset)
  if (record === undefined) {
    return refuse(ResponseCode.SYSTEM_ERROR, `look message by offset failed, ${header.offset}`)
  }
  const topicsBefore = broker.topics.dataVersion
  const message = returned(broker, header, version, group, decodeRecord(record))
  const { saved } = broker.topics
  // The topic of the dead letters is saved before one is in it.
  if (saved === undefined || broker.topics.dataVersion === topicsBefore) {
    return put(broker, header, message)
  }
  return saved.then(() => put(broker, header, message))
}

function put(
  broker: BrokerContext,
  header: Header,
  message: MessageToStore,
): Reply | Promise<Reply> {
  const answer = (result: PutMessageResult): Reply => answerOf(broker, result, header, message)
  const result = broker.store.putMessage(message)
  return result instanceof Promise ? result.then(answer) : answer(result)
}

function returned(
  broker: BrokerContext,
  header: Header,
  version: number,
  group: SubscriptionGroupConfig,
  record: DecodedMessage,
): MessageToStore {
  const properties = decodeProperties(record.properties)
  const isTold = version >= Version.V3_4_9 && header.maxReconsumeTimes !== undefined
  const max = isTold ? (header.maxReconsumeTimes ?? 0) : group.retryMaxTimes
  const isDead = record.reconsumeTimes >= max || header.delayLevel < 0
  const topic = isDead ? dlqTopic(header.group) : retryTopic(header.group)
  const queues = isDead ? 1 : group.retryQueueNums
  if (isDead) ensureTopic(broker.topics, topic, 1, Perm.READ | Perm.WRITE, 0)
  const origin =
    properties.get(Property.ORIGIN_MESSAGE_ID) ??
    createOffsetMsgId(record.storeHost, record.storePort, record.physicalOffset)
  const message = messageAgain(record, {
    topic,
    queueId: queues === 1 ? 0 : Math.floor(broker.env.random.next() * queues),
    reconsumeTimes: record.reconsumeTimes + 1,
    properties: changeProperties(record.properties, {
      [Property.RETRY_TOPIC]: properties.get(Property.RETRY_TOPIC) ?? record.topic,
      [Property.WAIT]: 'false',
      [Property.ORIGIN_MESSAGE_ID]: origin,
      [Property.DELAY]: isDead ? '0' : undefined,
    }),
    tagsCode: tagsCodeOf(properties),
    // Apache's does not wait for the disk. The consumer commits past the message, so a power cut would lose it.
    waitStoreOk: true,
  })
  if (isDead) return message
  const level =
    header.delayLevel === 0 ? FIRST_RETRY_LEVEL + record.reconsumeTimes : header.delayLevel
  return delayed(broker, message, level)
}

function answerOf(
  broker: BrokerContext,
  result: PutMessageResult,
  header: Header,
  { topic, properties }: MessageToStore,
): Reply {
  if (result.status !== 'PUT_OK')
    return refuse(ResponseCode.SYSTEM_ERROR, result.remark ?? result.status)
  const key = `${header.originTopic ?? topic}@${header.group}`
  broker.stats.item('SNDBCK_PUT_NUMS', key).add(1)
  const origin = propertyText(Buffer.from(properties), Property.RETRY_TOPIC) ?? ''
  if (topic === dlqTopic(header.group)) broker.stats.meter.deadLetter(header.group, origin)
  return { code: ResponseCode.SUCCESS, holdsIfWritten: true }
}
