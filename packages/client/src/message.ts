import {
  createOffsetMsgId,
  decodeBatch,
  decodeProperties,
  decodeRecords,
  hostText,
  isReservedProperty,
  KEY_SEPARATOR,
  MessageSysFlag,
  Property,
  ProtocolError,
  RETRY_PREFIX,
  type DecodedBatchMessage,
  type DecodedMessage,
  type MessageQueue,
  withoutNamespace,
} from '@skylarkmq/protocol'
import type { Duration } from './duration.ts'

/**
 * Properties of a message to send: an object, or the map of a message that was received, of which only the application's own
 * are sent on.
 */
export type MessageProperties = Readonly<Record<string, string>> | ReadonlyMap<string, string>

/** A message to send. `T` is what its body is: text or bytes, or what the producer's serde takes. */
export interface Message<T = string | Uint8Array> {
  /** Where it goes; without the namespace. */
  readonly topic: string
  /** Without a serde, text is sent as UTF-8. */
  readonly body: T
  /** What subscriptions filter by. */
  readonly tag?: string | undefined
  /** What the message can be found by; without blanks. */
  readonly keys?: string | readonly string[] | undefined
  /** Messages of one key go to one queue, and are consumed in the order in which they were sent. */
  readonly shardingKey?: string | undefined
  /** How long the broker keeps the message before anybody gets it; without `delayLevel`. */
  readonly delay?: Duration | undefined
  /** When the broker gives the message to its topic (a number: ms since 1970); without `delayLevel` and `delay`. */
  readonly deliverAt?: Date | number | undefined
  /** Level of delay, 1 to 18 (1 s, 5 s, 10 s, 30 s, 1 m, … 2 h); 0 is none. */
  readonly delayLevel?: number | undefined
  /** The application's own; names that RocketMQ uses are refused. Those of a received message may be given as they are. */
  readonly properties?: MessageProperties | undefined
  /** The application's own number. */
  readonly flag?: number | undefined
}

/** A message that was received. `T` is what its body is: bytes, or what the consumer's serde makes of them. */
export interface ReceivedMessage<T = Buffer> {
  /** The topic it was sent to, also when it comes again. */
  readonly topic: string
  /** As the producer gave it. */
  readonly body: T
  /** What subscriptions filter by, if it has one. */
  readonly tag: string | undefined
  /** What it can be found by. */
  readonly keys: readonly string[]
  /** Messages of one key are in one queue, if it has one. */
  readonly shardingKey: string | undefined
  /** All properties, those of RocketMQ included. */
  readonly properties: ReadonlyMap<string, string>
  /** The id that its producer gave it; of a message without one, `offsetMsgId`. */
  readonly msgId: string
  /** The id that says where it lies. */
  readonly offsetMsgId: string
  /** The queue it was read from: of a message that comes again, one of the retry topic. */
  readonly messageQueue: MessageQueue
  /** Logical offset in the queue, in messages. */
  readonly queueOffset: number
  /** Offset in the commit log of its broker, in bytes. */
  readonly physicalOffset: number
  /** When it was sent: ms since 1970, by the producer's clock. */
  readonly bornTimestamp: number
  /** When it was stored: ms since 1970, by the broker's clock. */
  readonly storeTimestamp: number
  /** `ip:port` of the producer. */
  readonly bornHost: string
  /** `ip:port` of the broker. */
  readonly storeHost: string
  /** How often it was consumed before, in vain. */
  readonly reconsumeTimes: number
  /** The application's own number. */
  readonly flag: number
  /** See MessageSysFlag; the bits of compression are cleared when the body was restored. */
  readonly sysFlag: number
  /** Length of the stored record, in bytes. */
  readonly storeSize: number
}

/** The properties of a message to send: of those of a received one, those that the application has given it. */
export function ownProperties(
  properties: MessageProperties = {},
): Readonly<Record<string, string>> {
  if (!isMap(properties)) return properties
  return Object.fromEntries([...properties].filter(([name]) => !isReservedProperty(name)))
}

