import type { Clock } from '@skylarkmq/env'
import {
  decodeProperties,
  Property,
  replyTopic,
  type HeaderOf,
  type PushReplyMessageToClient,
} from '@skylarkmq/protocol'
import { MessageError, TimeoutError } from '../errors.ts'
import type { ReceivedMessage } from '../message.ts'
import { propertyText, type PreparedSend } from './encode-send.ts'

/** `MSG_TYPE` of a reply. */
const REPLY = 'reply'

const NO_REPLY_ADVICE =
  'The message was stored, but nobody replied: look whether a consumer of its topic runs and calls producer.reply().'

/** Requests that wait for their replies, by correlation id. Apache: `RequestFutureHolder.java`. */
export class ReplyTable {
  readonly #waiting = new Map<string, (reply: ReceivedMessage) => void>()

  /** Waits for the reply to a request. Rejects with RMQ_TIMEOUT after `timeoutMs`. `giveUp` ends it without one. */
  wait(
    clock: Clock,
    correlationId: string,
    timeoutMs: number,
  ): { readonly reply: Promise<ReceivedMessage>; readonly giveUp: () => void } {
    let giveUp = (): void => undefined
    const reply = new Promise<ReceivedMessage>((resolve, reject) => {
      const timer = clock.after(timeoutMs, () => {
        this.#waiting.delete(correlationId)
        reject(
          new TimeoutError({
            what: 'the request',
            phase: 'wait',
            elapsedMs: timeoutMs,
            advice: NO_REPLY_ADVICE,
          }),
        )
      })
      giveUp = () => {
        timer.cancel()
        this.#waiting.delete(correlationId)
      }
      this.#waiting.set(correlationId, (message) => {
        giveUp()
        resolve(message)
      })
    })
    return { reply, giveUp }
  }

  /** Whether somebody waits for a reply. */
  isWaitedFor(reply: ReceivedMessage): boolean {
    return this.#waiting.has(reply.properties.get(Property.CORRELATION_ID) ?? '')
  }

  /** Hands a reply to whoever waits for it; false when nobody does. */
  arrived(reply: ReceivedMessage): boolean {
    const waiter = this.#waiting.get(reply.properties.get(Property.CORRELATION_ID) ?? '')
    waiter?.(reply)
    return waiter !== undefined
  }
}

/** A message that asks for a reply. Apache: `DefaultMQProducerImpl.java`, prepareSendRequest. */
export function prepareRequest(
  prepared: PreparedSend,
  asks: { correlationId: string; clientId: string; timeoutMs: number },
): PreparedSend {
  const properties = [
    [Property.CORRELATION_ID, asks.correlationId],
    [Property.REPLY_TO_CLIENT, asks.clientId],
    [Property.TTL, String(Math.ceil(asks.timeoutMs))],
  ] as const
  return { ...prepared, properties: withAll(prepared.properties, properties) }
}

/**
 * The topic that replies to a request go to. Throws RMQ_MESSAGE when it is no request, or its broker did not say of
 * which cluster it is.
 */
export function topicOfReplies(request: ReceivedMessage<unknown>): string {
  const cluster = request.properties.get(Property.CLUSTER)
  if (cluster !== undefined && request.properties.has(Property.CORRELATION_ID)) {
    return replyTopic(cluster)
  }
  throw new MessageError({ problem: `the message ${request.msgId} does not ask for a reply` })
}

/** A message as the reply to a request. Apache: `MessageUtil.java`, createReplyMessage. */
export function prepareReply(
  prepared: PreparedSend,
  request: ReceivedMessage<unknown>,
): PreparedSend {
  const topic = topicOfReplies(request)
  const copied = [Property.CORRELATION_ID, Property.REPLY_TO_CLIENT, Property.TTL].flatMap(
    (name) => {
      const value = request.properties.get(name)
      return value === undefined ? [] : [[name, value] as const]
    },
  )
  const properties = withAll(prepared.properties, [[Property.MSG_TYPE, REPLY], ...copied])
  return { ...prepared, topic, userTopic: topic, kind: 'reply', properties }
}

function withAll(properties: string, more: readonly (readonly [string, string])[]): string {
  return more.reduce((all, [name, value]) => all + propertyText(name, value), properties)
}

/** A reply as the broker brings it; its body is as it came. */
export function replyMessage(
  header: HeaderOf<typeof PushReplyMessageToClient>,
  body: Buffer,
): ReceivedMessage {
  const properties = decodeProperties(header.properties ?? Buffer.alloc(0))
  const { topic, queueId } = header
  return {
    topic,
    body,
    tag: properties.get(Property.TAGS),
    shardingKey: undefined,
    keys: [],
    properties,
    msgId: properties.get(Property.UNIQ_KEY) ?? '',
    offsetMsgId: '',
    messageQueue: { topic, brokerName: header.bname ?? '', queueId },
    queueOffset: -1,
    physicalOffset: -1,
    bornTimestamp: header.bornTimestamp,
    storeTimestamp: header.storeTimestamp,
    bornHost: header.bornHost,
    storeHost: header.storeHost,
    reconsumeTimes: header.reconsumeTimes ?? 0,
    flag: header.flag,
    sysFlag: header.sysFlag,
    storeSize: 0,
  }
}
