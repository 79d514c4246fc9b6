import { nodeEnv, warnOnce, type Clock, type Env, type EventSink, type Timer } from '@skylarkmq/env'
import {
  compareQueues,
  resetOffsetBody,
  RETRY_PREFIX,
  SkylarkError,
  type ConsumerData,
  type MessageQueue,
  type SubscriptionData,
} from '@skylarkmq/protocol'
import { checkOptions } from '../check/check-options.ts'
import { lonelyConsumerOptions } from '../check/known-options.ts'
import { ClientInstance, type GroupMember } from '../client-instance.ts'
import { durationMs } from '../duration.ts'
import { ClosedError, saysOf } from '../errors.ts'
import { broadcastFailed, rebalanceFailed } from '../events.ts'
import { consumerHealth } from '../health/consumer-health.ts'
import type { ConsumerHealth, HealthLimits } from '../health/health.ts'
import type { ReceivedMessage } from '../message.ts'
import { groupGauges } from '../metrics/group-gauges.ts'
import { offsetStoreOf } from '../offset/offset-store-of.ts'
import type { StartFrom } from '../offset/queue-offsets.ts'
import { checkedConsumerGroup, checkedGroup, type ClientOptions } from '../options.ts'
import { allocateAveragely } from '../rebalance/allocate-averagely.ts'
import { consumerTrace } from '../trace/consumer-trace.ts'
import { UserContext } from '../user-code.ts'
import { settledWithin } from '../waiting.ts'
import { patiently } from '../wire/patience.ts'
import { CallLimit } from './call-limit.ts'
import { CLOSE_MS, closeTimes, drained, type PushCloseOptions } from './closing.ts'
import { checkExpressions, subscriptionTo, type SqlSelector } from './check-expressions.ts'
import { ConsumeConcurrently } from './consume-concurrently.ts'
import { ConsumeCounts } from './consume-counts.ts'
import { inBackground } from '../background.ts'
import { consumeDirectly } from './consume-directly.ts'
import { ConsumeOrderly } from './consume-orderly.ts'
import type { ConsumeParts, Consuming, MessageListener } from './consuming.ts'
import { flowLimits } from './flow-control.ts'
import { OwnedQueues } from './owned-queues.ts'
import type { QueuePlace } from './paused-places.ts'
import { Puller } from './pull.ts'
import {
  checkTogether,
  consumeFromWhere,
  type PushConsumerOptions,
} from './push-consumer-options.ts'
import { QueueLocks } from './queue-locks.ts'
import { RateLimit } from './rate-limit.ts'
import { runningInfo } from './running-info.ts'
import { sendBack } from './send-back.ts'
import { Steering } from './steering.ts'

