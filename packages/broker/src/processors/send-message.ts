import {
  appendProperty,
  appendPropertyBytes,
  changeProperties,
  DLQ_PREFIX,
  dlqTopic,
  isDlqTopic,
  isRetryTopic,
  isTopicOfTheBroker,
  isWriteable,
  MessageSysFlag,
  Perm,
  Property,
  propertyText,
  ResponseCode,
  RETRY_PREFIX,
  SentMessage,
  TIMER_TOPIC,
  topicProblem,
  topicSysFlag,
  Version,
  type SendMessage,
  type TopicConfig,
} from '@skylarkmq/protocol'
import { refuse, type Outcome, type Processor, type Reply } from '@skylarkmq/remoting'
import { isStored, type MessageToStore, type PutMessageResult } from '@skylarkmq/store'
import type { BrokerContext } from '../broker-context.ts'
import { codeOfPutStatus } from '../response-of-status.ts'
import {
  refusalOf,
  stamped,
  type SendHeader,
  type SendReply,
  type SendRequest,
} from '../send/send-reply.ts'
import { scanProperties } from '../send/scan-properties.ts'
import { prepareSpecial } from '../send/special-message.ts'
import { recallHandleOf } from '../send/timer-message.ts'
import { uniqKey } from '../send/uniq-key.ts'
import { kindOf, MessageKind } from '../stats/message-meter.ts'
import { isBatchTopic } from '../topic/topic-attributes.ts'
import { topicText } from '../topic/topic-text.ts'
import { autoCreateTopic, ensureTopic, topicsKnown } from '../topic/auto-create.ts'
import { SEE_FAQ } from '../see-faq.ts'
import { sendBatch } from './send-batch.ts'
import { isKeyed, sendBatchAsOne } from './send-batch-as-one.ts'

const NO_PROPERTIES = Buffer.alloc(0)

/**
 * SEND_MESSAGE, SEND_MESSAGE_V2 and SEND_BATCH_MESSAGE: checks, builds the message, stores it.
 * Apache: `SendMessageProcessor.java`, `AbstractSendMessageProcessor.java`.
 */
export const sendMessage: Processor<BrokerContext, typeof SendMessage> = (broker, request) => {
  const version = broker.topics.dataVersion
  const topic = topicOf(broker, request)
  if ('code' in topic) return stamped(broker, topic)
  if (broker.topics.dataVersion === version) return sendTo(broker, request, topic)
  // Who has sent the first message of a topic finds it in the routes.
  const kept = keep(request)
  return topicsKnown(broker).then(() => sendTo(broker, kept, topic))
}

/** A request that is needed when its frame is gone. */
export function keep(request: SendRequest): SendRequest {
  const { header, body } = request
  const { properties } = header
  const fields = request.fields()
  return {
    ...request,
    fields: () => fields,
    header: properties === undefined ? header : { ...header, properties: Buffer.from(properties) },
    body: body === undefined ? undefined : Buffer.from(body),
  }
}

function sendTo(
  broker: BrokerContext,
  request: SendRequest,
  topic: TopicConfig,
): Outcome<typeof SendMessage> {
  const { header } = request
  const queueId = queueOf(broker, request, topic)
  if (typeof queueId !== 'number') return stamped(broker, queueId)
  if (request.body === undefined) {
    return stamped(
      broker,
      refuse(ResponseCode.SYSTEM_ERROR, 'java.lang.NullPointerException: the message has no body'),
    )
  }
  if (header.batch === true) {
    return isBatchTopic(topic) && isKeyed(request)
      ? sendBatchAsOne(broker, request, topic, queueId)
      : sendBatch(broker, request, topic, queueId)
  }
  return sendOne(broker, request, topic, queueId)
}

/** The topic of a send, made if need be, or the answer that refuses it. */
export function topicOf(broker: BrokerContext, { header }: SendRequest): TopicConfig | Reply {
  const { config, env, topics } = broker
  const { startAcceptSendRequestTimeStamp: acceptFrom } = config
  if (acceptFrom > 0 && env.clock.now() < acceptFrom) {
    const until = new Intl.DateTimeFormat('sv', { dateStyle: 'short', timeStyle: 'medium' })
    const at = until.format(acceptFrom)
    return refuse(ResponseCode.SYSTEM_ERROR, `broker unable to service, until ${at}`)
  }
  const known = topics.get(header.topic)
  if (!isWriteable(config.brokerPermission) && known?.order === true) {
    return refuse(
      ResponseCode.NO_PERMISSION,
      `the broker[${broker.host}] sending message is forbidden`,
    )
  }
  if (isTopicOfTheBroker(header.topic)) {
    return refuse(
      ResponseCode.NO_PERMISSION,
      `Sending message to topic[${header.topic}] is forbidden.`,
    )
  }
  // A topic that exists had a good name when it was made, or belongs to a group with a long one.
  if (known !== undefined) return known
  const problem = topicProblem(header.topic)
  if (problem !== undefined) return refuse(ResponseCode.INVALID_PARAMETER, problem)
  return newTopic(broker, header)
}

