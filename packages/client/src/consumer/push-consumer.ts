import { nodeEnv, warnOnce, type Env, type EventSink, type Timer } from '@skylarkmq/env'
import {
  ConsumerSendMsgBack,
  parseSubscription,
  resetOffsetBody,
  RETRY_PREFIX,
  SkylarkError,
  type ConsumerData,
  type ConsumeFromWhere,
  type MessageQueue,
  type SubscriptionData,
} from '@skylarkmq/protocol'
import { ClientInstance } from '../client-instance.ts'
import { ClosedError, OptionError, RouteNotFoundError, saysOf } from '../errors.ts'
import { rebalanceFailed, sendBackFailed } from '../events.ts'
import type { ReceivedMessage } from '../message.ts'
import { QueueOffsets, type StartFrom } from '../offset/queue-offsets.ts'
import { checkedGroup, type ClientOptions } from '../options.ts'
import { allocateAveragely, type Allocate } from '../rebalance/allocate-averagely.ts'
import { masterAddress } from '../route/topic-route.ts'
import { settledWithin } from '../waiting.ts'
import { checkExpressions, type SqlSelector } from './check-expressions.ts'
import { ConsumeConcurrently, type MessageListener } from './consume-concurrently.ts'
import { OwnedQueues } from './owned-queues.ts'
import { Puller } from './pull.ts'

/** What a consumer may be told. */
export interface PushConsumerOptions {
  /** Name of the consumer group. Its members share the messages. */
  readonly group: string
  /** Where a group begins that has never consumed a queue; default `last`. */
  readonly consumeFrom?: StartFrom
  /** Calls of the listener that run at the same time, at most; default 20. */
  readonly concurrency?: number
  /** How often a message comes again before it goes to the dead-letter queue; default 16. */
  readonly maxReconsumeTimes?: number
  /** Messages that one pull asks for; default 32. */
  readonly pullBatchSize?: number
  /** Messages of one queue that may wait here; default 1000. */
  readonly pullThresholdForQueue?: number
  /** Bytes of bodies of one queue that may wait here; default 104857600. */
  readonly pullThresholdSizeForQueue?: number
  /** How far apart the messages of one queue that wait here may be; default 2000. */
  readonly consumeConcurrentlyMaxSpan?: number
  /** How queues are shared out; every member of a group must use the same; default `allocateAveragely`. */
  readonly allocate?: Allocate
  /** How often offsets are stored, ms; default 5000. */
  readonly persistOffsetsMs?: number
  /** How often queues are shared out anew when nothing happened, ms; default 20000. */
  readonly rebalanceMs?: number
}

const SEND_BACK_TIMEOUT_MS = 5_000
/** How long `close` takes at most. */
const CLOSE_MS = 10_000
/** The part of it in which listeners that run may come to an end. */
const LISTENERS_SHARE = 0.7

/**
 * A member of a consumer group: each message goes to one member. A message is done once the listener has returned;
 * one that it throws on, or answers with `later`, comes again after a while (10 s, 30 s, 1 m, …), and after
 * `maxReconsumeTimes` goes to `%DLQ%group`. Delivery is at least once. Apache: `DefaultMQPushConsumerImpl.java`.
 *
 * ```ts
 * const consumer = new PushConsumer({ namesrvAddr: '127.0.0.1:9876', group: 'billing' })
 * consumer.subscribe('Orders', 'paid || refunded')
 * await consumer.start(async (message) => {
 *   await bill(JSON.parse(message.body.toString()))
 * })
 * ```
 */
export class PushConsumer {
  readonly #env: Env
  readonly #client: ClientInstance
  readonly #ownsClient: boolean
  readonly #options: PushConsumerOptions
  readonly #group: string
  readonly #offsets: QueueOffsets
  readonly #subscriptions = new Map<string, SubscriptionData>()
  #timers: Timer[] = []
  /** What ends listening to others. */
  readonly #ends: (() => void)[] = []
  #state: 'new' | 'running' | 'closed' = 'new'
  #consuming: ConsumeConcurrently | undefined
  #owned: OwnedQueues | undefined
  #closing: Promise<void> | undefined

