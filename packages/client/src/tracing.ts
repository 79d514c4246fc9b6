import { tracingChannel, type TracingChannel } from 'node:diagnostics_channel'
import { checkMessage } from './check/check-message.ts'
import { ownProperties, type Message, type ReceivedMessage } from './message.ts'
import type { PreparedMessage } from './producer/prepared-message.ts'
import type { SendResult } from './producer/send-result.ts'

/** Methods of a producer that send, or prepare to. */
export type SendOperation =
  | 'send'
  | 'sendBatch'
  | 'sendOneway'
  | 'sendInTransaction'
  | 'sendPrepared'
  | 'prepare'
  | 'request'
  | 'reply'

/** What a subscriber of `rocketmq:send` gets; `start`, `asyncEnd` and `error` share one object. */
export interface SendTrace {
  /** Group of the producer, or the consumer. */
  readonly group: string
  /** Topic of the messages. */
  readonly topic: string
  /** Messages sent at once: more than one in a batch. */
  readonly count: number
  /** Properties that go with each message besides its own; a subscriber of `start` may add some, such as `traceparent`. */
  readonly properties: Record<string, string>
  /** What is done: a message is sent somehow, or prepared, to be sent later. */
  readonly operation: SendOperation
  /** The message; undefined of several, and of one that was prepared. */
  readonly message?: Message<unknown> | undefined
  /** Properties of a message that was prepared: those that its `prepare` put there are among them. */
  readonly carried?: ReadonlyMap<string, string> | undefined
  /** What became of it, in `asyncEnd`; of a one-way send its id, of a request the reply. */
  result?:
    | SendResult
    | readonly SendResult[]
    | PreparedMessage
    | ReceivedMessage<unknown>
    | string
    | undefined
  /** Why it failed; undefined unless it did. */
  error?: unknown
}

/** What a subscriber of `rocketmq:receive` gets: messages that a pull brought are taken over (`start` and `end`). */
export interface ReceiveTrace {
  /** Group of the producer, or the consumer. */
  readonly group: string
  /** Topic of the messages. */
  readonly topic: string
  /** Broker that the messages are of. */
  readonly brokerName: string
  /** Queue that they are of. */
  readonly queueId: number
  /** How many. */
  readonly count: number
}

/** What a subscriber of `rocketmq:process` gets: one call of a handler. */
export interface ProcessTrace {
  /** Group of the producer, or the consumer. */
  readonly group: string
  /** Topic of the messages. */
  readonly topic: string
  /** Id of the message. */
  readonly msgId: string
  /** The message, its body as it came. */
  readonly message: ReceivedMessage
  /** A subscriber of `start` may set it: the handler is called by it, in the context of a span for one. */
  wrap?: (<R>(call: () => R) => R) | undefined
  /** Properties of the message, those of the sender's tracing included. */
  readonly properties: ReadonlyMap<string, string>
  /** How often it was consumed before, in vain. */
  readonly reconsumeTimes: number
  /** Why it failed; undefined unless it did. */
  error?: unknown
}

/** What a subscriber of `rocketmq:connection` gets: one connection that is made, or cannot be. */
export interface ConnectionTrace {
  /** `host:port` */
  readonly address: string
  /** Why it failed; undefined unless it did. */
  error?: unknown
}

function channelOf<C extends object>(name: string): TracingChannel<C, C> {
  return tracingChannel<C, C>(name)
}

/** The tracing channels of this client, for `node:diagnostics_channel`. */
export const tracing = {
  send: channelOf<SendTrace>('rocketmq:send'),
  receive: channelOf<ReceiveTrace>('rocketmq:receive'),
  process: channelOf<ProcessTrace>('rocketmq:process'),
  connection: channelOf<ConnectionTrace>('rocketmq:connection'),
}

/** Calls `f`, and tells the channel's subscribers of it when there are any. */
export function traced<C extends object, T>(
  channel: TracingChannel<C, C>,
  context: () => C,
  f: () => Promise<T>,
): Promise<T> {
  return channel.hasSubscribers ? channel.tracePromise(f, context()) : f()
}

/** As `traced`, for what is done at once. */
export function tracedNow<C extends object>(
  channel: TracingChannel<C, C>,
  context: () => C,
  f: () => void,
): void {
  if (channel.hasSubscribers) channel.traceSync(f, context())
  else f()
}

/** Sends one message by `f`, and tells the channel's subscribers of it when there are any; they may add properties to it. */
export async function tracedSend<T, R extends SendTrace['result']>(
  group: string,
  operation: SendOperation,
  message: Message<T>,
  f: (message: Message<T>) => Promise<R>,
): Promise<R> {
  if (!tracing.send.hasSubscribers) return f(message)
  const { topic } = (message as Message<T> | undefined) ?? { topic: '' }
  const trace: SendTrace = { group, topic, count: 1, properties: {}, operation, message }
  return tracing.send.tracePromise(async () => f(withProperties(message, trace)), trace)
}

/** The message with what tracing has put there, unless it has that itself. Throws RMQ_MESSAGE. */
export function withProperties<T>(message: Message<T>, { properties }: SendTrace): Message<T> {
  checkMessage(message)
  return { ...message, properties: { ...properties, ...ownProperties(message.properties) } }
}
