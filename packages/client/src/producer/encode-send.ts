import {
  compressBody,
  compressionSysFlag,
  isReservedProperty,
  KEY_SEPARATOR,
  PROPERTIES_BYTES_MAX,
  Property,
  sendFieldsJson,
  SystemTopic,
  topicProblem,
  isTopicOfTheBroker,
  wrapNamespace,
  type HeaderOf,
  type SendMessageV2,
} from '@skylarkmq/protocol'
import { shown } from '../check/check-options.ts'
import { durationMs } from '../duration.ts'
import { MessageError } from '../errors.ts'
import { ownProperties, type Message } from '../message.ts'
import { DEFAULT_TOPIC_QUEUE_NUMS } from '../route/topic-route.ts'

type SendHeader = HeaderOf<typeof SendMessageV2>

/** A message, or a batch, ready to be sent to any queue of its topic. */
export interface PreparedSend {
  /** In the namespace of its producer. */
  readonly topic: string
  /** As the user gave it. */
  readonly userTopic: string
  readonly kind: 'message' | 'batch' | 'reply'
  /** UNIQ_KEY of each message. */
  readonly msgIds: readonly string[]
  readonly body: Uint8Array
  /** `name 01 value 02 …` */
  readonly properties: string
  readonly sysFlag: number
  readonly flag: number
}

/** What bounds and changes a message on its way out. */
export interface EncodeOptions {
  readonly compressOverBytes: number
  readonly maxMessageBytes: number
  readonly namespace?: string | undefined
}

/** Checks and encodes one message. Throws RMQ_MESSAGE. */
export function prepareMessage(
  message: Message,
  nextId: () => string,
  options: EncodeOptions,
): PreparedSend {
  checkTopicOf(message)
  // What it is made of may change before it has left.
  const body = Buffer.from(message.body as string)
  checkBodyBytes(body.length, options)
  const msgId = nextId()
  const properties = propertiesOf(message, msgId)
  const isCompressed = body.length >= options.compressOverBytes
  return {
    topic: wrapNamespace(options.namespace, message.topic),
    userTopic: message.topic,
    kind: 'message',
    msgIds: [msgId],
    body: isCompressed ? compressBody(body) : body,
    properties,
    sysFlag: isCompressed ? compressionSysFlag('ZLIB') : 0,
    flag: message.flag ?? 0,
  }
}

/** The fields of a try as JSON, for a producer whose requests are not signed; see `sendFieldsJson`. */
export function fieldsJsonOf(
  producerGroup: string,
): (prepared: PreparedSend, queueId: number, bornTimestamp: number) => string {
  const byTopic = new Map<string, ReturnType<typeof sendFieldsJson>>()
  return (prepared, queueId, bornTimestamp) => {
    const { topic, sysFlag, flag, properties, kind } = prepared
    let write = byTopic.get(topic)
    if (write === undefined) {
      const defaultTopic = SystemTopic.AUTO_CREATE
      const defaultTopicQueueNums = DEFAULT_TOPIC_QUEUE_NUMS
      write = sendFieldsJson({ producerGroup, topic, defaultTopic, defaultTopicQueueNums })
      byTopic.set(topic, write)
    }
    const isBatch = kind === 'batch'
    return write({ queueId, sysFlag, bornTimestamp, flag, properties, isBatch })
  }
}

/** The header of a try. */
export function sendHeader(
  prepared: PreparedSend,
  to: { producerGroup: string; queueId: number; bornTimestamp: number },
): SendHeader {
  return {
    producerGroup: to.producerGroup,
    topic: prepared.topic,
    defaultTopic: SystemTopic.AUTO_CREATE,
    defaultTopicQueueNums: DEFAULT_TOPIC_QUEUE_NUMS,
    queueId: to.queueId,
    sysFlag: prepared.sysFlag,
    bornTimestamp: to.bornTimestamp,
    flag: prepared.flag,
    properties: Buffer.from(prepared.properties),
    reconsumeTimes: 0,
    unitMode: false,
    batch: prepared.kind === 'batch',
  }
}

