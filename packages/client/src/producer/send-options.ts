import type { MessageQueue } from '@skylarkmq/protocol'
import type { MessageProperties } from '../message.ts'
import type { Serde } from '../serde/serde.ts'
import type { QueueSelector } from './select-queue.ts'

/** How one send differs from others. */
export interface SendOptions {
  /** The queue to send to. There is one try then. */
  readonly queue?: MessageQueue
  /** Chooses the queue, see `queueByHash`. There is one try then. */
  readonly selector?: QueueSelector
  /** How long the send may take in all, ms; default `sendTimeoutMs` of the producer. */
  readonly timeout?: number
  /** Ends the waiting; the message may be stored all the same. */
  readonly signal?: AbortSignal | undefined
  /** With `SEND_OK`, any other status is an error: RMQ_STATUS. Default: it is in the result. */
  readonly require?: 'SEND_OK' | 'stored'
}

/** How one reply differs from others. */
export interface ReplyOptions extends SendOptions {
  /** Properties of the reply, for the one who asked; names that RocketMQ uses are refused. */
  readonly properties?: MessageProperties | undefined
}

/** How one request differs from others. */
export interface RequestOptions<R = Buffer> {
  /** How long the reply may take in all, ms; default 3000. */
  readonly timeout?: number
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined
  /** How the reply is read; default bytes. */
  readonly serde?: Serde<R, never> | undefined
}
