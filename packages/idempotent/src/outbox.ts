import {
  errorOfThrown,
  nodeEnv,
  silentEvents,
  textOfThrown,
  warnOnce,
  type EventSink,
  type Timer,
} from '@skylarkmq/env'
import {
  ClosedError,
  durationMs,
  eventsTo,
  RocketMQError,
  type CloseOptions,
  type Logger,
  type Message,
  type PreparedMessage,
  type Producer,
  type ProducerOptions,
  type RocketMQ,
  type SendOptions,
  type SendResult,
} from '@skylarkmq/client'
import { outboxWaits } from './events.ts'
import type { KeptMessage, TransactionStore } from './store.ts'

/** How an outbox sends, and where it keeps messages until then. */
export interface OutboxOptions<T, Tx> extends Omit<ProducerOptions<T>, 'checkTransaction'> {
  /** Where messages are kept until they are sent: the store of a database. */
  readonly store: TransactionStore<Tx>
  /** Interval of checking for unsent messages, ms; default 10000. */
  readonly resendMs?: number
  /** Logs messages that could not be sent yet. Default: the first one is a process warning. */
  readonly logger?: Logger
}

const RESEND_MS = 10_000
const TAKEN_MAX = 100
/** How long a sender owns a message beyond the time of the send. */
const OWN_MS = 30_000
const SEND_MS = 3_000
const CLOSE_MS = 3_000

/**
 * Sends messages that exist if, and only if, the work that they announce was committed. The message is written in the
 * work's own database transaction and sent after its commit; if the broker or this process is away then, any process
 * with an outbox on this table sends it later. A message may be sent twice, with the same id: see `idempotent`.
 * Rejects with RMQ_OPTION.
 *
 * ```ts
 * const box = await outbox(mq, { group: 'shop', store: postgresStore(pool) })
 * await box.send({ topic: 'Orders', body: order }, async (tx) => {
 *   await tx.query('INSERT INTO orders VALUES ($1)', [order])
 * })
 * ```
 */
export async function outbox<T = string | Uint8Array, Tx = unknown>(
  mq: RocketMQ,
  { store, resendMs = RESEND_MS, logger, ...options }: OutboxOptions<T, Tx>,
): Promise<Outbox<T, Tx>> {
  const producer = await mq.producer<T>(options)
  const events = logger === undefined ? warnOnce() : eventsTo(logger)
  const sendMs = options.sendTimeoutMs ?? SEND_MS
  return new Outbox({ producer, store, resendMs, sendMs, events })
}

/** The parts of an outbox. */
export interface OutboxParts<T, Tx> {
  /** Sends the messages. */
  readonly producer: Producer<T>
  /** See OutboxOptions. */
  readonly store: TransactionStore<Tx>
  /** See OutboxOptions. */
  readonly resendMs: number
  /** Time limit of a send, ms. */
  readonly sendMs: number
  /** Reports messages that could not be sent yet. */
  readonly events: EventSink
}

/** Created by `outbox`. */
export class Outbox<T, Tx> {
  readonly #parts: OutboxParts<T, Tx>
  readonly #timer: Timer
  #flushing: Promise<number> | undefined
  /** The flush that starts when `#flushing` ends. */
  #next: Promise<number> | undefined
  #isClosed = false

  /** Starts sending pending messages. */
  constructor(parts: OutboxParts<T, Tx>) {
    this.#parts = parts
    const { clock } = nodeEnv(silentEvents)
    this.#timer = clock.every(parts.resendMs, () => void this.#flushOrSay())
    void this.#flushOrSay()
  }

