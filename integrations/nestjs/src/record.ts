import type { Duration, MessageProperties } from '@skylarkmq/client'

/** What a message has beside its data. */
export interface RecordOptions {
  /** What subscriptions filter by. */
  readonly tag?: string
  /** What the message can be found by; without blanks. */
  readonly keys?: string | readonly string[]
  /** Messages of one key go to one queue, and are consumed in their order. */
  readonly shardingKey?: string
  /** How long the broker keeps the message: ms, or text such as `10m`. Of events only. */
  readonly delay?: Duration
  /** When the broker gives the message to its topic (a number: ms since 1970). Of events only. */
  readonly deliverAt?: Date | number
  /** The application's own, or those of a received message, which are sent on. */
  readonly properties?: MessageProperties
  /** How long the send, or the reply, may take in all, ms; default that of the client. */
  readonly timeout?: number
}

/** Data with what RocketMQ knows beside it. Made by `RocketMQRecordBuilder`. */
export class RocketMQRecord<T = unknown> {
  readonly data: T
  readonly options: RecordOptions

  /** `client.emit(topic, record)` sends `data` with these options. */
  constructor(data: T, options: RecordOptions = {}) {
    this.data = data
    this.options = options
  }
}

/**
 * Puts a record together, as those of Nest's other transports do.
 *
 * ```ts
 * client.emit('Orders', new RocketMQRecordBuilder(order).setOptions({ tag: 'paid', delay: '10m' }).build())
 * ```
 */
export class RocketMQRecordBuilder<T> {
  #data: T
  #options: RecordOptions = {}

  /** `data` is what handlers get as their payload. */
  constructor(data: T) {
    this.#data = data
  }

  /** In the place of what the constructor was given. */
  setData(data: T): this {
    this.#data = data
    return this
  }

  /** Adds to the options that are there. */
  setOptions(options: RecordOptions): this {
    this.#options = { ...this.#options, ...options }
    return this
  }

  /** The record. */
  build(): RocketMQRecord<T> {
    return new RocketMQRecord(this.#data, this.#options)
  }
}