function newTopic(broker: BrokerContext, header: SendHeader): TopicConfig | Reply {
  const isRetry = isRetryTopic(header.topic)
  const isUnit = header.unitMode === true
  const sysFlag = isUnit ? topicSysFlag(!isRetry, isRetry) : 0
  const wanted = {
    topic: header.topic,
    defaultTopic: header.defaultTopic,
    queueNums: header.defaultTopicQueueNums,
    topicSysFlag: sysFlag,
  }
  const made = autoCreateTopic(broker.topics, wanted, broker.config.autoCreateTopicEnable)
  if (made !== undefined) return made
  if (isRetry) return ensureTopic(broker.topics, header.topic, 1, Perm.READ | Perm.WRITE, sysFlag)
  return refuse(
    ResponseCode.TOPIC_NOT_EXIST,
    `topic[${header.topic}] not exist, apply first please!${SEE_FAQ}`,
  )
}

/** The queue of a send, chosen when the producer left that to the broker, or the answer that refuses it. */
export function queueOf(
  broker: BrokerContext,
  { header, connection }: SendRequest,
  topic: TopicConfig,
): number | Reply {
  const { queueId } = header
  const most = Math.max(topic.writeQueueNums, topic.readQueueNums)
  if (queueId >= most) {
    return refuse(
      ResponseCode.INVALID_PARAMETER,
      `request queueId[${queueId}] is illegal, ${topicText(topic)} Producer: ${connection.peer}`,
    )
  }
  return queueId >= 0 ? queueId : Math.floor(broker.env.random.next() * topic.writeQueueNums)
}

function sendOne(
  broker: BrokerContext,
  request: SendRequest,
  topic: TopicConfig,
  queueId: number,
): Outcome<typeof SendMessage> {
  const { header } = request
  const sysFlag = topic.topicFilterType === 'MULTI_TAG' ? MessageSysFlag.MULTI_TAGS : 0
  const plain = { topic: header.topic, queueId, sysFlag, isDead: false }
  if (!isRetryTopic(header.topic)) return storeOne(broker, request, plain, queueId)
  const routed = routeRetry(broker, request, plain)
  if ('code' in routed) return stamped(broker, routed)
  const { saved } = broker.topics
  if (!routed.isDead || saved === undefined) return storeOne(broker, request, routed, queueId)
  // The topic of the dead letters may be among those that are about to be saved.
  const kept = keep(request)
  return saved.then(() => storeOne(broker, kept, routed, queueId))
}

function storeOne(
  broker: BrokerContext,
  request: SendRequest,
  routed: RoutedMessage,
  queueId: number,
): Outcome<typeof SendMessage> {
  const built = messageOf(broker, request, routed)
  const message = built.isSpecial ? special(broker, built.message) : built.message
  if ('code' in message) return stamped(broker, message)
  const result = broker.store.putMessage(message)
  return result instanceof Promise
    ? result.then((later) => answerOf(broker, later, queueId, built, message))
    : answerOf(broker, result, queueId, built, message)
}

/** A message that means something to the broker, as it is to be stored. */
function special(broker: BrokerContext, message: MessageToStore): MessageToStore | Reply {
  if (isBatchWithoutFlag(message)) return refusalOf(broker, NO_BATCH)
  const prepared = prepareSpecial(broker, message)
  if ('code' in prepared) return prepared
  const properties = appendPropertyBytes(prepared.properties, broker.stamp.properties)
  return { ...prepared, properties }
}

const NO_BATCH = { status: 'MESSAGE_ILLEGAL', remark: undefined } as const

/** Whether a message says how many it is made of, and is no batch. Apache: `HookUtils.java`, checkInnerBatch. */
function isBatchWithoutFlag({ properties, sysFlag }: MessageToStore): boolean {
  if ((sysFlag & MessageSysFlag.INNER_BATCH) !== 0) return false
  return propertyText(Buffer.from(properties), Property.INNER_NUM) !== undefined
}

interface RoutedMessage {
  readonly topic: string
  readonly queueId: number
  /** Bits that the topic adds to the message's. */
  readonly sysFlag: number
  /** It goes to the dead letters. */
  readonly isDead: boolean
}

