import { nodeEnv, silentEvents } from '@skylarkmq/env'
import type {
  Message,
  RocketMQ,
  SendResult,
  TransactionDecision,
  TransactionProducer,
  TransactionProducerOptions,
} from '@skylarkmq/client'
import type { TransactionStore } from './store.ts'

/** How an outbox sends, and where it remembers. */
export interface OutboxOptions<T, Tx> extends Omit<TransactionProducerOptions<T>, 'check'> {
  /** Where it is remembered what was done: a database's. */
  readonly store: TransactionStore<Tx>
  /**
   * A transaction that is not done after this long never will be, ms; default one minute. Longer than any work takes.
   */
  readonly giveUpMs?: number
}

const GIVE_UP_MS = 60_000

/**
 * Sends messages that are there exactly if the work that they tell of was done: the work's own database transaction
 * remembers it, and the broker asks for it when the producer died in between. Any member of the group may answer.
 *
 * ```ts
 * const box = await outbox(mq, { group: 'shop', store: postgresStore<pg.PoolClient>(pool) })
 * await box.send({ topic: 'Orders', body: order }, async (tx) => {
 *   await tx.query('INSERT INTO orders VALUES ($1)', [order])
 * })
 * ```
 */
export async function outbox<T, Tx>(
  mq: RocketMQ,
  { store, giveUpMs = GIVE_UP_MS, ...options }: OutboxOptions<T, Tx>,
): Promise<Outbox<T, Tx>> {
  const { clock } = nodeEnv(silentEvents)
  const producer = await mq.transactionProducer<T>({
    ...options,
    check: async ({ msgId, bornTimestamp }) => {
      if (await store.wasDone(keyOf(msgId))) return 'commit'
      // The work may still run. After a while it is seen to it that it cannot end any more.
      if (clock.now() - bornTimestamp < giveUpMs) return 'unknown'
      return (await store.prevent(keyOf(msgId))) ? 'rollback' : 'commit'
    },
  })
  return new Outbox(producer, store)
}

/** Made by `outbox`. */
export class Outbox<T, Tx> {
  readonly #producer: TransactionProducer<T>
  readonly #store: TransactionStore<Tx>

  /** `producer` checks with the same store. */
  constructor(producer: TransactionProducer<T>, store: TransactionStore<Tx>) {
    this.#producer = producer
    this.#store = store
  }

  /**
   * Does the work and sends the message, or neither. Rejects with what the work, or its database, rejects with: nobody
   * gets the message then, unless the database lost its answer to a commit that it did. Other rejections are those of
   * `TransactionProducer.send`: nothing was done.
   */
  async send(message: Message<T>, work: (tx: Tx) => Promise<void>): Promise<SendResult> {
    let failure: { readonly error: unknown } | undefined
    const result = await this.#producer.send(message, async ({ msgId }) => {
      try {
        const outcome = await this.#store.once(keyOf(msgId), work)
        if (outcome === 'done') return 'commit'
        throw new Error(`the work of ${msgId} took so long that it was given up; nothing was done`)
      } catch (error) {
        failure = { error }
        return this.#decided(msgId)
      }
    })
    if (failure !== undefined) throw failure.error
    return result
  }

  /** An error does not say whether the transaction ended before it. */
  async #decided(msgId: string): Promise<TransactionDecision> {
    try {
      return (await this.#store.prevent(keyOf(msgId))) ? 'rollback' : 'commit'
    } catch {
      // The database cannot be asked. The broker asks later.
      return 'unknown'
    }
  }

  /** Sends no more. What is open then is asked for of other members of the group. */
  close(options?: { readonly timeout?: number }): Promise<void> {
    return this.#producer.close(options)
  }

  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function keyOf(msgId: string): string {
  return `outbox/${msgId}`
}