/** Throws RMQ_MESSAGE for a topic that nobody sends to. */
export function checkTopicOf({ topic }: Message): void {
  const problem = topicProblem(topic)
  if (problem !== undefined) {
    throw new MessageError({ problem: `${problem.replace(/\.$/, '')} (${shown(topic)})` })
  }
  if (isTopicOfTheBroker(topic)) {
    throw new MessageError({ problem: `nobody sends to the topic ${topic}` })
  }
}

/** Throws RMQ_MESSAGE for a body of so many bytes. */
export function checkBodyBytes(bytes: number, options: EncodeOptions): void {
  if (bytes === 0) throw new MessageError({ problem: 'the body of the message is empty' })
  checkLength(bytes, options)
}

function checkProperties(properties: string): void {
  const bytes = Buffer.byteLength(properties)
  if (bytes <= PROPERTIES_BYTES_MAX) return
  const problem = `the properties take ${bytes} bytes, more than ${PROPERTIES_BYTES_MAX}`
  throw new MessageError({ problem })
}

/** Throws RMQ_MESSAGE for a body, or a part of a batch, that is too large. */
export function checkLength(bytes: number, { maxMessageBytes }: EncodeOptions): void {
  if (bytes <= maxMessageBytes) return
  const problem = `the body takes ${bytes} bytes, more than maxMessageBytes ${maxMessageBytes}`
  throw new MessageError({ problem })
}

/** Properties as text, those of the application first. Throws RMQ_MESSAGE. */
export function propertiesOf(message: Message, msgId: string): string {
  let text = ''
  const { properties } = message
  const own = properties === undefined ? [] : Object.entries(ownProperties(properties))
  for (const [name, value] of own) {
    if (isReservedProperty(name)) {
      const problem = `the property ${name} belongs to RocketMQ; to send a received message on, give its properties as they are, a Map`
      throw new MessageError({ problem })
    }
    text += propertyText(name, value)
  }
  const { keys = '', shardingKey, tag = '' } = message
  const keyText =
    typeof keys === 'string' ? keys : keys.filter((key) => key !== '').join(KEY_SEPARATOR)
  if (keyText !== '') text += propertyText(Property.KEYS, keyText)
  text += `${Property.UNIQ_KEY}\x01${msgId}\x02${Property.WAIT}\x01true\x02`
  if (shardingKey !== undefined) text += propertyText(Property.SHARDING_KEY, shardingKey)
  if (tag !== '') text += propertyText(Property.TAGS, tag)
  if (isDelayed(message))
    for (const [name, value] of propertiesOfWait(message)) text += propertyText(name, value)
  // No character takes more than three bytes.
  if (text.length * 3 > PROPERTIES_BYTES_MAX) checkProperties(text)
  return text
}

const SEPARATORS = /[\u0001\u0002]/

/** One property as text. Throws RMQ_MESSAGE for one that could not be read again. */
export function propertyText(name: string, value: string): string {
  if (name === '' || value === '' || SEPARATORS.test(name) || SEPARATORS.test(value)) {
    const isEmpty = name === '' || value === ''
    const wrong = isEmpty
      ? 'is empty'
      : 'holds one of the separators, the control characters 1 and 2'
    const problem = `the property ${JSON.stringify(name)} ${wrong}`
    throw new MessageError({ problem })
  }
  return `${name}\x01${value}\x02`
}

/** What tells the broker to keep the message for a while. */
function propertiesOfWait({ delayLevel, delay, deliverAt }: Message): [string, string][] {
  const whole = (ms: number): string => {
    if (Number.isSafeInteger(Math.ceil(ms)) && ms >= 0) return String(Math.ceil(ms))
    throw new MessageError({ problem: `${ms} is no time to wait` })
  }
  if ((delayLevel ?? 0) > 0) return [[Property.DELAY, String(delayLevel)]]
  if (delay !== undefined) return [[Property.TIMER_DELAY_MS, whole(durationMs(delay, 'delay'))]]
  return deliverAt === undefined ? [] : [[Property.TIMER_DELIVER_MS, whole(Number(deliverAt))]]
}

/** Whether a message is to come later. */
export function isDelayed({ delayLevel, delay, deliverAt }: Message): boolean {
  return (delayLevel ?? 0) > 0 || delay !== undefined || deliverAt !== undefined
}