const RENEW_LOCKS_MS = 20_000
const SUSPEND_MS = 1_000
const DEFAULT_RECONSUME_TIMES = 16
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
  readonly #counts: ConsumeCounts
  readonly #locks: QueueLocks | undefined
  readonly #isBroadcast: boolean
  readonly #subscriptions = new Map<string, SubscriptionData>()
  #timers: Timer[] = []
  /** What ends listening to others. */
  readonly #ends: (() => void)[] = []
  #state: 'new' | 'starting' | 'running' | 'closed' = 'new'
  readonly #steering: Steering
  #startedMs = 0
  /** When `start` was called, on the monotonic clock. */
  #sinceMs = 0
  #limit: CallLimit | undefined
  #consuming: Consuming | undefined
  #owned: OwnedQueues | undefined
  #closing: Promise<void> | undefined
  /** Monotonic ms. */
  #closeByMs = Infinity
  /** Ends the wait for listeners that run. */
  #cutShort: () => void = () => undefined

  /** `client` is shared with others; without it, this consumer has one of its own. Throws RMQ_OPTION. */
  constructor(
    options: PushConsumerOptions & ClientOptions,
    env: Env = nodeEnv(warnOnce()),
    client?: ClientInstance,
  ) {
    // What `mq.consumer` makes was looked at there.
    if (client === undefined) checkOptions(options, lonelyConsumerOptions)
    checkTogether(options)
    this.#env = env
    this.#options = options
    this.#ownsClient = client === undefined
    this.#client = client ?? new ClientInstance(env, options)
    this.#group = checkedConsumerGroup(this.#client.wrapped(checkedGroup(options.group)))
    this.#isBroadcast = options.model === 'BROADCASTING'
    this.#counts = new ConsumeCounts(env.clock, this.#client.metrics.group(this.#group))
    this.#steering = new Steering({
      client: this.#client,
      group: this.#group,
      topics: () => [...this.#subscriptions.keys()],
      owned: () => this.#owned,
    })
    // Whoever reads for itself has nobody to lock others out.
    const locks = options.ordered === true && !this.#isBroadcast
    this.#locks = locks ? new QueueLocks(this.#client, this.#group) : undefined
  }

  /** The id of this member of the group. */
  get clientId(): string {
    return this.#client.clientId
  }

  /** The clock that it goes by. */
  get clock(): Clock {
    return this.#env.clock
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
    this.#subscriptions.set(wrapped, subscriptionTo(wrapped, expression, now))
    if (this.#state !== 'running') return
    this.#background(wrapped, this.#topicChanged(wrapped))
  }

  /** Wants no more of a topic. */
  unsubscribe(topic: string): void {
    this.#subscriptions.delete(this.#client.wrapped(topic))
    if (this.#state === 'running') this.#background('a heartbeat', this.#client.heartbeat())
    this.#owned?.rebalance()
  }

  /**
   * Joins the group and begins to consume, with `concurrency` calls of the listener at a time, or `least` if that is more.
   * A topic that is not there yet is waited for, and so are name servers that do not answer, up to `startTimeoutMs`.
   * Rejects with RMQ_NAME_SERVER when none has answered by then, RMQ_CLOSED, and RMQ_BROKER when a broker cannot filter
   * by a SQL92 expression that was subscribed.
   */
  async start(listener: MessageListener, least = 1): Promise<void> {
    this.checkNew()
    this.#state = 'starting'
    this.#sinceMs = this.#env.clock.monotonic()
    const retryTopic = RETRY_PREFIX + this.#group
    const now = this.#env.clock.now()
    if (!this.#isBroadcast) {
      this.#subscriptions.set(retryTopic, subscriptionTo(retryTopic, '*', now))
    }
    await this.#findBrokers(retryTopic)
    this.#state = 'running'
    this.#startedMs = now
    const parts = this.#consumeParts(listener, least)
    this.#limit = parts.limit
    this.#ends.push(() => parts.trace?.hurry())
    this.#consuming = this.#consumingOf(parts)
    this.#owned = this.#ownedQueues(this.#consuming, parts.concurrency)
    this.#client.consumers.set(this.#group, this.#member(parts))
    this.#ends.push(
      this.#client.routes.onChange((topic) => {
        if (this.#subscriptions.has(topic)) this.#background(topic, this.#topicChanged(topic))
      }),
    )
    await this.#client.heartbeat()
    // A broker tells of the new member before it answers: all may have been consumed, and the end have come.
    if (isClosed(this.#state)) return
    this.#startTimers()
    this.#owned.rebalance()
  }

  /** Throws RMQ_CLOSED when it was started or closed before. */
  checkNew(): void {
    if (this.#state === 'new') return
    const what = `the consumer of ${this.#group}`
    throw new ClosedError({ what, isStarted: this.#state !== 'closed' })
  }

  /** How it does. */
  health(limits: HealthLimits): ConsumerHealth {
    const queues = this.#owned?.all ?? []
    const handling = queues.flatMap(({ handlingMs }) => handlingMs ?? [])
    const oldestMs = Math.min(this.#limit?.oldestMs ?? Infinity, ...handling)
    const parts = {
      group: this.#group,
      clientId: this.clientId,
      namespace: this.#client.namespace,
      state: this.#state,
      sinceMs: this.#sinceMs,
      isSuspended: this.#steering.isSuspended,
      queues: [...queues].sort((one, other) => compareQueues(one.queue, other.queue)),
      topics: [...this.#subscriptions.keys()],
      sharing: this.#owned?.sharing,
      running: this.#consuming?.running ?? 0,
      oldestMs: oldestMs === Infinity ? undefined : oldestMs,
      nowMs: this.#env.clock.monotonic(),
    }
    return consumerHealth(parts, limits)
  }

  /** Waits for name servers; a route that is not there yet is waited for later. */
  async #findBrokers(retryTopic: string): Promise<void> {
    const client = this.#client
    const isOver = (): boolean => this.#state !== 'starting'
    const what = `the consumer of ${this.#group}`
    const patience = { env: this.#env, what, timeoutMs: client.startTimeoutMs, isOver }
    try {
      await patiently(patience, async () => {
        // The retry topic of a group that is new is not there before the first heartbeat.
        const topics = [...this.#subscriptions.keys()].filter((topic) => topic !== retryTopic)
        await Promise.all(topics.map((topic) => client.routes.find(topic)))
        await checkExpressions(client, this.#group, [...this.#subscriptions.values()])
      })
    } catch (error) {
      if (isOver()) throw this.#closedError(error)
      this.#state = 'new'
      throw error
    }
    if (isOver()) throw this.#closedError()
  }

  #closedError(cause?: unknown): ClosedError {
    return new ClosedError({ what: `the consumer of ${this.#group}` }, cause)
  }

  /** Pulls nothing until `resume`; what was pulled is consumed. It stays in the group and keeps its queues. */
  suspend(): void {
    this.#steering.isSuspended = true
  }

  /** Starts no more calls of the listener with messages of a place, and pulls nothing of it, until `resume`. Throws RMQ_OPTION. */
  pause(place: QueuePlace): void {
    this.#steering.pause(place)
  }

  /** Goes on with a place after `pause`; without one with all, after `suspend` too. Throws RMQ_OPTION. */
  resume(place?: QueuePlace): void {
    this.#steering.resume(place)
  }

  /** Has queues of this member restart, see `Consumer.seek`. */
  async seek(place: QueuePlace, to: number | StartFrom): Promise<void> {
    if (this.#state === 'closed') throw this.#closedError()
    await this.#steering.seek(place, to)
  }

  /**
   * Stops, waits for listeners that run, stores the offsets and leaves the group: within `timeout` ms, default 10000,
   * whatever the brokers do. Who closes once more with less time shortens it. A listener may call it, but not wait for it:
   * nothing is started after the call.
   */
  close(options: PushCloseOptions = {}): Promise<void> {
    const { timeout = CLOSE_MS, lastCall = () => undefined } = options
    const { clock } = this.#env
    const { lastCallMs, cutMs } = closeTimes(timeout)
    this.#closeByMs = Math.min(this.#closeByMs, clock.monotonic() + timeout)
    this.#closing ??= this.#close(cutMs, lastCall)
    const timers = [clock.after(lastCallMs, lastCall), clock.after(cutMs, this.#cutShort)]
    return this.#closing.finally(() => {
      for (const timer of timers) timer.cancel()
    })
  }

  async #close(waitMs: number, lastCall: () => void): Promise<void> {
    const { clock } = this.#env
    const wasRunning = this.#state === 'running'
    this.#state = 'closed'
    for (const end of this.#ends) end()
    const left = (): number => Math.max(1, this.#closeByMs - clock.monotonic())
    if (wasRunning && this.#consuming !== undefined) {
      this.#owned?.stop()
      const cut = new Promise<void>((resolve) => (this.#cutShort = resolve))
      // Until then offsets are stored and locks are renewed: nobody may overtake what runs.
      await drained(this.#env, this.#group, this.#consuming, { waitMs, cut })
    }
    lastCall()
    for (const timer of this.#timers) timer.cancel()
    if (wasRunning) {
      const last = this.#owned?.persistLast(left() / 2) ?? Promise.resolve()
      await settledWithin(clock, left(), last)
      await settledWithin(clock, left(), this.#owned?.giveLocks() ?? Promise.resolve())
      this.#owned?.dropAll()
    }
    const gone = this.#ownsClient
      ? this.#client.close()
      : this.#client.leave({ consumer: this.#group })
    const isDone = await settledWithin(clock, left(), gone)
    if (!isDone && this.#ownsClient) this.#client.cut()
  }

  /** Who is next in order must not overtake one that runs, however long. */
  get #consumeTimeoutMs(): number {
    const { ordered, consumeTimeout = '15m' } = this.#options
    return ordered === true ? Infinity : durationMs(consumeTimeout, 'consumeTimeout')
  }

  #consumeParts(listener: MessageListener, least: number): ConsumeParts {
    const { rateLimit, concurrencyKey, trace } = this.#options
    return {
      env: this.#env,
      listener,
      limit: new CallLimit(this.#env.clock, this.#consumeTimeoutMs),
      context: new UserContext(),
      bodies: this.#client.bodies,
      concurrency: Math.max(this.#options.concurrency ?? 20, least),
      group: this.#group,
      concurrencyKey,
      trace: consumerTrace(this.#client, this.#group, trace),
      rate: rateLimit === undefined ? undefined : new RateLimit(this.#env.clock, rateLimit),
      counted: (topic, tookMs, isConsumed) => {
        this.#counts.consumed(this.#client.wrapped(topic), tookMs, isConsumed)
      },
      sendBack: (message, delayLevel) => this.#sendBack(message, delayLevel),
    }
  }

  #consumingOf(parts: ConsumeParts): Consuming {
    const { ordered, suspendCurrentQueueMs = SUSPEND_MS, maxReconsumeTimes } = this.#options
    if (ordered !== true) return new ConsumeConcurrently(parts)
    return new ConsumeOrderly({
      ...parts,
      suspendMs: suspendCurrentQueueMs,
      maxReconsumeTimes: maxReconsumeTimes ?? Infinity,
      holds: async ({ queue }) => {
        if (this.#locks === undefined || this.#locks.isHeld(queue)) return true
        return (await this.#locks.take([queue])).length > 0
      },
    })
  }

  #ownedQueues(consuming: Consuming, concurrency: number): OwnedQueues {
    const options = this.#options
    return new OwnedQueues({
      client: this.#client,
      group: this.#group,
      offsets: offsetStoreOf(
        this.#client,
        this.#group,
        this.#isBroadcast,
        options.offsetsDirectory,
      ),
      puller: new Puller(this.#client),
      consuming,
      locks: this.#locks,
      isBroadcast: this.#isBroadcast,
      consumeFrom: options.consumeFrom ?? 'last',
      allocate: options.allocate ?? allocateAveragely,
      countMax: options.pullBatchSize ?? 32,
      limits: flowLimits(options, concurrency),
      topics: () => [...this.#subscriptions.keys()],
      subscription: (topic) => this.#subscriptions.get(topic),
      queuesChanged: (topic) => this.#queuesChanged(topic),
      isSuspended: () => this.#steering.isSuspended,
      paused: this.#steering.paused,
      pulled: (topic, tookMs, count) => {
        this.#counts.pulled(topic, tookMs, count)
      },
    })
  }

  #member(parts: ConsumeParts): GroupMember {
    return {
      consumerData: () => this.#consumerData(),
      membersChanged: () => this.#owned?.rebalance(),
      offsetsReset: (topic, body) => {
        this.#background(
          'resetting offsets',
          this.#owned?.reset(topic, resetOffsetBody.decode(body)),
        )
      },
      offsets: (topic) =>
        new Map(
          (this.#owned?.all ?? [])
            .filter(({ queue }) => queue.topic === topic)
            .map(({ queue, commitOffset, nextOffset }) => [queue, commitOffset ?? nextOffset]),
        ),
      gauges: () => groupGauges(this.#consuming?.running ?? 0, this.#owned?.all ?? []),
      consumeDirectly: (message) => consumeDirectly(parts, message, this.#options.ordered === true),
      runningInfo: () =>
        runningInfo({
          client: this.#client,
          counts: this.#counts,
          queues: this.#owned?.all ?? [],
          locks: this.#locks,
          subscriptions: [...this.#subscriptions.values()],
          isOrdered: this.#options.ordered === true,
          startedMs: this.#startedMs,
          concurrency: parts.concurrency,
          settings: {
            consumerGroup: this.#group,
            messageModel: this.#options.model ?? 'CLUSTERING',
            consumeFromWhere: consumeFromWhere(this.#options.consumeFrom ?? 'last'),
            maxReconsumeTimes: this.#maxReconsumeTimes,
            pullBatchSize: this.#options.pullBatchSize ?? 32,
          },
        }),
    }
  }

  #background(what: string, work: Promise<unknown> | undefined): void {
    inBackground(this.#env.events, what, work)
  }

  #startTimers(): void {
    const { clock } = this.#env
    this.#client.start()
    this.#timers.push(
      clock.keepAlive(),
      clock.every(this.#options.rebalanceMs ?? 20_000, () => this.#owned?.rebalance()),
      clock.every(this.#options.persistOffsetsMs ?? 5_000, () => {
        this.#background('storing offsets', this.#owned?.persist())
      }),
    )
    if (this.#locks === undefined) return
    const renew = (): void => {
      this.#background('renewing locks', this.#owned?.renewLocks())
    }
    this.#timers.push(clock.every(RENEW_LOCKS_MS, renew))
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
      messageModel: this.#options.model ?? 'CLUSTERING',
      consumeFromWhere: consumeFromWhere(this.#options.consumeFrom ?? 'last'),
      subscriptionDataSet: [...this.#subscriptions.values()],
      unitMode: false,
    }
  }

  /** -1, as for Java, when a message comes again for as long as it fails. */
  get #maxReconsumeTimes(): number {
    const { maxReconsumeTimes, ordered } = this.#options
    return maxReconsumeTimes ?? (ordered === true ? -1 : DEFAULT_RECONSUME_TIMES)
  }

  async #sendBack(message: ReceivedMessage, delayLevel: number): Promise<boolean> {
    if (this.#isBroadcast) {
      const { topic, msgId } = message
      this.#env.events.emit(broadcastFailed, { topic, msgId })
      return true
    }
    const of = { client: this.#client, group: this.#group }
    const times = this.#options.maxReconsumeTimes ?? DEFAULT_RECONSUME_TIMES
    return sendBack(of, message, delayLevel, times)
  }
}

/** As a function, for the compiler takes the state for what it was before it was waited. */
function isClosed(state: string): boolean {
  return state === 'closed'
}
