import { nodeEnv, warnOnce, type Env } from '@skylarkmq/env'
import {
  EndTransaction,
  parseOffsetMsgId,
  parseProperties,
  SkylarkError,
  type MessageQueue,
  type TopicRouteData,
} from '@skylarkmq/protocol'
import { inBackground } from '../background.ts'
import { checkOptions } from '../check/check-options.ts'
import {
  healthOptions,
  lonelyProducerOptions,
  replyOptions,
  requestOptions,
  sendOptions,
} from '../check/known-options.ts'
import { ClientInstance } from '../client-instance.ts'
import { ClosedError, OptionError, StatusError } from '../errors.ts'
import { healthLimits, type HealthOptions, type ProducerHealth } from '../health/health.ts'
import { producerHealth } from '../health/producer-health.ts'
import type { Message, ReceivedMessage } from '../message.ts'
import { checkedGroup, type ClientOptions } from '../options.ts'
import type { ClientMetrics } from '../metrics/client-metrics.ts'
import { masterAddress } from '../route/topic-route.ts'
import { decodeBody, encodeBody, plainBody } from '../serde/bodies.ts'
import { ProducerTrace, TRACE_GROUP_PREFIX, TRACE_TOPIC } from '../trace/producer-trace.ts'
import { traced, tracedSend, tracing, withProperties, type SendTrace } from '../tracing.ts'
import {
  settledWithin,
  underSignal,
  whenAborted,
  withSignal,
  type CallOptions,
  type CloseOptions,
} from '../waiting.ts'
import { Delivery, type DeliverOptions, type Sent } from './delivery.ts'
import { prepareMessage, type EncodeOptions, type PreparedSend } from './encode-send.ts'
import { preparedMessage, preparedSend, type PreparedMessage } from './prepared-message.ts'
import {
  CLOSE_MS,
  DEFAULTS,
  REQUEST_MS,
  TRACE_MS,
  type ProducerOptions,
} from './producer-options.ts'
import { recallMessage } from './recall.ts'
import { prepareReply, prepareRequest, topicOfReplies } from './request-reply.ts'
import { queueByHash } from './select-queue.ts'
import { sendBatch } from './send-batch.ts'
import type { ReplyOptions, RequestOptions, SendOptions } from './send-options.ts'
import type { SendResult } from './send-result.ts'
import {
  answerChecks,
  checkedDecision,
  endHeader,
  prepareHalfSend,
  type TransactionDecision,
} from './transaction.ts'
import { uniqKeys } from './uniq-key.ts'

/**
 * Sends messages. Connects with the first one; `close` ends it. Apache: `DefaultMQProducerImpl.java`.
 *
 * ```ts
 * const producer = await mq.producer({ group: 'orders' })
 * const { msgId } = await producer.send({ topic: 'Orders', tag: 'paid', body: '{"id":1}' })
 * ```
 */
export class Producer<T = string | Uint8Array> {
  readonly #client: ClientInstance
  readonly #ownsClient: boolean
  readonly #options: ProducerOptions<T>
  readonly #group: string
  readonly #encode: EncodeOptions
  readonly #nextId: () => string
  readonly #delivery: Delivery
  readonly #known = new Set<string>()
  readonly #traces: ProducerTrace | undefined
  readonly #endChecks: (() => void) | undefined
  readonly #onClosed: (() => void) | undefined
  readonly #endSignal: () => void
  #closing: Promise<void> | undefined

