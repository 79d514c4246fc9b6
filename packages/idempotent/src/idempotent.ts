import { errorOfThrown } from '@skylarkmq/env'
import type { ConsumeContext, Duration, ReceivedMessage } from '@skylarkmq/client'
import type { Outbox } from './outbox.ts'
import type { OnceStore } from './store.ts'

/**
 * A handler of messages that are told apart. `tx` is the store's: what is written with it counts together with the message.
 * `C` is the context of who calls it, which may have more than a consumer's.
 */
export type IdempotentHandler<T, Tx, C extends ConsumeContext = ConsumeContext> = (
  message: ReceivedMessage<T>,
  context: C,
  tx: Tx,
) => unknown

/** How messages are told apart, and where that is remembered. */
export interface IdempotentOptions<T, Tx> {
  /** Where it is remembered what took effect. */
  readonly store: OnceStore<Tx>
  /**
   * What two messages have in common that must take effect once, such as the number of an order. Default topic and id: they
   * stay when a message comes again, but a producer that sends again gives another.
   */
  readonly key?: (message: ReceivedMessage<T>) => string
  /**
   * After how long a message is looked at again that somebody else is working on; default `1s`. It waits at this consumer,
   * and that does not count as an attempt: see `ConsumeContext.hold`.
   */
  readonly busyDelay?: Duration
  /** The outbox that the handler adds messages to with its `tx`: they are sent as soon as that is committed. */
  readonly outbox?: Pick<Outbox<never, Tx>, 'wake'>
}

/**
 * Makes of a handler one that has each message take effect once, though it may come several times: for `consumer.run`.
 * With a store of a database, write with the handler's `tx`: then nothing is done twice and nothing is lost, whatever
 * dies when. With memory or Redis, a process that dies between the end of the handler and the note of it does it again.
 *
 * A message that the handler put back or gave up (`context.retryIn`, `hold`, `deadLetter`, or a throw) has not taken effect: it
 * is not remembered, what was written with `tx` is undone, and the message is done when it comes again. One that somebody else
 * works on waits until that has ended, however it ends.
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
export function idempotent<T, Tx, C extends ConsumeContext = ConsumeContext>(
  handler: IdempotentHandler<T, Tx, C>,
  options: IdempotentOptions<T, Tx>,
): (message: ReceivedMessage<T>, context: C) => Promise<void> {
  const { store, key = ownKey, busyDelay = '1s', outbox } = options
  return async (message, context) => {
    const putBack: string[] = []
    const watched = (name: 'retryIn' | 'hold' | 'deadLetter') => (given: never) => {
      context[name](given)
      putBack.push(name)
    }
    const own = {
      ...context,
      retryIn: watched('retryIn'),
      hold: watched('hold'),
      deadLetter: watched('deadLetter'),
    }
    try {
      const outcome = await store.once(checkedKey(key(message)), async (tx) => {
        await handler(message, own, tx)
        // Only what rejects is not remembered, and its transaction undone.
        if (putBack.length > 0) throw new PutBack()
      })
      if (outcome === 'busy') context.hold(busyDelay)
      else if (outcome === 'done') outbox?.wake()
    } catch (error) {
      // What the handler threw itself may be anything, and comes first.
      if (putBack.length === 0 || !isPutBack(error)) throw error
    }
  }
}

/** What the work ends with when its message has not taken effect, though its handler returned. */
class PutBack extends Error {
  override readonly message = 'the handler put the message back'
}

function isPutBack(error: unknown): boolean {
  return errorOfThrown(error) instanceof PutBack
}

/** A promise would make all messages the same. */
function checkedKey(key: unknown): string {
  if (typeof key === 'string' && key !== '') return key
  // What it rejects with ends nothing.
  if (key instanceof Promise) key.catch(() => undefined)
  throw new TypeError('key has to give a text that is not empty, and at once')
}

function ownKey({ topic, msgId }: ReceivedMessage<unknown>): string {
  return `${topic}/${msgId}`
}
