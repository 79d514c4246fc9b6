import type { HealthOptions, ProducerHealth } from '../health/health.ts'
import type { Message } from '../message.ts'
import type { CloseOptions } from '../waiting.ts'
import type { Producer } from './producer.ts'
import type { SendOptions } from './send-options.ts'
import type { SendResult } from './send-result.ts'
import type { TransactionDecision } from './transaction.ts'

/** What became of a message of a transaction. */
export interface TransactionResult extends SendResult {
  /** What the work decided. */
  readonly decision: TransactionDecision
}

/**
 * Sends messages that nobody gets before one's own work has succeeded, and answers brokers that ask what became of it.
 *
 * ```ts
 * const producer = await mq.transactionProducer({ group: 'payments', check: (message) => decisionOf(message.msgId) })
 * await producer.send({ topic: 'Payments', body }, async ({ msgId }) => (await pay(msgId)) ? 'commit' : 'rollback')
 * ```
 */
export class TransactionProducer<T = string | Uint8Array> {
  readonly #producer: Producer<T>

  /** `producer` knows how to check. */
  constructor(producer: Producer<T>) {
    this.#producer = producer
  }

  /** As `Producer.sendInTransaction`. */
  send(
    message: Message<T>,
    run: (sent: SendResult) => TransactionDecision | Promise<TransactionDecision>,
    options: SendOptions = {},
  ): Promise<TransactionResult> {
    return this.#producer.sendInTransaction(message, run, options)
  }

  /** As `Producer.health`. */
  health(options: HealthOptions = {}): ProducerHealth {
    return this.#producer.health(options)
  }

  /** As `Producer.close`. */
  close(options: CloseOptions = {}): Promise<void> {
    return this.#producer.close(options)
  }

  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
