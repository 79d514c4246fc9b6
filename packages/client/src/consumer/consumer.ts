import { setMaxListeners } from 'node:events'
import { errorOfThrown } from '@skylarkmq/env'
import type { MessageQueue } from '@skylarkmq/protocol'
import { checkOptions, shown } from '../check/check-options.ts'
import {
  batchOptions,
  callOptions,
  closeOptions,
  healthOptions,
  seekOptions,
} from '../check/known-options.ts'
import { durationMs, type Duration } from '../duration.ts'
import { OptionError, saysOf, SerdeError } from '../errors.ts'
import { bodyNotDecoded, deadLettered } from '../events.ts'
import { healthLimits, type ConsumerHealth, type HealthOptions } from '../health/health.ts'
import type { ReceivedMessage } from '../message.ts'
import { startFrom, type StartFrom } from '../offset/queue-offsets.ts'
import { decodeBody } from '../serde/bodies.ts'
import type { Serde } from '../serde/serde.ts'
import {
  underSignal,
  whenAborted,
  withSignal,
  type CallOptions,
  type CloseOptions,
} from '../waiting.ts'
import { isThenable } from '../user-code.ts'
import type { SqlSelector } from './check-expressions.ts'
import { CLOSE_MS } from './closing.ts'
import type { ConsumeResult } from './consuming.ts'
import { DEAD_LETTER } from './delay-level.ts'
import { Deliveries, type Batch, type BatchOptions, type Delivery } from './deliveries.ts'
import type { QueuePlace } from './paused-places.ts'
import type { PushConsumer } from './push-consumer.ts'
import type { PushConsumerOptions } from './push-consumer-options.ts'

/** What a consumer may be told. */
export interface ConsumerOptions<T = Buffer> extends Omit<PushConsumerOptions, 'consumeFrom'> {
  /** What it wants, by topic: `*`, tags such as `paid || refunded`, or a SQL92 expression. All members of a group want the same. */
  readonly subscriptions: Readonly<Record<string, string | SqlSelector>>
  /** How bodies are read, such as `json()`; default bytes. */
  readonly serde?: Serde<T, never> | undefined
  /**
   * What becomes of a message whose body the serde cannot read: it fails, and comes again later as if the handler had
   * thrown (the default); it is skipped; or it goes to the dead-letter queue at once.
   */
  readonly onInvalid?: 'fail' | 'skip' | 'deadLetter'
  /** Where a group begins that has never consumed a queue; a Date: at the first message stored then or later. Default `last`. */
  readonly consumeFrom?: StartFrom | Date
  /** Closes the consumer when it is aborted, and tells handlers that run to end; `for await` of it ends. */
  readonly signal?: AbortSignal | undefined
}

/** Of every copy of this package in a process: that of ES modules, that of CommonJS, that of a bundle. */
const UNRECOVERABLE = Symbol.for('@skylarkmq/client.Unrecoverable')

/**
 * Thrown by a handler: the message goes to the dead-letter queue at once, and the log has what it says. That of another copy
 * of this package does the same.
 */
export class Unrecoverable extends Error {
  override readonly name = 'Unrecoverable'
}

Object.defineProperty(Unrecoverable.prototype, UNRECOVERABLE, { value: true })

function isUnrecoverable(thrown: unknown): boolean {
  try {
    return (thrown as { readonly [UNRECOVERABLE]?: unknown } | undefined)?.[UNRECOVERABLE] === true
  } catch {
    // A Proxy that throws when it is asked.
    return false
  }
}