  /**
   * Does the work and sends the message, or neither. `delay` of the message counts from now. Resolves with the
   * result, or with undefined when no broker accepted it within `timeout` or before the signal was aborted: then the
   * work is committed, and the message is sent as soon as a broker accepts it.
   *
   * Rejects with RMQ_MESSAGE or RMQ_SERDE before the work; with the error of the work or its database; and with the
   * signal's reason when it was aborted before the work ended. In these cases nothing is committed and nothing is
   * sent, unless the database committed and its answer was lost.
   */
  async send(
    message: Message<T>,
    work: (tx: Tx) => unknown,
    options: Pick<SendOptions, 'timeout' | 'signal'> = {},
  ): Promise<SendResult | undefined> {
    const { timeout = this.#parts.sendMs, signal } = options
    signal?.throwIfAborted()
    const prepared = await this.#prepared(message)
    await this.#parts.store.transaction(async (tx) => {
      await work(tx)
      signal?.throwIfAborted()
      await this.#keep(tx, prepared, timeout + OWN_MS)
    })
    return this.#sendKept(prepared, { ...options, timeout })
  }

  /**
   * Writes a message in your own transaction and returns its id. It is sent after the commit: within `resendMs`, or
   * immediately if you call `flush()` or `wake()` then. Rejects with RMQ_MESSAGE or RMQ_SERDE, and as the database
   * does.
   */
  async add(message: Message<T>, tx: Tx): Promise<string> {
    const prepared = await this.#prepared(message)
    await this.#keep(tx, prepared, 0)
    return prepared.msgId
  }

  /** Sends pending messages and returns how many were sent. Rejects as the database does. */
  flush(): Promise<number> {
    const flushing = this.#flushing
    if (flushing === undefined) return this.#begin()
    // Messages committed a moment ago may be missing in what the running flush has read.
    const next = (): Promise<number> => {
      this.#next = undefined
      return this.#begin()
    }
    return (this.#next ??= flushing.then(next, next))
  }

  /**
   * As `flush`, but without waiting; failures are logged. For callers that know that a transaction with `add` was
   * committed.
   */
  wake(): void {
    if (!this.#isClosed) void this.#flushOrSay()
  }

  /**
   * Stops sending, within `timeout` ms, default 3000. Pending messages are sent by other processes, or by this one
   * after its restart.
   */
  async close({ timeout = CLOSE_MS, ...options }: CloseOptions = {}): Promise<void> {
    this.#stop()
    await this.#parts.producer.close({ timeout, ...options })
  }

  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #begin(): Promise<number> {
    this.#flushing = this.#flush().finally(() => {
      this.#flushing = undefined
    })
    return this.#flushing
  }

  #stop(): void {
    this.#isClosed = true
    this.#timer.cancel()
  }

  #prepared(message: Message<T>): Promise<PreparedMessage> {
    const { producer } = this.#parts
    const { delay } = message
    if (delay === undefined) return producer.prepare(message)
    // As an absolute time, so that time spent in the table does not add to the delay.
    const deliverAt = nodeEnv(silentEvents).clock.now() + durationMs(delay, 'delay')
    return producer.prepare({ ...message, delay: undefined, deliverAt })
  }

  #keep(tx: Tx, prepared: PreparedMessage, dueMs: number): Promise<void> {
    return this.#parts.store.keep(tx, prepared.msgId, JSON.stringify(prepared), dueMs)
  }

  /** Never rejects for a broker's failure: the message is kept. */
  async #sendKept(kept: PreparedMessage, options: SendOptions): Promise<SendResult | undefined> {
    const { producer } = this.#parts
    let result: SendResult
    try {
      result = await producer.sendPrepared(kept, options)
    } catch (error) {
      this.#say(kept.msgId, error)
      return undefined
    }
    await this.#noteSent(kept.msgId)
    return result
  }

  async #noteSent(id: string): Promise<void> {
    try {
      await this.#parts.store.sent(id)
    } catch (error) {
      // At worst it is sent twice, with the same id.
      this.#say(id, error)
    }
  }

  async #flush(): Promise<number> {
    const { store, sendMs } = this.#parts
    let count = 0
    while (!this.#isClosed) {
      const taken = await store.take(TAKEN_MAX, sendMs + OWN_MS)
      for (const each of taken) {
        const outcome = await this.#resend(each)
        if (outcome === 'away') return count
        if (outcome === 'sent') count++
      }
      if (taken.length < TAKEN_MAX) break
    }
    return count
  }

  /** `away`: other messages would fail as well now; `refused`: only this one fails. */
  async #resend({ id, message }: KeptMessage): Promise<'sent' | 'refused' | 'away'> {
    if (this.#isClosed) return 'away'
    try {
      await this.#parts.producer.sendPrepared(JSON.parse(message) as PreparedMessage)
    } catch (error) {
      this.#say(id, error)
      const known = errorOfThrown(error)
      return known instanceof RocketMQError && known.retriable ? 'away' : 'refused'
    }
    await this.#noteSent(id)
    return 'sent'
  }

  async #flushOrSay(): Promise<void> {
    try {
      await this.flush()
    } catch (error) {
      this.#say('any', error)
    }
  }

  #say(msgId: string, error: unknown): void {
    // With its client closed, this process must not take messages away from others.
    if (errorOfThrown(error) instanceof ClosedError) this.#stop()
    if (this.#isClosed) return
    this.#parts.events.emit(outboxWaits, { msgId, reason: textOfThrown(error) })
  }
}
