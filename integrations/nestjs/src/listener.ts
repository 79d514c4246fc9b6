import { SetMetadata } from '@nestjs/common'
import type { ConsumerOptions, SqlSelector } from '@skylarkmq/client'

/** What a method of a provider consumes: a topic, or several by `subscriptions`. */
export interface ListenerOptions<T = unknown> extends Omit<ConsumerOptions<T>, 'subscriptions'> {
  /** The topic that it consumes. */
  readonly topic?: string
  /** Tags such as `paid || refunded`, or `{ sql }`; default all messages of `topic`. */
  readonly expression?: string | SqlSelector
  /** Topics and what is wanted of each, in the place of `topic`. */
  readonly subscriptions?: Readonly<Record<string, string | SqlSelector>>
}

/** Where `RocketMQListener` writes its options down. */
export const LISTENER = Symbol('RocketMQListener')

/**
 * Has a method of any provider consume messages, with the guards, interceptors and filters of Nest around it. It is called
 * with the message and its `ConsumeContext`; an error has the message come again.
 *
 * ```ts
 * @RocketMQListener({ topic: 'Orders', expression: 'paid', group: 'billing', serde: json<Order>() })
 * async bill(message: ReceivedMessage<Order>) {}
 * ```
 */
export function RocketMQListener<T = Buffer>(options: ListenerOptions<T>): MethodDecorator {
  return SetMetadata(LISTENER, options)
}