/** What a handler can say of its message besides returning and throwing. */
export interface ConsumeContext {
  /**
   * Aborted when the consumer closes and its time is nearly over, see `close`, or at once when the signal is that was given
   * to the consumer, to `run` or to the client: what still runs should come to an end. A handler that throws its reason then,
   * or any AbortError, leaves its message to the next owner of the queue.
   */
  readonly signal: AbortSignal
  /**
   * Has the message come again after about this long, by the broker's levels of delay; of a consumer with `ordered`, its
   * queue waits so long. Return after it.
   */
  retryIn(delay: Duration): void
  /**
   * Keeps the message here, and has the handler called with it again after about this long: it is not given back to the
   * broker, and does not count as an attempt. Of a consumer with `ordered`, its queue waits so long. Meanwhile no other
   * handler waits for it, but the offset of its queue does not move; after 15 minutes it is given back all the same, which
   * does count. For work that somebody else is at. Return after it.
   */
  hold(delay: Duration): void
  /** Has the message go to the dead-letter queue at once; the log has the reason. Return after it. */
  deadLetter(reason?: string): void
}

/** Consumes one message. Returning means that it is done; what it throws has it come again later. */
export type MessageHandler<T = Buffer> = (
  message: ReceivedMessage<T>,
  context: ConsumeContext,
) => unknown

/**
 * A member of a consumer group: each message goes to one member. Delivery is at least once.
 *
 * ```ts
 * const consumer = await mq.consumer({ group: 'billing', subscriptions: { Orders: 'paid' }, serde: json<Order>() })
 * await consumer.run(async (message) => {
 *   await bill(message.body)
 * })
 * ```
 */
export class Consumer<T = Buffer> {
  readonly #push: PushConsumer
  readonly #options: ConsumerOptions<T>
  readonly #closing = new AbortController()
  readonly #onClosed: (() => void) | undefined
  /** Those that close it when they are aborted: of the client, of the options, of `run`. */
  readonly #signals: (AbortSignal | undefined)[] = []
  /** What ends listening to each of them. */
  readonly #ends: (() => void)[] = []
  #deliveries: Deliveries<T> | undefined

