import {
  batchMessageBytes,
  encodeBatch,
  Property,
  wrapNamespace,
  type BatchMessageText,
} from '@skylarkmq/protocol'
import { MessageError } from '../errors.ts'
import type { Message } from '../message.ts'
import {
  checkBodyBytes,
  checkLength,
  checkTopicOf,
  isDelayed,
  propertiesOf,
  propertyText,
  type EncodeOptions,
  type PreparedSend,
} from './encode-send.ts'

interface Encoded extends BatchMessageText {
  readonly msgId: string
}

const PROPERTIES = propertyText(Property.WAIT, 'true')

/**
 * Checks and encodes messages of one topic, in their order and in as few parts as fit into `maxMessageBytes` each.
 * Throws RMQ_MESSAGE.
 */
export function prepareBatches(
  messages: readonly Message[],
  nextId: () => string,
  options: EncodeOptions,
): PreparedSend[] {
  const [first] = messages
  if (first === undefined) throw new MessageError({ problem: 'the batch holds no message' })
  checkTopicOf(first)
  const isRetry = first.topic.startsWith('%RETRY%')
  const parts: Encoded[][] = []
  let part: Encoded[] = []
  let bytes = Infinity
  for (const message of messages) {
    if (message.topic !== first.topic) {
      throw new MessageError({ problem: 'the messages of a batch have one topic' })
    }
    if (isRetry || isDelayed(message)) {
      throw new MessageError({ problem: 'a message of a batch can neither wait nor be a retry' })
    }
    const encoded = encodedMessage(message, nextId, options)
    const size = batchMessageBytes(encoded)
    checkLength(size, options)
    if (bytes + size > options.maxMessageBytes) {
      part = []
      parts.push(part)
      bytes = 0
    }
    part.push(encoded)
    bytes += size
  }
  return parts.map((some) => prepared(first.topic, some, options))
}

function encodedMessage(message: Message, nextId: () => string, options: EncodeOptions): Encoded {
  const { body, flag = 0 } = message
  checkBodyBytes(typeof body === 'string' ? Buffer.byteLength(body) : body.length, options)
  const msgId = nextId()
  return { msgId, flag, body, properties: propertiesOf(message, msgId) }
}

function prepared(topic: string, part: readonly Encoded[], options: EncodeOptions): PreparedSend {
  return {
    topic: wrapNamespace(options.namespace, topic),
    userTopic: topic,
    kind: 'batch',
    msgIds: part.map(({ msgId }) => msgId),
    body: encodeBatch(part),
    properties: PROPERTIES,
    sysFlag: 0,
    flag: 0,
  }
}
