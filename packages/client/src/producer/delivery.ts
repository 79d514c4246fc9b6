import {
  queueKey,
  SendBatchMessage,
  SendMessageV2,
  SendReplyMessageV2,
  type MessageQueue,
  type TopicRouteData,
} from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import {
  FlowControlError,
  RouteNotFoundError,
  SendError,
  TimeoutError,
  type SendAttempt,
} from '../errors.ts'
import type { ClientMetrics } from '../metrics/client-metrics.ts'
import { pause } from '../pause.ts'
import { masterAddress, publishQueues, vipAddress } from '../route/topic-route.ts'
import { answeredNow } from '../user-code.ts'
import { withSignal, within } from '../waiting.ts'
import { patiently } from '../wire/patience.ts'
import { Away, isNotReached } from './away.ts'
import { BrokerLatency } from './broker-latency.ts'
import { fieldsJsonOf, sendHeader, type PreparedSend } from './encode-send.ts'
import { InFlightBytes } from './in-flight-bytes.ts'
import { maySendAgain } from './retry.ts'
import { selectQueue, type QueueSelector } from './select-queue.ts'
import type { SendResult } from './send-result.ts'
import { resultOf, STORED } from './stored-answer.ts'

/** A message that was stored. */
export interface Sent {
  readonly prepared: PreparedSend
  readonly result: SendResult
  /** `host:port` of the broker. */
  readonly address: string
  readonly elapsedMs: number
}

/** How messages get to brokers. */
export interface DeliveryParts {
  readonly client: ClientInstance
  /** Producer group, in its namespace. */
  readonly group: string
  /** Tries in all, the first one included. */
  readonly tries: number
  readonly usesVipChannel: boolean
  readonly avoidsSlowBrokers: boolean
  readonly maxInFlightBytes: number
  /** Counts what is sent; undefined for what is nobody's own. */
  readonly metrics?: ClientMetrics | undefined
  /** Hears of each message that was stored. */
  readonly onSent?: ((sent: Sent) => void) | undefined
  /** The route to send by. */
  route(topic: string): Promise<TopicRouteData>
  knownRoute(topic: string): TopicRouteData | undefined
}

/** How one send differs from others. */
export interface DeliverOptions {
  readonly timeoutMs: number
  readonly queue?: MessageQueue | undefined
  readonly selector?: QueueSelector | undefined
  readonly signal?: AbortSignal | undefined
}

/** About how long a busy broker is left alone before the second try of a send, ms; twice as long before the third. */
const BUSY_MS = 25

/** How long a broker is connected to before another is tried, ms: one that is there takes a connection in a moment. */
const CONNECT_LEAST_MS = 1_000
const CONNECT_MOST_MS = 3_000

/** A third of the time that is left. */
function connectMsOf(leftMs: number): number {
  return Math.min(CONNECT_MOST_MS, Math.max(CONNECT_LEAST_MS, leftMs / 3))
}

/** Brings prepared messages to a queue: chooses it, waits for room and for the answer, and tries again elsewhere. */
export class Delivery {
  readonly #parts: DeliveryParts
  readonly #latency: BrokerLatency
  readonly #inFlight: InFlightBytes
  /** Since when nothing but failures is heard, and when the last one was; monotonic ms. */
  #failingMs: number | undefined
  #failedMs: number | undefined
  readonly #fieldsJson: ReturnType<typeof fieldsJsonOf>
  readonly #queues = new WeakMap<TopicRouteData, Map<string, readonly MessageQueue[]>>()
  #turn: number

  constructor(parts: DeliveryParts) {
    this.#parts = parts
    this.#latency = new BrokerLatency(parts.client.env.clock)
    this.#fieldsJson = fieldsJsonOf(parts.group)
    this.#inFlight = new InFlightBytes(parts.maxInFlightBytes)
    this.#turn = Math.floor(parts.client.env.random.next() * 0x10000)
  }

