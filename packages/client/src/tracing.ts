import { tracingChannel, type TracingChannel } from 'node:diagnostics_channel'
import type { SendResult } from './producer/send-result.ts'

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
  /** What became of it, in `asyncEnd`. */
  result?: SendResult | readonly SendResult[] | undefined
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