  /**
   * `push` has the options' group and has subscribed to nothing yet. `onClosed` hears of the end. `signal` is that of the
   * client.
   */
  constructor(
    push: PushConsumer,
    options: ConsumerOptions<T>,
    onClosed?: () => void,
    signal?: AbortSignal,
  ) {
    this.#onClosed = onClosed
    this.#push = push
    // All handlers that run have this one, and may listen to it.
    setMaxListeners(0, this.#closing.signal)
    this.#options = options
    this.#closedBy(0, signal)
    this.#closedBy(1, options.signal)
    for (const [topic, expression] of Object.entries(options.subscriptions)) {
      push.subscribe(topic, expression)
    }
  }

  /** The id of this member of the group. */
  get clientId(): string {
    return this.#push.clientId
  }

  /** Name of the group. */
  get group(): string {
    return this.#options.group
  }

  /** What it wants, by topic. */
  get subscriptions(): ConsumerOptions['subscriptions'] {
    return this.#options.subscriptions
  }

  /** The queues that this member reads now. */
  get queues(): MessageQueue[] {
    return this.#push.queues
  }

  /**
   * Joins the group and begins to consume; resolves once it has joined. A topic that is not there yet is waited for.
   * `signal` closes the consumer when it is aborted, and tells handlers that run to end. Rejects with RMQ_NAME_SERVER when no name server answers,
   * RMQ_CLOSED when it was run or closed before, and RMQ_BROKER when a broker cannot filter by an expression.
   */
  async run(handler: MessageHandler<T>, options: CallOptions = {}): Promise<void> {
    checkOptions(options, callOptions)
    if (typeof (handler as unknown) !== 'function') {
      throw new OptionError({ option: 'handler', problem: `${shown(handler)} is no function` })
    }
    this.#options.signal?.throwIfAborted()
    this.#push.checkNew()
    const { signal } = options
    this.#closedBy(2, signal)
    const start = (): Promise<void> => this.#push.start((message) => this.#handle(message, handler))
    await underSignal(options, () => withSignal(start(), this.#options.signal))
  }

  /**
   * The messages as they come, for `for await`: each is to be acknowledged, by `ack()`, or refused. Up to `concurrency` of
   * them may be open at a time. Leaving the loop closes the consumer; what is open then comes again. Throws as `run`.
   */
  [Symbol.asyncIterator](): AsyncGenerator<Delivery<T>, void, undefined> {
    return this.#given(
      () => this.#deliver(0),
      (deliveries) => deliveries.next(),
    )
  }

  /** As `for await` of the consumer, several messages at a time: as many as come within `maxWait` ms, `max` at most. */
  batches(options: BatchOptions = {}): AsyncGenerator<Batch<T>, void, undefined> {
    const deliver = async (): Promise<Deliveries<T>> => {
      checkOptions(options, batchOptions)
      return this.#deliver(options.max ?? 32)
    }
    return this.#given(deliver, (deliveries) => deliveries.batch(options))
  }

  /** What `next` gives until it gives no more. A loop that is left before that settles nothing more. */
  async *#given<D>(
    deliver: () => Promise<Deliveries<T>>,
    next: (deliveries: Deliveries<T>) => Promise<D | undefined>,
  ): AsyncGenerator<D, void, undefined> {
    const deliveries = await deliver()
    let isLeft = true
    try {
      for (;;) {
        const given = await next(deliveries)
        if (given === undefined) break
        yield given
      }
      isLeft = false
    } finally {
      if (isLeft) deliveries.close()
      await this.close()
    }
  }

  /** How it does, its queues one by one; costs nothing while nobody asks. Throws RMQ_OPTION. */
  health(options: HealthOptions = {}): ConsumerHealth {
    checkOptions(options, healthOptions)
    return this.#push.health(healthLimits(options))
  }

  /** Pulls nothing until `resume`; what was pulled is consumed. It stays in the group and keeps its queues. */
  suspend(): void {
    this.#push.suspend()
  }

  /**
   * Starts no more handlers with messages of a topic, of one of its queues or those of one broker, and pulls none, until
   * `resume`; handlers that run come to their end. It stays in the group and keeps its queues, and what it gets by then is
   * paused too. What failed comes again by the topic `%RETRY%` and the group. Throws RMQ_OPTION for a topic that was not subscribed.
   */
  pause(place: QueuePlace): void {
    this.#push.pause(place)
  }

  /** Goes on with what was paused there; without a place with all, after `suspend` too. Throws RMQ_OPTION. */
  resume(place?: QueuePlace): void {
    this.#push.resume(place)
  }

  /**
   * Has queues of this member restart: at an offset, at the first message, behind the last one, or at the first one stored at
   * a time or later. What was pulled is dropped; what handlers that run say of their messages moves no offset. Resolves
   * once the offset is stored, for this member and the next owner of the queue; in order a queue restarts when the handler that
   * runs has ended. Rejects with RMQ_OPTION for a queue that this member does not have, RMQ_CLOSED when it does not run, and the errors
   * of a call; then the offset may count all the same.
   */
  async seek(
    place: QueuePlace,
    to: number | StartFrom | Date,
    options: CallOptions = {},
  ): Promise<void> {
    checkOptions(options, callOptions)
    if (typeof to !== 'number') checkOptions({ to: (to as unknown) ?? null }, seekOptions)
    const sought = (): Promise<void> =>
      this.#push.seek(place, typeof to === 'number' ? to : startFrom(to))
    return underSignal(options, sought)
  }

  /**
   * Starts no more handlers, waits for those that run and for messages of a loop that are open, stores the offsets and
   * leaves the group: within `timeout` ms, default 10000, whatever the brokers do. `context.signal` of handlers that still
   * run is aborted when the last fifth of that time begins, at least 1 s before its end where there is twice as much. Who
   * closes again with less time shortens it. A handler may call it, but not wait for it.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    checkOptions(options, closeOptions)
    const { timeout = CLOSE_MS, signal } = options
    this.#deliveries?.stop()
    for (const end of this.#ends) end()
    if (this.#signals.some((each) => each?.aborted)) this.#lastCall()
    const closed = this.#push
      .close({ timeout, lastCall: this.#lastCall })
      .finally(() => this.#onClosed?.())
    return withSignal(closed, signal)
  }

  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  readonly #lastCall = (): void => {
    this.#closing.abort()
    this.#deliveries?.close()
  }

  #closedBy(at: number, signal: AbortSignal | undefined): void {
    this.#ends[at]?.()
    this.#signals[at] = signal
    this.#ends[at] = whenAborted(signal, () => void this.close())
  }

  /** Begins to consume for whoever asks for messages; `least` may be open at a time. */
  async #deliver(least: number): Promise<Deliveries<T>> {
    this.#options.signal?.throwIfAborted()
    this.#push.checkNew()
    const deliveries = new Deliveries<T>(this.#push.clock)
    this.#deliveries = deliveries
    const offer = async (message: ReceivedMessage): Promise<ConsumeResult> => {
      const decoded = await this.#decoded(message)
      return isMessage(decoded) ? deliveries.offer(decoded) : decoded
    }
    await underSignal(this.#options, () => this.#push.start(offer, least))
    return deliveries
  }

  #handle(
    message: ReceivedMessage,
    handler: MessageHandler<T>,
  ): ConsumeResult | Promise<ConsumeResult> {
    if (this.#options.serde !== undefined) return this.#handleDecoded(message, handler)
    return this.#handOver(message as ReceivedMessage<T>, handler)
  }

  async #handleDecoded(
    message: ReceivedMessage,
    handler: MessageHandler<T>,
  ): Promise<ConsumeResult> {
    const decoded = await this.#decoded(message)
    return isMessage(decoded) ? this.#handOver(decoded, handler) : decoded
  }

  #handOver(
    message: ReceivedMessage<T>,
    handler: MessageHandler<T>,
  ): ConsumeResult | Promise<ConsumeResult> {
    let result: ConsumeResult
    const context: ConsumeContext = {
      signal: this.#closing.signal,
      retryIn: (delay) => {
        result = { suspendMs: durationMs(delay, 'delay') }
      },
      hold: (delay) => {
        result = { holdMs: durationMs(delay, 'delay') }
      },
      deadLetter: (reason) => {
        this.#sayDead(message, reason ?? 'no reason was given')
        result = DEAD_LETTER
      },
    }
    try {
      const handled = handler(message, context)
      if (!isThenable(handled)) return result
      return Promise.resolve(handled).then(
        () => result,
        (error: unknown) => this.#thrown(message, error),
      )
    } catch (error) {
      return this.#thrown(message, error)
    }
  }