  /** Sends and waits until it is stored. Rejects as `Producer.send`. */
  async deliver(prepared: PreparedSend, options: DeliverOptions): Promise<SendResult> {
    const { clock } = this.#parts.client.env
    const deadline = clock.monotonic() + options.timeoutMs
    const bytes = prepared.body.length
    if (!this.#inFlight.take(bytes)) await this.#room(prepared, options)
    try {
      return await this.#tries(prepared, options, deadline)
    } catch (error) {
      this.#failed(prepared.topic, error)
      throw error
    } finally {
      this.#inFlight.release(bytes)
    }
  }

  /** Since when nothing but failures is heard, and when the last one was, on the monotonic clock. */
  get failures(): { readonly sinceMs: number | undefined; readonly lastMs: number | undefined } {
    return { sinceMs: this.#failingMs, lastMs: this.#failedMs }
  }

  /** Sends without waiting for an answer. */
  async oneway(prepared: PreparedSend, options: DeliverOptions): Promise<void> {
    const { client } = this.#parts
    const route = await this.#route(prepared.topic, options.timeoutMs, options)
    const queue = this.#choose(prepared.topic, route, options)
    const address = this.#address(route, queue)
    const header = this.#header(prepared, queue)
    await client.caller.oneway(address, definitionOf(prepared), header, prepared.body)
    this.#parts.metrics?.sends(prepared.topic).sentOneway(prepared.body.length)
  }

  #failed(topic: string, error: unknown): void {
    this.#failedMs = this.#parts.client.env.clock.monotonic()
    this.#failingMs ??= this.#failedMs
    this.#parts.metrics?.sends(topic).failed(error)
  }

  /** The queues that messages of a topic may be sent to, sorted. */
  queuesOf(topic: string, route: TopicRouteData): readonly MessageQueue[] {
    const byTopic = this.#queues.get(route) ?? new Map<string, readonly MessageQueue[]>()
    const known = byTopic.get(topic)
    if (known !== undefined) return known
    const queues = publishQueues(topic, route)
    this.#queues.set(route, byTopic.set(topic, queues))
    return queues
  }

  /** The queues that messages of a topic may be sent to now, sorted, at least one. Rejects as `deliver`. */
  async queuesToSendTo(topic: string, options: DeliverOptions): Promise<readonly MessageQueue[]> {
    const route =
      this.#parts.knownRoute(topic) ?? (await this.#route(topic, options.timeoutMs, options))
    return this.#queuesToChoose(topic, route)
  }

  async #room(
    { topic, body: { length: bytes } }: PreparedSend,
    { timeoutMs, signal }: DeliverOptions,
  ): Promise<void> {
    const { clock } = this.#parts.client.env
    const { room, giveUp } = this.#inFlight.wait(bytes)
    const late = (): Error =>
      new TimeoutError({ what: 'send', phase: 'write', elapsedMs: timeoutMs })
    try {
      await withSignal(within(clock, timeoutMs, room, late), signal)
    } catch (error) {
      if (!giveUp()) this.#inFlight.release(bytes)
      this.#failed(topic, error)
      throw error
    }
  }

