import {
  compressBody,
  compressionSysFlag,
  encodeBatch,
  encodeProperties,
  isReservedProperty,
  KEY_SEPARATOR,
  PROPERTIES_BYTES_MAX,
  Property,
  SystemTopic,
  topicProblem,
  topicsNotAllowedToSend,
  type HeaderOf,
  type SendMessageV2,
} from '@skylarkmq/protocol'
import { InvalidMessage } from '../errors.ts'
import type { Message } from '../message.ts'
import { DEFAULT_TOPIC_QUEUE_NUMS } from '../route/topic-route-table.ts'

type SendHeader = HeaderOf<typeof SendMessageV2>

/** A message, or a batch, ready to be sent to any queue of its topic. */
export interface PreparedSend {
  readonly topic: string
  readonly isBatch: boolean
  /** UNIQ_KEY of each message. */
  readonly msgIds: readonly string[]
  readonly body: Uint8Array
  readonly properties: Buffer
  readonly sysFlag: number
  readonly flag: number
}

/** What bounds and changes a message on its way out. */
export interface EncodeOptions {
  readonly compressOverBytes: number
  readonly maxMessageBytes: number
}

/** Checks and encodes one message. Throws ERR_CLIENT_MESSAGE. */
export function prepareMessage(
  message: Message,
  nextId: () => string,
  options: EncodeOptions,
): PreparedSend {
  const { body, properties, msgId } = encodeOne(message, nextId, options)
  const isCompressed = body.length >= options.compressOverBytes
  return {
    topic: message.topic,
    isBatch: false,
    msgIds: [msgId],
    body: isCompressed ? compressBody(body) : body,
    properties,
    sysFlag: isCompressed ? compressionSysFlag('ZLIB') : 0,
    flag: message.flag ?? 0,
  }
}

/** Checks and encodes several messages of one topic as one. Throws ERR_CLIENT_MESSAGE. */
export function prepareBatch(
  messages: readonly Message[],
  nextId: () => string,
  options: EncodeOptions,
): PreparedSend {
  const [first] = messages
  if (first === undefined) throw new InvalidMessage({ problem: 'the batch holds no message' })
  const encoded = messages.map((message) => {
    if (message.topic !== first.topic) {
      throw new InvalidMessage({ problem: 'the messages of a batch have one topic' })
    }
    const waits = propertiesOfWait(message).length > 0
    if (waits || message.topic.startsWith('%RETRY%')) {
      throw new InvalidMessage({ problem: 'a message of a batch can neither wait nor be a retry' })
    }
    return { flag: message.flag ?? 0, ...encodeOne(message, nextId, options) }
  })
  const body = encodeBatch(encoded)
  checkLength(body.length, options)
  const properties = encodeProperties({ [Property.WAIT]: 'true' })
  const msgIds = encoded.map((each) => each.msgId)
  return { topic: first.topic, isBatch: true, msgIds, body, properties, sysFlag: 0, flag: 0 }
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
    properties: prepared.properties,
    reconsumeTimes: 0,
    unitMode: false,
    batch: prepared.isBatch,
  }
}

function encodeOne(
  message: Message,
  nextId: () => string,
  options: EncodeOptions,
): { body: Buffer; properties: Buffer; msgId: string } {
  const problem = topicProblem(message.topic)
  if (problem !== undefined) throw new InvalidMessage({ problem })
  if (topicsNotAllowedToSend.has(message.topic)) {
    throw new InvalidMessage({ problem: `nobody sends to the topic ${message.topic}` })
  }
  const body = Buffer.from(message.body as string)
  if (body.length === 0) throw new InvalidMessage({ problem: 'the body of the message is empty' })
  checkLength(body.length, options)
  const msgId = nextId()
  const properties = encodeProperties(propertiesOf(message, msgId))
  if (properties.length > PROPERTIES_BYTES_MAX) {
    const problemOfSize = `the properties take ${properties.length} bytes, more than ${PROPERTIES_BYTES_MAX}`
    throw new InvalidMessage({ problem: problemOfSize })
  }
  return { body, properties, msgId }
}

function checkLength(bytes: number, { maxMessageBytes }: EncodeOptions): void {
  if (bytes <= maxMessageBytes) return
  const problem = `the body takes ${bytes} bytes, more than maxMessageBytes ${maxMessageBytes}`
  throw new InvalidMessage({ problem })
}

function propertiesOf(message: Message, msgId: string): Map<string, string> {
  const properties = new Map<string, string>()
  for (const [name, value] of Object.entries(message.properties ?? {})) {
    if (isReservedProperty(name)) {
      throw new InvalidMessage({ problem: `the property ${name} belongs to RocketMQ` })
    }
    if (name === '' || value === '' || /[\u0001\u0002]/.test(name + value)) {
      const problem = `the property ${JSON.stringify(name)} is empty or holds a separator`
      throw new InvalidMessage({ problem })
    }
    properties.set(name, value)
  }
  const keys = typeof message.keys === 'string' ? [message.keys] : (message.keys ?? [])
  const keyText = keys.filter((key) => key !== '').join(KEY_SEPARATOR)
  if (keyText !== '') properties.set(Property.KEYS, keyText)
  properties.set(Property.UNIQ_KEY, msgId)
  properties.set(Property.WAIT, 'true')
  if (message.tag !== undefined && message.tag !== '') properties.set(Property.TAGS, message.tag)
  for (const [name, value] of propertiesOfWait(message)) properties.set(name, value)
  return properties
}

/** What tells the broker to keep the message for a while. */
function propertiesOfWait({ delayLevel, delayMs, deliverAtMs }: Message): [string, string][] {
  const whole = (ms: number): string => {
    if (Number.isSafeInteger(Math.ceil(ms)) && ms >= 0) return String(Math.ceil(ms))
    throw new InvalidMessage({ problem: `${ms} is no time to wait` })
  }
  if ((delayLevel ?? 0) > 0) return [[Property.DELAY, String(delayLevel)]]
  if (delayMs !== undefined) return [[Property.TIMER_DELAY_MS, whole(delayMs)]]
  return deliverAtMs === undefined ? [] : [[Property.TIMER_DELIVER_MS, whole(deliverAtMs)]]
}