/** Also one of another realm. */
export function isMap(properties: object): properties is ReadonlyMap<string, string> {
  return Object.prototype.toString.call(properties) === '[object Map]'
}

/**
 * Reads the messages in the body of an answer that came from `brokerName`, with their bodies as they came; their topics are
 * taken out of `namespace`. A ProtocolError when they are broken.
 */
export function storedMessages(
  body: Buffer,
  brokerName: string,
  namespace?: string,
): ReceivedMessage[] {
  return decodeRecords(body).map((record) => receivedMessage(record, brokerName, namespace))
}

/**
 * The messages of a batch that its broker stored as one record (`queue.type=BatchCQ`), from a queue offset on; any
 * other message by itself. Apache: `PullAPIWrapper.java`, processPullResult; `MessageDecoder.java`, decodeMessage.
 */
export function takenApart(message: ReceivedMessage, fromOffset: number): ReceivedMessage[] {
  if (!isBatch(message)) return [message]
  let members: DecodedBatchMessage[]
  try {
    members = decodeBatch(message.body)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return [message]
  }
  return members
    .map(({ body, flag, properties: encoded }, i) => {
      const properties = decodeProperties(encoded)
      return {
        ...message,
        body,
        flag,
        properties,
        tag: properties.get(Property.TAGS),
        keys: keysOf(properties),
        shardingKey: properties.get(Property.SHARDING_KEY),
        msgId: properties.get(Property.UNIQ_KEY) ?? message.offsetMsgId,
        queueOffset: message.queueOffset + i,
        sysFlag: message.sysFlag & ~BATCH,
      }
    })
    .filter(({ queueOffset }) => queueOffset >= fromOffset)
}

/** Whether a message is a batch that its broker stored as one record. */
export function isBatch({ sysFlag }: Pick<ReceivedMessage, 'sysFlag'>): boolean {
  return (sysFlag & BATCH) === BATCH
}

const BATCH = MessageSysFlag.INNER_BATCH | MessageSysFlag.NEED_UNWRAP

function keysOf(properties: ReadonlyMap<string, string>): string[] {
  return (properties.get(Property.KEYS) ?? '').split(KEY_SEPARATOR).filter((key) => key !== '')
}

/** What a record that came from `brokerName` is to who receives it; its topic is taken out of `namespace`. */
export function receivedMessage(
  record: DecodedMessage,
  brokerName: string,
  namespace: string | undefined,
): ReceivedMessage {
  const properties = decodeProperties(record.properties)
  const offsetMsgId = createOffsetMsgId(record.storeHost, record.storePort, record.physicalOffset)
  const origin = originTopic(record.topic, properties)
  return {
    topic: namespace === undefined ? origin : withoutNamespace(origin, namespace),
    body: record.body,
    tag: properties.get(Property.TAGS),
    keys: keysOf(properties),
    shardingKey: properties.get(Property.SHARDING_KEY),
    properties,
    msgId: properties.get(Property.UNIQ_KEY) ?? offsetMsgId,
    offsetMsgId,
    messageQueue: { topic: record.topic, brokerName, queueId: record.queueId },
    queueOffset: record.queueOffset,
    physicalOffset: record.physicalOffset,
    bornTimestamp: record.bornTimestamp,
    storeTimestamp: record.storeTimestamp,
    bornHost: `${hostText(record.bornHost)}:${record.bornPort}`,
    storeHost: `${hostText(record.storeHost)}:${record.storePort}`,
    reconsumeTimes: record.reconsumeTimes,
    flag: record.flag,
    sysFlag: record.sysFlag,
    storeSize: record.sizeBytes,
  }
}

function originTopic(topic: string, properties: ReadonlyMap<string, string>): string {
  if (!topic.startsWith(RETRY_PREFIX)) return topic
  return properties.get(Property.RETRY_TOPIC) ?? topic
}
