import {
  KEY_SEPARATOR,
  MessageSysFlag,
  parseProperties,
  Property,
  SkylarkError,
  SystemTopic,
  withoutNamespace,
} from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import { saysOf } from '../errors.ts'
import { traceNotSent } from '../events.ts'
import type { Sent } from '../producer/delivery.ts'
import type { PreparedSend } from '../producer/encode-send.ts'
import type { SendResult } from '../producer/send-result.ts'
import type { TransactionDecision } from '../producer/transaction.ts'
import { encodeEnd, encodeSend, TracedType, type TracedMessage } from './trace-data.ts'
import { TraceDispatcher } from './trace-dispatcher.ts'

/** What tracing needs of its producer. */
export interface ProducerTraceParts {
  readonly client: ClientInstance
  /** Producer group, in its namespace. */
  readonly group: string
  /** The trace topic. */
  readonly topic: string
  /** Sends a message without being traced. */
  send(topic: string, body: string, keys: readonly string[]): Promise<unknown>
}

/** Writes down in the trace topic what a producer sent. Apache: `SendMessageTraceHookImpl.java`. */
export class ProducerTrace {
  readonly #parts: ProducerTraceParts
  readonly #dispatcher: TraceDispatcher

  constructor(parts: ProducerTraceParts) {
    this.#parts = parts
    const { client, topic } = parts
    this.#dispatcher = new TraceDispatcher(client.env.clock, async (body, keys) => {
      try {
        await parts.send(topic, body, keys)
      } catch (error) {
        if (!(error instanceof SkylarkError)) throw error
        client.env.events.emit(traceNotSent, { topic, reason: saysOf(error) })
      }
    })
  }

  /** A message was stored. */
  sent({ prepared, result, address, elapsedMs }: Sent): void {
    // The broker decides whether its messages are traced.
    if (!result.traceOn) return
    const message = this.#message(prepared, result, address, elapsedMs)
    const text = encodeSend({
      ...message,
      bodyBytes: prepared.body.length,
      costMs: elapsedMs,
      offsetMsgId: result.offsetMsgId,
      isSuccess: result.status === 'SEND_OK',
    })
    this.#add(message, text)
  }

  /** A transaction was ended. */
  ended(
    half: PreparedSend,
    result: SendResult,
    address: string,
    decision: TransactionDecision,
  ): void {
    const message = { ...this.#message(half, result, address, 0), type: TracedType.COMMIT }
    const transactionId = result.transactionId ?? result.msgId
    this.#add(message, encodeEnd({ ...message, transactionId, decision, isAsked: false }))
  }

  /** Sends what waits; resolves once that is done. */
  close(): Promise<void> {
    return this.#dispatcher.close()
  }

  #add(message: TracedMessage, text: string): void {
    const keys = [...message.msgId.split(','), ...message.keys.split(KEY_SEPARATOR)]
    this.#dispatcher.add({ text, keys: keys.filter((key) => key !== '') })
  }

  #message(
    prepared: PreparedSend,
    result: SendResult,
    address: string,
    elapsedMs: number,
  ): TracedMessage {
    const { client, group } = this.#parts
    const properties = parseProperties(prepared.properties)
    const isHalf = (prepared.sysFlag & MessageSysFlag.TRANSACTION_PREPARED) !== 0
    const isDelayed = [Property.DELAY, Property.TIMER_DELAY_MS, Property.TIMER_DELIVER_MS].some(
      (name) => properties.has(name),
    )
    const plain = isDelayed ? TracedType.DELAY : TracedType.NORMAL
    return {
      timestamp: Math.round(client.env.clock.now() - elapsedMs),
      regionId: result.regionId,
      group: withoutNamespace(group, client.namespace ?? ''),
      topic: prepared.userTopic,
      msgId: result.msgId,
      tags: properties.get(Property.TAGS) ?? '',
      keys: properties.get(Property.KEYS) ?? '',
      storeHost: address,
      type: isHalf ? TracedType.HALF : plain,
    }
  }
}

/** The topic of traces unless another one is named. */
export const TRACE_TOPIC = SystemTopic.TRACE
/** Begins the group that traces are sent by. */
export const TRACE_GROUP_PREFIX = '_INNER_TRACE_PRODUCER-'