/** Where a message goes that a client sent back by itself: to its retry topic, or to the dead letters. */
function routeRetry(
  broker: BrokerContext,
  { header, version }: SendRequest,
  plain: RoutedMessage,
): RoutedMessage | Reply {
  const group = header.topic.slice(RETRY_PREFIX.length)
  const settings = broker.groups.find(group)
  if (settings === undefined) {
    return refuse(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      `subscription group not exist, ${group}`,
    )
  }
  const isTold = version >= Version.V3_4_9 && header.maxReconsumeTimes !== undefined
  const max = isTold ? (header.maxReconsumeTimes ?? 0) : settings.retryMaxTimes
  const times = header.reconsumeTimes ?? 0
  // A group that consumes in order has tried in place already.
  if (times <= max && !broker.locks.isHeldBy(group)) return plain
  const topic = dlqTopic(group)
  ensureTopic(broker.topics, topic, 1, Perm.READ | Perm.WRITE, 0)
  return { ...plain, topic, queueId: 0, isDead: true }
}

interface BuiltMessage {
  /** Without the broker's stamp when it is special. */
  readonly message: MessageToStore
  readonly isSpecial: boolean
  readonly isFifo: boolean
  /** Has the unique key from `keyStart` to `keyEnd`. */
  readonly keyBytes: Buffer
  readonly keyStart: number
  readonly keyEnd: number
}

function messageOf(
  broker: BrokerContext,
  { header, body, connection }: SendRequest,
  routed: RoutedMessage,
): BuiltMessage {
  let properties: Buffer = header.properties ?? NO_PROPERTIES
  if (routed.isDead) {
    // As in Apache, a dead letter says that it is not to be delayed.
    properties = changeProperties(properties, { [Property.DELAY]: '-1' })
  }
  const scanned = scanProperties(properties)
  let keyBytes = properties
  let { uniqKeyStart: keyStart, uniqKeyEnd: keyEnd } = scanned
  if (keyStart < 0) {
    const key = uniqKey(broker)
    properties = appendProperty(properties, Property.UNIQ_KEY, key)
    keyBytes = Buffer.from(key)
    keyStart = 0
    keyEnd = keyBytes.length
  }
  const message = {
    topic: routed.topic,
    queueId: routed.queueId,
    flag: header.flag,
    sysFlag: header.sysFlag | routed.sysFlag,
    bornTimestamp: header.bornTimestamp,
    bornHost: connection.peerHost,
    bornPort: connection.peerPort,
    reconsumeTimes: header.reconsumeTimes ?? 0,
    preparedTransactionOffset: 0,
    body: body ?? NO_PROPERTIES,
    properties,
    moreProperties: scanned.isSpecial ? undefined : broker.stamp.properties,
    tagsCode: scanned.tagsCode,
    // Once they are changed, the properties have their keys elsewhere.
    keys: keyBytes === properties && !scanned.isSpecial ? scanned : undefined,
    waitStoreOk: scanned.waitStoreOk,
  }
  const { isSpecial, isFifo } = scanned
  return { message, isSpecial, isFifo, keyBytes, keyStart, keyEnd }
}

function answerOf(
  broker: BrokerContext,
  result: PutMessageResult,
  queueId: number,
  { keyBytes, keyStart, keyEnd, isFifo }: BuiltMessage,
  stored: MessageToStore,
): SendReply {
  if (!isStored(result.status)) return stamped(broker, refusalOf(broker, result))
  count(broker, stored, isFifo, result.sizeBytes)
  const { storeHost } = broker.config
  const sent = new SentMessage(result, storeHost, queueId, keyBytes, keyStart, keyEnd)
  return {
    code: codeOfPutStatus[result.status],
    remark: result.remark,
    header: stored.topic === TIMER_TOPIC ? recallable(broker, sent, stored) : sent,
    fields: broker.stamp.fields,
    holdsIfWritten: true,
  }
}

function count({ stats }: BrokerContext, stored: MessageToStore, isFifo: boolean, bytes: number) {
  const { topic } = stored
  const kind = kindOf(topic, isFifo)
  stats.topicPut(topic, 1, bytes, kind)
  if (kind === MessageKind.normal && !isDlqTopic(topic)) return
  const told = (name: string) => propertyText(Buffer.from(stored.properties), name) ?? ''
  if (kind === MessageKind.transaction) stats.meter.halfStored(told(Property.REAL_TOPIC))
  if (isDlqTopic(topic))
    stats.meter.deadLetter(topic.slice(DLQ_PREFIX.length), told(Property.RETRY_TOPIC))
}

/** The answer to a message that waits, which can be called back. */
function recallable(broker: BrokerContext, sent: SentMessage, stored: MessageToStore) {
  const { msgId, queueId, queueOffset, transactionId } = sent
  const recallHandle = recallHandleOf(broker, stored, transactionId)
  return { msgId, queueId, queueOffset, transactionId, recallHandle }
}