  /** What a message whose handler threw becomes; throws what it threw when it comes again. */
  #thrown(message: ReceivedMessage<T>, error: unknown): ConsumeResult {
    if (isUnrecoverable(error)) {
      this.#sayDead(message, saysOf(error))
      return DEAD_LETTER
    }
    if (this.#closing.signal.aborted && isAbort(error, this.#closing.signal)) return 'left'
    throw error
  }

  #sayDead({ topic, msgId }: ReceivedMessage<unknown>, reason: string): void {
    this.#push.events.emit(deadLettered, { topic, msgId, reason })
  }

  /** The message with its body as a value, or what becomes of one that cannot be read. */
  async #decoded(message: ReceivedMessage): Promise<ReceivedMessage<T> | ConsumeResult> {
    const { serde, onInvalid = 'fail' } = this.#options
    try {
      return await decodeBody(serde, message)
    } catch (error) {
      if (!(error instanceof SerdeError) || onInvalid === 'fail') throw error
      const { topic, msgId } = message
      this.#push.events.emit(bodyNotDecoded, {
        topic,
        msgId,
        reason: error.values.problem,
        onInvalid,
      })
      return onInvalid === 'skip' ? 'success' : DEAD_LETTER
    }
  }
}

/** Whether who was told to end says that it did. */
function isAbort(error: unknown, { reason }: AbortSignal): boolean {
  return error === reason || errorOfThrown(error).name === 'AbortError'
}

function isMessage<T>(decoded: ReceivedMessage<T> | ConsumeResult): decoded is ReceivedMessage<T> {
  return typeof decoded === 'object' && 'msgId' in decoded
}
