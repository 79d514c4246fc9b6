import { errorOfThrown } from '@skylarkmq/env'
import type { ConsumeContext, Duration, ReceivedMessage } from '@skylarkmq/client'
import type { Outbox } from './outbox.ts'
import type { OnceStore } from './store.ts'

/**
 * A handler of messages that are identified by a key. `tx` is the store's transaction: what is written with it is
 * committed together with the message. `C` is the context of the caller, which may be richer than a consumer's.
 */
export type IdempotentHandler<T, Tx, C extends ConsumeContext = ConsumeContext> = (
  message: ReceivedMessage<T>,
  context: C,
  tx: Tx,
) => unknown

/** How messages are identified, and where that is stored. */
export interface IdempotentOptions<T, Tx> {
  /** Where processed keys are stored. */
  readonly store: OnceStore<Tx>
  /**
   * What two messages have in common if only one of them must take effect, such as an order number. Default: topic
   * and message id, which stay the same when a message is redelivered, but not when a producer sends it again.
   */
  readonly key?: (message: ReceivedMessage<T>) => string
  /**
   * How long to wait before retrying a message that another consumer is processing; default `1s`. It waits in this
   * consumer, and that does not count as an attempt: see `ConsumeContext.hold`.
   */
  readonly busyDelay?: Duration
  /** The outbox to which the handler adds messages with its `tx`: they are sent as soon as that is committed. */
  readonly outbox?: Pick<Outbox<never, Tx>, 'wake'>
}

/**
 * Wraps a handler for `consumer.run` so that each message takes effect once, although it may be delivered several
 * times. With the store of a database, write with the handler's `tx`: then nothing is done twice and nothing is lost,
 * whatever fails. With memory or Redis, a process that dies after the handler and before its key is stored repeats
 * the work.
 *
 * A message that the handler returned or gave up (`context.retryIn`, `hold`, `deadLetter`, or a throw) has not taken
 * effect: its key is not stored, what was written with `tx` is rolled back, and the message is processed when it is
 * delivered again. A message that another consumer is processing waits until that has ended.
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
        // A rejection keeps the key from being stored and rolls the transaction back.
        if (putBack.length > 0) throw new PutBack()
      })
      if (outcome === 'busy') context.hold(busyDelay)
      else if (outcome === 'done') outbox?.wake()
    } catch (error) {
      // An error of the handler's own takes precedence.
      if (putBack.length === 0 || !isPutBack(error)) throw error
    }
  }
}

/** Rejects the work when the handler returned normally but put its message back. */
class PutBack extends Error {
  override readonly message = 'the handler put the message back'
}

function isPutBack(error: unknown): boolean {
  return errorOfThrown(error) instanceof PutBack
}

/** A promise as key would make all messages equal. */
function checkedKey(key: unknown): string {
  if (typeof key === 'string' && key !== '') return key
  // Its rejection must not end the process.
  if (key instanceof Promise) key.catch(() => undefined)
  throw new TypeError('key has to give a text that is not empty, and at once')
}

function ownKey({ topic, msgId }: ReceivedMessage<unknown>): string {
  return `${topic}/${msgId}`
}