  async #tries(
    prepared: PreparedSend,
    options: DeliverOptions,
    deadline: number,
  ): Promise<SendResult> {
    const { clock } = this.#parts.client.env
    const isChosen = options.queue !== undefined || options.selector !== undefined
    const tries = isChosen ? 1 : this.#parts.tries
    const attempts: SendAttempt[] = []
    const away = new Away()
    for (let tried = 0; tried < tries;) {
      const leftMs = deadline - clock.monotonic()
      if (attempts.length > 0 && (leftMs <= 0 || options.signal?.aborted === true)) break
      if (attempts.at(-1)?.error instanceof FlowControlError)
        await this.#calm(BUSY_MS * 2 ** tried, leftMs)
      const begin = clock.monotonic()
      const { topic } = prepared
      if (attempts.length > 0) this.#parts.metrics?.sends(topic).retried()
      const route =
        this.#parts.knownRoute(topic) ?? (await this.#route(topic, Math.max(1, leftMs), options))
      const queue = this.#choose(topic, route, options, away, attempts.at(-1)?.brokerName)
      const { brokerName } = queue
      let address: string | undefined
      try {
        address = this.#address(route, queue)
        const left = Math.max(1, deadline - clock.monotonic())
        const result = await this.#try(address, prepared, queue, left)
        this.#stored({ prepared, result, address, elapsedMs: clock.monotonic() - begin })
        return result
      } catch (error) {
        if (!maySendAgain(error)) throw error
        if (this.#parts.avoidsSlowBrokers) this.#latency.failed(brokerName)
        const attempt = { brokerName, address, elapsedMs: clock.monotonic() - begin, error }
        if (isNotReached(error)) {
          const waitMs = away.refused(
            attempt,
            attempts,
            isChosen ? [queue] : this.queuesOf(topic, route),
          )
          if (waitMs > 0) await this.#calm(waitMs, deadline - clock.monotonic())
        } else {
          attempts.push(attempt)
          tried++
        }
      }
    }
    const last = attempts.at(-1)?.error
    if (attempts.length === 1) throw last as Error
    throw new SendError({ topic: prepared.topic, attempts }, last)
  }

  /** Waits up to `mostMs`, each time another while, so that not all come again at once. */
  async #calm(mostMs: number, leftMs: number): Promise<void> {
    const { clock, random } = this.#parts.client.env
    const ms = Math.max(1, Math.min(mostMs, leftMs / 2))
    // A process that has nothing else to wait for would end here.
    const alive = clock.keepAlive()
    await pause(clock, ms * (0.5 + random.next() / 2))
    alive.cancel()
  }

  #stored(sent: Sent): void {
    this.#failingMs = undefined
    const { avoidsSlowBrokers, onSent, metrics } = this.#parts
    const { prepared, result, elapsedMs } = sent
    const { brokerName } = result.messageQueue
    metrics
      ?.sends(prepared.topic)
      .stored(result.status, elapsedMs, prepared.msgIds.length, prepared.body.length)
    if (avoidsSlowBrokers) this.#latency.answered(brokerName, sent.elapsedMs)
    onSent?.(sent)
  }

  async #route(
    topic: string,
    timeoutMs: number,
    { signal }: DeliverOptions,
  ): Promise<TopicRouteData> {
    const { client, group } = this.#parts
    const { env, startTimeoutMs } = client
    const { clock } = env
    const begin = clock.monotonic()
    let failure: unknown
    const ask = async (): Promise<TopicRouteData> => {
      try {
        return await this.#parts.route(topic)
      } catch (error) {
        failure = error
        throw error
      }
    }
    // Whoever knows why there is no route yet says that, also when time ends between two looks.
    const late = (): Error =>
      failure instanceof Error
        ? failure
        : new TimeoutError({
            what: `the route of ${topic}`,
            phase: 'route',
            elapsedMs: clock.monotonic() - begin,
            address: client.nameServers.addresses.join(', '),
          })
    const patience = {
      env,
      what: `a send of ${group}`,
      timeoutMs: Math.min(timeoutMs, startTimeoutMs),
      isOver: () => signal?.aborted === true,
    }
    const route = patiently(patience, ask)
    return within(clock, timeoutMs, route, late)
  }

  #choose(
    topic: string,
    route: TopicRouteData,
    options: DeliverOptions,
    away?: Away,
    avoid?: string,
  ): MessageQueue {
    const { queue, selector } = options
    if (queue !== undefined) return { ...queue, topic }
    const queues = this.#queuesToChoose(topic, route)
    if (selector === undefined) return this.#next(queues, route, away, avoid)
    const selected = answeredNow('the selector', () => selector(queues))
    const isOne = selected !== undefined && queues.some((q) => queueKey(q) === queueKey(selected))
    if (isOne) return selected
    throw new RouteNotFoundError({
      topic,
      reason: 'the selector gave none of its queues',
      advice: 'Return one of the queues that the selector was given.',
    })
  }

  #queuesToChoose(topic: string, route: TopicRouteData): readonly MessageQueue[] {
    const queues = this.queuesOf(topic, route)
    if (queues.length > 0) return queues
    throw new RouteNotFoundError({
      topic,
      reason: 'none of its queues may be written, or their brokers have no master',
      advice:
        'Look at its permission (mqadmin updateTopicPerm, 6 reads and writes) and that of its brokers (brokerPermission in broker.conf), and whether its masters run.',
    })
  }

  /** The next one in turn; brokers that do not answer or were slow are passed over while there is another. */
  #next(
    all: readonly MessageQueue[],
    route: TopicRouteData,
    away: Away | undefined,
    avoid: string | undefined,
  ): MessageQueue {
    const turn = this.#turn++
    const answering = this.#parts.client.caller.answering(all, ({ brokerName }) =>
      this.#addressOf(route, brokerName),
    )
    const queues = away?.left(answering, all) ?? answering
    if (this.#parts.avoidsSlowBrokers) {
      const good = queues.filter(({ brokerName }) => this.#latency.isAvailable(brokerName))
      if (good.length > 0) return selectQueue(good, turn, avoid) as MessageQueue
    }
    return selectQueue(queues, turn, avoid) as MessageQueue
  }

  #address(route: TopicRouteData, { topic, brokerName }: MessageQueue): string {
    const address = this.#addressOf(route, brokerName)
    if (address !== undefined) return address
    const reason = `the broker ${brokerName} has no master`
    throw new RouteNotFoundError({ topic, reason, advice: `Look whether ${brokerName} runs.` })
  }

  #addressOf(route: TopicRouteData, brokerName: string): string | undefined {
    const address = masterAddress(route, brokerName)
    if (address === undefined) return undefined
    return this.#parts.usesVipChannel ? vipAddress(address) : address
  }

  #header(prepared: PreparedSend, { queueId }: MessageQueue): ReturnType<typeof sendHeader> {
    const { client, group: producerGroup } = this.#parts
    const bornTimestamp = client.env.clock.now()
    return sendHeader(prepared, { producerGroup, queueId, bornTimestamp })
  }

  async #try(
    address: string,
    prepared: PreparedSend,
    queue: MessageQueue,
    timeoutMs: number,
  ): Promise<SendResult> {
    const { body, userTopic } = prepared
    const { caller, env } = this.#parts.client
    const definition = definitionOf(prepared)
    const connectMs = connectMsOf(timeoutMs)
    const options = { body, timeoutMs, connectMs, accept: STORED }
    const answer = caller.isSigning
      ? await caller.call(address, definition, this.#header(prepared, queue), options)
      : await caller.callWithJson(
          address,
          definition,
          this.#fieldsJson(prepared, queue.queueId, env.clock.now()),
          options,
        )
    return resultOf(answer, prepared, queue, userTopic)
  }
}

function definitionOf({ kind }: PreparedSend): typeof SendMessageV2 {
  if (kind === 'batch') return SendBatchMessage
  return kind === 'reply' ? SendReplyMessageV2 : SendMessageV2
}
