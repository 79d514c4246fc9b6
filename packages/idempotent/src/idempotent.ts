import type { ConsumeContext, Duration, ReceivedMessage } from '@skylarkmq/client'
import type { OnceStore } from './store.ts'

/** A handler of messages that are told apart. `tx` is the store's: what is written with it counts together with the message. */
export type IdempotentHandler<T, Tx> = (
  message: ReceivedMessage<T>,
  context: ConsumeContext,
  tx: Tx,
) => unknown

/** How messages are told apart, and where that is remembered. */
export interface IdempotentOptions<T, Tx> {
  /** Where it is remembered what took effect. */
  readonly store: OnceStore<Tx>
  /**
   * What two messages have in common that must take effect once, such as the number of an order. Default topic and id: they
   * stay when a message comes again, but a producer that sends anew gives another.
   */
  readonly key?: (message: ReceivedMessage<T>) => string
  /** After how long a message comes again that somebody else is working on; default `10s`. */
  readonly busyDelay?: Duration
}

/**
 * Makes of a handler one that has each message take effect once, though it may come several times: for `consumer.run`.
 * With a store of a database, write with the handler's `tx`: then nothing is done twice and nothing is lost, whatever
 * dies when. With memory or Redis, a process that dies between the end of the handler and the note of it does it again.
 *
 * ```ts
 * await consumer.run(
 *   idempotent(
 *     async (message, context, tx) => {
 *       await tx.query('UPDATE account SET balance = balance + $1', [message.body.amount])
 *     },
 *     { store: postgresStore<pg.PoolClient>(pool), key: (message) => message.body.orderId },
 *   ),
 * )
 * ```
 */
export function idempotent<T, Tx>(
  handler: IdempotentHandler<T, Tx>,
  options: IdempotentOptions<T, Tx>,
): (message: ReceivedMessage<T>, context: ConsumeContext) => Promise<void> {
  const { store, key = ownKey, busyDelay = '10s' } = options
  return async (message, context) => {
    const outcome = await store.once(key(message), async (tx) => {
      await handler(message, context, tx)
    })
    if (outcome === 'busy') context.retryIn(busyDelay)
  }
}

function ownKey({ topic, msgId }: ReceivedMessage<unknown>): string {
  return `${topic}/${msgId}`
}