  /** `client` is shared with others; without it, this producer has one of its own. `onClosed` hears of the end. Throws RMQ_OPTION. */
  constructor(
    options: ProducerOptions<T> & ClientOptions = {},
    env: Env = nodeEnv(warnOnce()),
    client?: ClientInstance,
    onClosed?: () => void,
  ) {
    // What `mq.producer` makes was looked at there.
    if (client === undefined) checkOptions(options, lonelyProducerOptions)
    this.#options = options
    this.#onClosed = onClosed
    this.#ownsClient = client === undefined
    this.#client = client ?? new ClientInstance(env, options)
    const group = checkedGroup(options.group ?? 'SKYLARK_PRODUCER')
    this.#group = this.#client.wrapped(group)
    this.#encode = {
      compressOverBytes: options.compressOverBytes ?? DEFAULTS.compressOverBytes,
      maxMessageBytes: options.maxMessageBytes ?? DEFAULTS.maxMessageBytes,
      namespace: this.#client.namespace,
    }
    this.#nextId = uniqKeys(this.#client.env)
    this.#client.joinAsProducer(this.#group)
    if (options.checkTransaction !== undefined) {
      this.#endChecks = answerChecks(this.#client, this.#group, options.checkTransaction)
      // A member that was restarted is asked about what the one before it left, before it sends anything.
      const what = `the transaction producer of ${this.#group}`
      inBackground(this.#client.env.events, what, this.#client.meetAllBrokers(what))
    }
    this.#endSignal = whenAborted(options.signal, () => void this.close())
    this.#traces = this.#tracing()
    const traces = this.#traces
    this.#delivery = this.#deliveryOf(
      this.#group,
      this.#client.metrics,
      traces &&
        ((sent) => {
          traces.sent(sent)
        }),
    )
  }

  /**
   * Sends one message and waits until it is stored. It is tried again on other brokers while there is time, so a
   * message may be stored twice when an answer was lost.
   *
   * Rejects with RMQ_MESSAGE or RMQ_SERDE when it cannot be sent at all, RMQ_TOPIC_NOT_FOUND, RMQ_NAME_SERVER,
   * RMQ_BROKER, RMQ_AUTH or RMQ_FLOW_CONTROL when it is refused, RMQ_TIMEOUT, and RMQ_SEND when no try had an answer.
   */
  send(message: Message<T>, options: SendOptions = {}): Promise<SendResult> {
    if (!tracing.send.hasSubscribers) return this.#send(message, options)
    return this.#traced('send', message, (each) => this.#send(each, options))
  }

  /** Checks and encodes a message, to be kept and sent later. Rejects with RMQ_MESSAGE or RMQ_SERDE. */
  async prepare(message: Message<T>): Promise<PreparedMessage> {
    return this.#traced('prepare', message, async (each) => {
      const plain = await encodeBody(this.#options.serde, each)
      return preparedMessage(prepareMessage(plain, this.#nextId, this.#encode), plain)
    })
  }

  /** As `send`, of a message that was prepared, here or elsewhere. */
  async sendPrepared(kept: PreparedMessage, options: SendOptions = {}): Promise<SendResult> {
    const prepared = preparedSend(kept, this.#client.namespace)
    const { topic } = kept
    const trace = (): SendTrace => {
      const carried = parseProperties(kept.properties)
      return { ...this.#trace('sendPrepared', topic, 1), carried }
    }
    return traced(tracing.send, trace, () => this.#deliver(prepared, options, kept.shardingKey))
  }

  /**
   * Sends several messages of one topic at once, in as few parts as fit into `maxMessageBytes`, one after the other. All
   * messages of a part go to one queue, all or none. Those with a `shardingKey` go to the queue of their key, in a part for
   * each queue, unless the options choose one for all. Returns a result for each part.
   *
   * Rejects as `send` when the first part fails. When a later one does, with RMQ_BATCH: which messages are stored, with their
   * results, and which are not.
   */
  sendBatch(
    messages: readonly Message<T>[],
    options: SendOptions = {},
  ): Promise<readonly SendResult[]> {
    const trace = this.#trace('sendBatch', messages[0]?.topic ?? '', messages.length)
    const send = (): Promise<readonly SendResult[]> => this.#sendBatch(messages, options, trace)
    return traced(tracing.send, () => trace, send)
  }

  /**
   * Sends one message without waiting for an answer: it may be lost. Returns its id. Rejects with RMQ_MESSAGE, RMQ_SERDE,
   * RMQ_NAME_SERVER, RMQ_TOPIC_NOT_FOUND, RMQ_CONNECT or RMQ_TIMEOUT.
   */
  async sendOneway(message: Message<T>, options: SendOptions = {}): Promise<string> {
    this.#checkOpen()
    return this.#traced('sendOneway', message, async (each) => {
      const plain = await encodeBody(this.#options.serde, each)
      const prepared = prepareMessage(plain, this.#nextId, this.#encode)
      const deliverOptions = this.#deliverOptions(options, each.shardingKey)
      options.signal?.throwIfAborted()
      await withSignal(this.#delivery.oneway(prepared, deliverOptions), options.signal)
      return prepared.msgIds[0] ?? ''
    })
  }

  /**
   * Sends a message that nobody gets before `run` says 'commit'. `run` is called once the broker has the message; what
   * it decides is told to the broker without waiting. When it says 'unknown', throws, or this process dies, the broker
   * asks `checkTransaction` of any producer of the group later. A message that is not as safe as the broker was asked to
   * make it is rolled back, and `run` is not called.
   *
   * Rejects as `send`, with RMQ_OPTION without `checkTransaction` or when `run` gives no decision, and with what `run` throws.
   */
  async sendInTransaction(
    message: Message<T>,
    run: (sent: SendResult) => TransactionDecision | Promise<TransactionDecision>,
    options: SendOptions = {},
  ): Promise<SendResult & { readonly decision: TransactionDecision }> {
    if (this.#options.checkTransaction === undefined) {
      throw new OptionError({ option: 'checkTransaction', problem: 'transactions need it' })
    }
    return this.#traced('sendInTransaction', message, (each) =>
      this.#transaction(each, run, options),
    )
  }

  async #transaction(
    message: Message<T>,
    run: (sent: SendResult) => TransactionDecision | Promise<TransactionDecision>,
    options: SendOptions,
  ): Promise<SendResult & { readonly decision: TransactionDecision }> {
    const plain = await encodeBody(this.#options.serde, message)
    const prepared = prepareMessage(plain, this.#nextId, this.#encode)
    const half = prepareHalfSend(plain, prepared, this.#group)
    const sent = await this.#deliverHalf(half, options, message.shardingKey)
    const deciding = async (): Promise<TransactionDecision> =>
      sent.status === 'SEND_OK' ? checkedDecision('run', await run(sent)) : 'rollback'
    const decision = await underSignal(options, deciding)
    await this.#end(half, sent, decision)
    return { ...sent, decision }
  }

  /**
   * Sends a message and waits until a consumer of it has replied. Rejects as `send`, with RMQ_SERDE when the reply cannot
   * be read, and with RMQ_TIMEOUT when there is none in time.
   */
  async request<R = Buffer>(
    message: Message<T>,
    options: RequestOptions<R> = {},
  ): Promise<ReceivedMessage<R>> {
    checkOptions(options, requestOptions)
    return this.#traced('request', message, (each) => this.#request(each, options))
  }

  async #request<R>(message: Message<T>, options: RequestOptions<R>): Promise<ReceivedMessage<R>> {
    const { clock, random } = this.#client.env
    const timeoutMs = options.timeout ?? REQUEST_MS
    const correlationId = random.bytes(16).toString('hex')
    const { clientId, replies } = this.#client
    const plain = await encodeBody(this.#options.serde, message)
    const prepared = prepareMessage(plain, this.#nextId, this.#encode)
    const asking = prepareRequest(prepared, { correlationId, clientId, timeoutMs })
    const { reply, giveUp } = replies.wait(clock, correlationId, timeoutMs)
    const { signal } = options
    try {
      const sent = this.#deliver(asking, { timeout: timeoutMs, signal }, message.shardingKey)
      // The reply may come before the answer of the send; a send that fails has none.
      const [received] = await withSignal(Promise.all([reply, sent]), signal)
      return await decodeBody(options.serde, received)
    } finally {
      giveUp()
    }
  }

  /**
   * Replies to a message that was sent by `request`, from whatever client. Rejects as `send`, with RMQ_MESSAGE when the
   * message asks for no reply, and with RMQ_BROKER when the one who asked is gone.
   */
  async reply(
    request: ReceivedMessage<unknown>,
    body: T,
    options: ReplyOptions = {},
  ): Promise<SendResult> {
    checkOptions(options, replyOptions)
    const topic = topicOfReplies(request)
    const { properties, ...sending } = options
    return this.#traced('reply', { topic, body, properties }, async (each) => {
      const plain = await encodeBody(this.#options.serde, each)
      const prepared = prepareMessage(plain, this.#nextId, this.#encode)
      return this.#deliver(prepareReply(prepared, request), sending, undefined)
    })
  }

  /**
   * Calls a message back that waits for a time of its own, by the `recallHandle` of its send. Returns its id. It may be
   * too late for that all the same: the broker takes the message away when it is due.
   *
   * Rejects with RMQ_OPTION for what is no handle, RMQ_BROKER when the broker refuses (not `recallMessageEnable`: 16, too
   * late or another topic: 604), RMQ_TOPIC_NOT_FOUND, RMQ_NAME_SERVER, RMQ_CONNECT and RMQ_TIMEOUT.
   */
  async recall(
    topic: string,
    handle: string,
    options: Pick<SendOptions, 'timeout' | 'signal'> = {},
  ): Promise<string> {
    const { timeout, signal } = options
    const timeoutMs = timeout ?? this.#options.sendTimeoutMs ?? DEFAULTS.sendTimeoutMs
    this.#checkOpen()
    this.#client.start()
    const wrapped = this.#client.wrapped(topic)
    const recalled = recallMessage(this.#client, this.#group, wrapped, handle, timeoutMs)
    return withSignal(recalled, signal)
  }

  /** The queues that messages of a topic may be sent to. Rejects with RMQ_NAME_SERVER or RMQ_TOPIC_NOT_FOUND. */
  fetchPublishQueues(topic: string, options: CallOptions = {}): Promise<readonly MessageQueue[]> {
    return underSignal(options, async () => {
      this.#checkOpen()
      const wrapped = this.#client.wrapped(topic)
      return this.#delivery.queuesOf(wrapped, await this.#route(wrapped))
    })
  }

  /** How it does; costs nothing while nobody asks. Throws RMQ_OPTION. */
  health(options: HealthOptions = {}): ProducerHealth {
    checkOptions(options, healthOptions)
    const { namespace, env } = this.#client
    const isClosed = this.#closing !== undefined
    const known = { group: this.#group, namespace, isClosed, nowMs: env.clock.monotonic() }
    return producerHealth({ ...known, ...this.#delivery.failures }, healthLimits(options))
  }

  /**
   * Tells the brokers, and closes the connections if no one else uses them. Sends that wait are rejected. Brokers that do
   * not answer are waited for `timeout` ms at most; default 3000.
   */
  close({ timeout = CLOSE_MS, signal }: CloseOptions = {}): Promise<void> {
    return withSignal((this.#closing ??= this.#close(timeout)), signal)
  }

  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #deliveryOf(group: string, metrics?: ClientMetrics, onSent?: (sent: Sent) => void): Delivery {
    const options = this.#options
    return new Delivery({
      client: this.#client,
      group,
      tries: 1 + (options.retryTimes ?? DEFAULTS.retryTimes),
      usesVipChannel: options.vipChannel ?? false,
      avoidsSlowBrokers: options.avoidSlowBrokers ?? false,
      maxInFlightBytes: options.maxInFlightBytes ?? DEFAULTS.maxInFlightBytes,
      onSent,
      metrics,
      route: (topic) => this.#route(topic),
      knownRoute: (topic) =>
        this.#known.has(topic) ? this.#client.routes.known(topic) : undefined,
    })
  }

  #tracing(): ProducerTrace | undefined {
    const { trace = false } = this.#options
    if (trace === false) return undefined
    const delivery = this.#deliveryOf(TRACE_GROUP_PREFIX + this.#group)
    return new ProducerTrace({
      client: this.#client,
      group: this.#group,
      topic: trace === true ? TRACE_TOPIC : this.#client.wrapped(trace.topic),
      send: (topic, body, keys) => {
        const encode = { ...this.#encode, namespace: undefined }
        const prepared = prepareMessage({ topic, body, keys }, this.#nextId, encode)
        return delivery.deliver(prepared, { timeoutMs: TRACE_MS })
      },
    })
  }

  async #close(timeout: number): Promise<void> {
    const client = this.#client
    const { clock } = client.env
    const deadline = clock.monotonic() + timeout
    if (this.#traces !== undefined) {
      await settledWithin(clock, timeout / 2, this.#traces.close())
    }
    this.#endChecks?.()
    this.#endSignal()
    const left = this.#ownsClient ? client.close() : client.leave({ producer: this.#group })
    const isDone = await settledWithin(clock, Math.max(1, deadline - clock.monotonic()), left)
    if (!isDone && this.#ownsClient) client.cut()
    this.#onClosed?.()
  }

  async #send(message: Message<T>, options: SendOptions): Promise<SendResult> {
    const { serde } = this.#options
    const plain = serde === undefined ? plainBody(message) : await encodeBody(serde, message)
    const prepared = prepareMessage(plain, this.#nextId, this.#encode)
    return this.#deliver(prepared, options, message.shardingKey)
  }

  async #sendBatch(
    messages: readonly Message<T>[],
    options: SendOptions,
    trace: SendTrace,
  ): Promise<readonly SendResult[]> {
    const { serde } = this.#options
    const isTraced = Object.keys(trace.properties).length > 0
    const plain: Message[] = []
    for (const each of messages) {
      const whole = isTraced ? withProperties(each, trace) : each
      plain.push(serde === undefined ? plainBody(whole) : await encodeBody(serde, whole))
    }
    this.#checkOpen()
    const deliverOptions = this.#deliverOptions(options, undefined)
    const topic = this.#client.wrapped(plain[0]?.topic ?? '')
    return sendBatch(plain, {
      nextId: this.#nextId,
      encode: this.#encode,
      isQueueChosen: options.queue !== undefined || options.selector !== undefined,
      queues: () =>
        underSignal(options, () => this.#delivery.queuesToSendTo(topic, deliverOptions)),
      deliver: (part, queue) =>
        this.#deliver(part, queue === undefined ? options : { ...options, queue }, undefined),
    })
  }

  async #deliverHalf(
    half: PreparedSend,
    options: SendOptions,
    shardingKey: string | undefined,
  ): Promise<SendResult> {
    const { halves } = this.#client
    for (const id of half.msgIds) halves.add(id)
    try {
      return await this.#deliver(half, { ...options, require: 'stored' }, shardingKey)
    } finally {
      for (const id of half.msgIds) halves.delete(id)
    }
  }

  async #deliver(
    prepared: PreparedSend,
    options: SendOptions,
    shardingKey: string | undefined,
  ): Promise<SendResult> {
    this.#checkOpen()
    const deliverOptions = this.#deliverOptions(options, shardingKey)
    options.signal?.throwIfAborted()
    const sending = this.#delivery.deliver(prepared, deliverOptions)
    const result = await withSignal(sending, options.signal)
    if (options.require === 'SEND_OK' && result.status !== 'SEND_OK') {
      const { status, msgId, messageQueue } = result
      throw new StatusError({ status, msgId, brokerName: messageQueue.brokerName })
    }
    return result
  }

  #deliverOptions(options: SendOptions, shardingKey: string | undefined): DeliverOptions {
    checkOptions(options, sendOptions)
    const { queue, signal, timeout, selector } = options
    return {
      timeoutMs: timeout ?? this.#options.sendTimeoutMs ?? DEFAULTS.sendTimeoutMs,
      queue,
      signal,
      selector: selector ?? (shardingKey === undefined ? undefined : queueByHash(shardingKey)),
    }
  }

  #trace(operation: SendTrace['operation'], topic: string, count: number): SendTrace {
    return { group: this.#group, topic, count, properties: {}, operation }
  }

  #traced<R extends SendTrace['result']>(
    operation: SendTrace['operation'],
    message: Message<T>,
    f: (message: Message<T>) => Promise<R>,
  ): Promise<R> {
    return tracedSend(this.#group, operation, message, f)
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) {
      throw new ClosedError({ what: `the producer ${this.#group}` })
    }
  }

  /** Tells the broker; one that cannot be reached asks later. */
  async #end(half: PreparedSend, sent: SendResult, decision: TransactionDecision): Promise<void> {
    const { topic } = half
    const physicalOffset = parseOffsetMsgId(sent.offsetMsgId)?.physicalOffset
    const address = masterAddress(await this.#route(topic), sent.messageQueue.brokerName)
    if (address === undefined || physicalOffset === undefined) return
    this.#traces?.ended(half, sent, address, decision)
    if (decision === 'unknown') return
    const header = endHeader(this.#group, topic, { ...sent, physicalOffset }, decision, false)
    try {
      await this.#client.caller.oneway(address, EndTransaction, header)
    } catch (error) {
      if (!(error instanceof SkylarkError)) throw error
    }
  }

  async #route(topic: string): Promise<TopicRouteData> {
    this.#client.start()
    const route = await this.#client.routes.forSending(topic)
    // Brokers must know the group before one of them wants to ask back about a transaction.
    if (!this.#known.has(topic)) {
      this.#known.add(topic)
      await this.#client.heartbeat()
    }
    return route
  }
}