  /** `client` is shared with others; without it, this consumer has one of its own. Throws RMQ_OPTION. */
  constructor(
    options: PushConsumerOptions & ClientOptions,
    env: Env = nodeEnv(warnOnce()),
    client?: ClientInstance,
  ) {
    this.#env = env
    this.#options = options
    this.#ownsClient = client === undefined
    this.#client = client ?? new ClientInstance(env, options)
    this.#group = this.#client.wrapped(checkedGroup(options.group))
    if ((options.concurrency ?? 1) < 1) {
      throw new OptionError({ option: 'concurrency', problem: 'it must be at least 1' })
    }
    this.#offsets = new QueueOffsets(this.#client)
  }

  /** The id of this member of the group. */
  get clientId(): string {
    return this.#client.clientId
  }

  /** Where this consumer says what went wrong. */
  get events(): EventSink {
    return this.#env.events
  }

  /** The queues that this member reads now. */
  get queues(): MessageQueue[] {
    return this.#owned?.queues ?? []
  }

  /**
   * Wants the messages of a topic, all of them, those of a tag expression such as `paid || refunded`, or those of a
   * SQL92 expression on their properties. All members of a group must want the same. May be called at any time.
   */
  subscribe(topic: string, expression: string | SqlSelector = '*'): void {
    const now = this.#env.clock.now()
    const wrapped = this.#client.wrapped(topic)
    const subscription =
      typeof expression === 'string'
        ? parseSubscription(wrapped, expression, 'TAG', now)
        : parseSubscription(wrapped, expression.sql, 'SQL92', now)
    this.#subscriptions.set(wrapped, subscription)
    if (this.#state !== 'running') return
    void this.#topicChanged(wrapped)
  }

  /** Wants no more of a topic. */
  unsubscribe(topic: string): void {
    this.#subscriptions.delete(this.#client.wrapped(topic))
    if (this.#state === 'running') void this.#client.heartbeat()
    this.#owned?.rebalance()
  }

  /**
   * Joins the group and begins to consume. A topic that is not there yet is waited for. Rejects with
   * RMQ_NAME_SERVER when no name server answers, RMQ_CLOSED, and RMQ_BROKER when a broker cannot
   * filter by a SQL92 expression that was subscribed.
   */
  async start(listener: MessageListener): Promise<void> {
    if (this.#state !== 'new') throw new ClosedError({ what: `the consumer of ${this.#group}` })
    const retryTopic = RETRY_PREFIX + this.#group
    const now = this.#env.clock.now()
    this.#subscriptions.set(retryTopic, parseSubscription(retryTopic, '*', 'TAG', now))
    for (const topic of this.#subscriptions.keys()) await this.#client.routes.find(topic)
    await checkExpressions(this.#client, this.#group, [...this.#subscriptions.values()])
    this.#state = 'running'
    this.#consuming = new ConsumeConcurrently({
      env: this.#env,
      listener,
      concurrency: this.#options.concurrency ?? 20,
      group: this.#group,
      sendBack: (message, delayLevel) => this.#sendBack(message, delayLevel),
    })
    this.#owned = this.#ownedQueues(this.#consuming)
    this.#client.consumers.set(this.#group, {
      consumerData: () => this.#consumerData(),
      membersChanged: () => this.#owned?.rebalance(),
      offsetsReset: (topic, body) => {
        void this.#owned?.reset(topic, resetOffsetBody.decode(body))
      },
    })
    this.#ends.push(
      this.#client.routes.onChange((topic) => {
        if (this.#subscriptions.has(topic)) void this.#topicChanged(topic)
      }),
    )
    await this.#client.heartbeat()
    this.#startTimers()
    // The broker has made the retry topic now, if it was not there.
    await this.#client.routes.read(retryTopic)
    this.#owned.rebalance()
  }

  /**
   * Stops, waits for listeners that run, stores the offsets and leaves the group: within `timeout` ms, default 10000,
   * whatever the brokers do. A listener may call it, but not wait for it: nothing is started after the call.
   */
  close({ timeout = CLOSE_MS }: { readonly timeout?: number } = {}): Promise<void> {
    return (this.#closing ??= this.#close(timeout))
  }

  async #close(timeout: number): Promise<void> {
    const { clock } = this.#env
    const deadline = clock.monotonic() + timeout
    const wasRunning = this.#state === 'running'
    this.#state = 'closed'
    for (const timer of this.#timers) timer.cancel()
    for (const end of this.#ends) end()
    const left = (): number => Math.max(1, deadline - clock.monotonic())
    if (wasRunning) {
      this.#owned?.stop()
      const done = this.#consuming?.close() ?? Promise.resolve()
      // Some time is kept for the offsets.
      await settledWithin(clock, timeout * LISTENERS_SHARE, done)
      await settledWithin(clock, left(), this.#owned?.persist(true) ?? Promise.resolve())
      this.#owned?.dropAll()
    }
    const gone = this.#ownsClient
      ? this.#client.close()
      : this.#client.leave({ consumer: this.#group })
    const isDone = await settledWithin(clock, left(), gone)
    if (!isDone && this.#ownsClient) this.#client.cut()
  }

  #ownedQueues(consuming: ConsumeConcurrently): OwnedQueues {
    const options = this.#options
    return new OwnedQueues({
      client: this.#client,
      group: this.#group,
      offsets: this.#offsets,
      puller: new Puller(this.#client),
      consumeFrom: options.consumeFrom ?? 'last',
      allocate: options.allocate ?? allocateAveragely,
      countMax: options.pullBatchSize ?? 32,
      limits: {
        count: options.pullThresholdForQueue ?? 1000,
        bytes: options.pullThresholdSizeForQueue ?? 100 * 1024 * 1024,
        span: options.consumeConcurrentlyMaxSpan ?? 2000,
      },
      topics: () => [...this.#subscriptions.keys()],
      subscription: (topic) => this.#subscriptions.get(topic),
      queuesChanged: (topic) => this.#queuesChanged(topic),
      consume: (queue, messages) => {
        consuming.submit(queue, messages)
      },
    })
  }

  #startTimers(): void {
    const { clock } = this.#env
    this.#client.start()
    this.#timers.push(
      clock.keepAlive(),
      clock.every(this.#options.rebalanceMs ?? 20_000, () => this.#owned?.rebalance()),
      clock.every(this.#options.persistOffsetsMs ?? 5_000, () => void this.#owned?.persist(false)),
    )
  }

  /** Brokers that are new to this client must know it before they are asked for the group's members. */
  async #topicChanged(topic: string): Promise<void> {
    try {
      await this.#client.routes.find(topic)
    } catch (error) {
      if (!(error instanceof SkylarkError)) throw error
      this.#env.events.emit(rebalanceFailed, { topic, reason: saysOf(error) })
    }
    await this.#client.heartbeat()
    if (this.#state === 'running') this.#owned?.rebalance()
  }

  /** A newer version of the subscription tells brokers that what they hold for this client is old. */
  async #queuesChanged(topic: string): Promise<void> {
    const before = this.#subscriptions.get(topic)
    if (before === undefined) return
    const subVersion = Math.max(this.#env.clock.now(), before.subVersion + 1)
    this.#subscriptions.set(topic, { ...before, subVersion })
    await this.#client.heartbeat()
  }

  #consumerData(): ConsumerData {
    return {
      groupName: this.#group,
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere: consumeFromWhere(this.#options.consumeFrom ?? 'last'),
      subscriptionDataSet: [...this.#subscriptions.values()],
      unitMode: false,
    }
  }

  async #sendBack(message: ReceivedMessage, delayLevel: number): Promise<boolean> {
    const { msgId, messageQueue } = message
    try {
      const route = await this.#client.routes.get(messageQueue.topic)
      const address = masterAddress(route, messageQueue.brokerName)
      if (address === undefined) {
        const reason = `the broker ${messageQueue.brokerName} has no master`
        throw new RouteNotFoundError({ topic: messageQueue.topic, reason })
      }
      const header = {
        offset: message.physicalOffset,
        group: this.#group,
        delayLevel,
        originMsgId: message.offsetMsgId,
        originTopic: this.#client.wrapped(message.topic),
        unitMode: false,
        maxReconsumeTimes: this.#options.maxReconsumeTimes ?? 16,
      }
      const options = { timeoutMs: SEND_BACK_TIMEOUT_MS }
      await this.#client.caller.call(address, ConsumerSendMsgBack, header, options)
      return true
    } catch (error) {
      if (!(error instanceof SkylarkError)) throw error
      this.#env.events.emit(sendBackFailed, { msgId, reason: saysOf(error) })
      return false
    }
  }
}

function consumeFromWhere(from: StartFrom): ConsumeFromWhere {
  if (from === 'first') return 'CONSUME_FROM_FIRST_OFFSET'
  return from === 'last' ? 'CONSUME_FROM_LAST_OFFSET' : 'CONSUME_FROM_TIMESTAMP'
}
