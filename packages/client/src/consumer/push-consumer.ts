import { nodeEnv, silentEvents, type Env, type Timer } from '@skylarkmq/env'
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
import { ClientClosed, InvalidOption, NoRoute } from '../errors.ts'
import { rebalanceFailed, sendBackFailed } from '../events.ts'
import type { ReceivedMessage } from '../message.ts'
import { QueueOffsets, type StartFrom } from '../offset/queue-offsets.ts'
import { checkedGroup, type ClientOptions } from '../options.ts'
import { pause } from '../pause.ts'
import { reasonOf } from '../reason.ts'
import { allocateAveragely, type Allocate } from '../rebalance/allocate-averagely.ts'
import { masterAddress } from '../route/topic-route.ts'
import { checkExpressions, type SqlSelector } from './check-expressions.ts'
import { ConsumeConcurrently, type MessageListener } from './consume-concurrently.ts'
import { OwnedQueues } from './owned-queues.ts'
import { Puller } from './pull.ts'

/** What a consumer may be told. */
export interface PushConsumerOptions extends ClientOptions {
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
/** How long `close` waits for listeners that run. */
const CLOSE_WAIT_MS = 10_000

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
  readonly #options: PushConsumerOptions
  readonly #group: string
  readonly #offsets: QueueOffsets
  readonly #subscriptions = new Map<string, SubscriptionData>()
  #timers: Timer[] = []
  #state: 'new' | 'running' | 'closed' = 'new'
  #consuming: ConsumeConcurrently | undefined
  #owned: OwnedQueues | undefined
  #closing: Promise<void> | undefined

  /** Throws ERR_CLIENT_OPTION. */
  constructor(options: PushConsumerOptions, env: Env = nodeEnv(silentEvents)) {
    this.#env = env
    this.#options = options
    this.#group = checkedGroup(options.group)
    if ((options.concurrency ?? 1) < 1) {
      throw new InvalidOption({ option: 'concurrency', problem: 'it must be at least 1' })
    }
    this.#client = new ClientInstance(env, options)
    this.#offsets = new QueueOffsets(this.#client)
  }

  /** The id of this member of the group. */
  get clientId(): string {
    return this.#client.clientId
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
    const subscription =
      typeof expression === 'string'
        ? parseSubscription(topic, expression, 'TAG', now)
        : parseSubscription(topic, expression.sql, 'SQL92', now)
    this.#subscriptions.set(topic, subscription)
    if (this.#state !== 'running') return
    void this.#topicChanged(topic)
  }

  /** Wants no more of a topic. */
  unsubscribe(topic: string): void {
    this.#subscriptions.delete(topic)
    if (this.#state === 'running') void this.#client.heartbeat()
    this.#owned?.rebalance()
  }

  /**
   * Joins the group and begins to consume. A topic that is not there yet is waited for. Rejects with
   * ERR_CLIENT_NAMESRV when no name server answers, ERR_CLIENT_CLOSED, and ERR_CLIENT_BROKER when a broker cannot
   * filter by a SQL92 expression that was subscribed.
   */
  async start(listener: MessageListener): Promise<void> {
    if (this.#state !== 'new') throw new ClientClosed({ what: `the consumer of ${this.#group}` })
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
      sendBack: (message) => this.#sendBack(message),
    })
    this.#owned = this.#ownedQueues(this.#consuming)
    this.#client.consumers.set(this.#group, {
      consumerData: () => this.#consumerData(),
      membersChanged: () => this.#owned?.rebalance(),
      offsetsReset: (topic, body) => {
        void this.#owned?.reset(topic, resetOffsetBody.decode(body))
      },
    })
    this.#client.routes.onChange((topic) => {
      if (this.#subscriptions.has(topic)) void this.#topicChanged(topic)
    })
    await this.#client.heartbeat()
    this.#startTimers()
    // The broker has made the retry topic now, if it was not there.
    await this.#client.routes.read(retryTopic)
    this.#owned.rebalance()
  }

  /**
   * Stops, waits for listeners that run (10 s at most), stores the offsets and leaves the group. A listener may
   * call it, but not wait for it: nothing is started after the call.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    const wasRunning = this.#state === 'running'
    this.#state = 'closed'
    for (const timer of this.#timers) timer.cancel()
    if (wasRunning) {
      this.#owned?.stop()
      const done = this.#consuming?.close() ?? Promise.resolve()
      await Promise.race([done, pause(this.#env.clock, CLOSE_WAIT_MS)])
      await this.#owned?.persist(true)
      this.#owned?.dropAll()
    }
    await this.#client.close()
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
      this.#env.events.emit(rebalanceFailed, { topic, reason: reasonOf(error) })
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

  async #sendBack(message: ReceivedMessage): Promise<boolean> {
    const { msgId, messageQueue } = message
    try {
      const route = await this.#client.routes.get(messageQueue.topic)
      const address = masterAddress(route, messageQueue.brokerName)
      if (address === undefined) {
        const reason = `the broker ${messageQueue.brokerName} has no master`
        throw new NoRoute({ topic: messageQueue.topic, reason })
      }
      const header = {
        offset: message.physicalOffset,
        group: this.#group,
        delayLevel: 0,
        originMsgId: message.offsetMsgId,
        originTopic: message.topic,
        unitMode: false,
        maxReconsumeTimes: this.#options.maxReconsumeTimes ?? 16,
      }
      const options = { timeoutMs: SEND_BACK_TIMEOUT_MS }
      await this.#client.caller.call(address, ConsumerSendMsgBack, header, options)
      return true
    } catch (error) {
      if (!(error instanceof SkylarkError)) throw error
      this.#env.events.emit(sendBackFailed, { msgId, reason: reasonOf(error) })
      return false
    }
  }
}

function consumeFromWhere(from: StartFrom): ConsumeFromWhere {
  if (from === 'first') return 'CONSUME_FROM_FIRST_OFFSET'
  return from === 'last' ? 'CONSUME_FROM_LAST_OFFSET' : 'CONSUME_FROM_TIMESTAMP'
}
