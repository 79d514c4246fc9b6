import { hostVariable, nodeEnv, warnOnce, type Env, type TlsOptions } from '@skylarkmq/env'
import { AdminClient } from './admin/admin-client.ts'
import { ClientInstance } from './client-instance.ts'
import { Consumer, type ConsumerOptions } from './consumer/consumer.ts'
import { PushConsumer } from './consumer/push-consumer.ts'
import { TopicReader, type TopicReaderOptions } from './consumer/topic-reader.ts'
import { checkOptions } from './check/check-options.ts'
import {
  clientOptions as knownOptions,
  closeOptions,
  consumerOptions,
  healthOptions,
  producerOptions,
  readerOptions,
  transactionProducerOptions,
} from './check/known-options.ts'
import { ClosedError, OptionError } from './errors.ts'
import { clientHealth } from './health/client-health.ts'
import type { ClientHealth, HealthOptions } from './health/health.ts'
import { eventsTo, type Logger } from './logger.ts'
import { metricsOf } from './metrics/metrics-of.ts'
import type { MetricsSnapshot } from './metrics/snapshot.ts'
import type { ReceivedMessage } from './message.ts'
import { CLOSE_MS } from './consumer/closing.ts'
import { startFrom } from './offset/queue-offsets.ts'
import type { ClientOptions } from './options.ts'
import { Producer } from './producer/producer.ts'
import type { ProducerOptions } from './producer/producer-options.ts'
import type { TransactionCheck, TransactionDecision } from './producer/transaction.ts'
import { TransactionProducer } from './producer/transaction-producer.ts'
import { decodeBody } from './serde/bodies.ts'
import type { Serde } from './serde/serde.ts'
import { settledWithin, whenAborted, withSignal, type CloseOptions } from './waiting.ts'

/** What a client may be told. */
export interface RocketMQOptions {
  /**
   * Name servers, `host:port`, a list or joined by `;`. Default the variable NAMESRV_ADDR of the environment, else
   * `127.0.0.1:9876`.
   */
  readonly nameServers?: string | readonly string[] | undefined
  /** Goes before the names of topics and groups, as `namespace%name`. */
  readonly namespace?: string | undefined
  /** Name of the account, where brokers ask for one. */
  readonly accessKey?: string | undefined
  /** Signs what this client asks for. */
  readonly secretKey?: string | undefined
  /** Of an account that is valid for a while. */
  readonly securityToken?: string | undefined
  /** How brokers tell this client from others; default `ip@` and a random text. */
  readonly clientId?: string | undefined
  /** Encrypts all connections: true, or how. */
  readonly tls?: boolean | TlsOptions | undefined
  /** How long name servers and brokers have for an answer, ms; default 3000. Sends and pulls have times of their own. */
  readonly timeout?: number | undefined
  /** How often routes are read again, ms; default 30000. */
  readonly pollNameServerMs?: number | undefined
  /** How often brokers hear that this client lives, ms; default 30000. */
  readonly heartbeatMs?: number | undefined
  /**
   * How long `run` of a consumer, and a send within its own time, keep trying while no name server answers, ms; each try
   * is logged. Default as long as it takes (`signal` or `close` end it); 0: they reject at once.
   */
  readonly startTimeoutMs?: number | undefined
  /**
   * Bytes that the body of a received message may have once it is decompressed; default 16 MiB. A message with more fails
   * as if its handler had thrown: it comes again, and goes to the dead-letter queue in the end.
   */
  readonly maxBodyBytes?: number | undefined
  /** Takes what this client has to say, a pino logger for one. Default: the first warning of each kind goes to standard error. */
  readonly logger?: Logger | undefined
  /** Closes the client when it is aborted, and tells handlers that run to end. */
  readonly signal?: AbortSignal | undefined
}

/** What a producer of transactions may be told. `R` is a body as `check` gets it. */
export interface TransactionProducerOptions<
  T = string | Uint8Array,
  R = ReceivedBody<T>,
> extends Omit<ProducerOptions<T>, 'checkTransaction' | 'serde'> {
  /** How bodies are written, and read for `check`, such as `json()`; default text and bytes as they are. */
  readonly serde?: Serde<R, T> | undefined
  /** Name of the producer group: any member of it may be asked what became of a transaction. */
  readonly group: string
  /** Says what became of a transaction when a broker asks. What it throws counts as `unknown`. */
  readonly check: (
    message: ReceivedMessage<R>,
  ) => TransactionDecision | Promise<TransactionDecision>
}

/** A body as it is received: bytes, or what a serde makes of them. */
export type ReceivedBody<T> = string | Uint8Array extends T ? Buffer : T

interface Closable {
  close(options?: CloseOptions): Promise<void>
}

/** The part of the time of `close` that consumers have: producers and connections have nothing to wait for but brokers. */
const CONSUMERS_SHARE = 0.95
/** The part of the rest that producers have; what is left is for the connections. */
const PRODUCERS_SHARE = 0.8

/**
 * A client of a RocketMQ cluster: what everything else is made by. Its producers and consumers share its connections.
 * Nothing is connected before it is needed. Apache: `MQClientInstance.java`.
 *
 * ```ts
 * const mq = new RocketMQ({ nameServers: 'localhost:9876' })
 * const producer = await mq.producer({ group: 'orders' })
 * await producer.send({ topic: 'Orders', body: 'hello' })
 * await mq.close()
 * ```
 */
export class RocketMQ {
  readonly #env: Env
  readonly #options: ClientOptions
  readonly #client: ClientInstance
  /** Those beside `#client`: one more for each further member of a group that is there already. */
  readonly #further: ClientInstance[] = []
  readonly #parts = new Set<Closable>()
  #admin: AdminClient | undefined
  readonly #signal: AbortSignal | undefined
  readonly #endSignal: () => void
  #closing: Promise<void> | undefined

  /** Connects to nothing yet. `env` is the host, if it is to be another than this one. Throws RMQ_OPTION. */
  constructor(options: RocketMQOptions = {}, env?: Env) {
    checkOptions(options, knownOptions)
    const { logger, signal } = options
    const heard = logger === undefined ? undefined : eventsTo(logger)
    const host = env ?? nodeEnv(warnOnce())
    this.#env = heard === undefined ? host : { ...host, events: heard }
    this.#options = clientOptions(options)
    this.#client = new ClientInstance(this.#env, this.#options)
    this.#signal = signal
    this.#endSignal = whenAborted(signal, () => void this.close())
  }

  /** How brokers know this client. */
  get clientId(): string {
    return this.#client.clientId
  }

  /** A producer, ready to send. Rejects with RMQ_OPTION, RMQ_CLOSED. */
  async producer<T = string | Uint8Array>(
    options: Omit<ProducerOptions<T>, 'checkTransaction'> = {},
  ): Promise<Producer<T>> {
    checkOptions(options, producerOptions)
    return Promise.resolve(this.#producerOf(options))
  }

  /** A producer of messages that nobody gets before one's own work succeeded. Rejects with RMQ_OPTION, RMQ_CLOSED. */
  async transactionProducer<T = string | Uint8Array, R = ReceivedBody<T>>(
    options: TransactionProducerOptions<T, R>,
  ): Promise<TransactionProducer<T>> {
    checkOptions(options, transactionProducerOptions)
    const { check, ...rest } = options
    if ((check as unknown) === undefined) {
      throw new OptionError({ option: 'check', problem: 'transactions need it' })
    }
    const { serde } = options
    const checkTransaction: TransactionCheck = async (message) =>
      check(await decodeBody(serde, message))
    return Promise.resolve(new TransactionProducer(this.#producerOf({ ...rest, checkTransaction })))
  }

  /**
   * A member of a consumer group; `run` begins to consume. A second member of one group has a client id of its own, as
   * brokers want it. Rejects with RMQ_OPTION, RMQ_CLOSED.
   */
  async consumer<T = Buffer>(options: ConsumerOptions<T>): Promise<Consumer<T>> {
    checkOptions(options, consumerOptions)
    if ((options.subscriptions as unknown) === undefined) {
      const problem = "it is needed: give { topic: '*' }"
      throw new OptionError({ option: 'subscriptions', problem })
    }
    const { consumeFrom = 'last', ...rest } = options
    const push = { ...rest, consumeFrom: startFrom(consumeFrom) }
    this.#checkSubscriptions(options)
    const make = (onClosed: () => void): Consumer<T> => {
      const engine = new PushConsumer(push, this.#env, this.#clientFor(options.group))
      return new Consumer(engine, options, onClosed, this.#signal)
    }
    return Promise.resolve(this.#kept(make))
  }

  /** Reads a topic without being in a group: a look that disturbs nobody. Throws RMQ_OPTION, RMQ_CLOSED. */
  reader<T = Buffer>(options: TopicReaderOptions<T>): TopicReader<T> {
    checkOptions(options, readerOptions)
    return this.#kept((onClosed) => new TopicReader(options, this.#env, this.#client, onClosed))
  }

  /** Creates topics, finds messages, and so on. Throws RMQ_CLOSED. */
  admin(): AdminClient {
    this.#checkOpen()
    return (this.#admin ??= new AdminClient({}, this.#env, this.#client))
  }

  /** What it has done since it was made, as plain data; `prometheusText` makes it a page for Prometheus. */
  metrics(): MetricsSnapshot {
    return metricsOf([this.#client, ...this.#further])
  }

  /**
   * How it does, with all its consumers and producers: what a readiness probe asks for is in `ok`. It says what is known
   * here, asks no server, and costs nothing while nobody asks. Throws RMQ_OPTION.
   */
  health(options: HealthOptions = {}): ClientHealth {
    checkOptions(options, healthOptions)
    const parts = [...this.#parts]
    return clientHealth(
      [this.#client, ...this.#further],
      this.#closing !== undefined,
      parts.filter((each) => each instanceof Consumer).map((each) => each.health(options)),
      parts.filter((each) => each instanceof Producer).map((each) => each.health(options)),
    )
  }

  /**
   * Closes consumers, which wait for handlers that run, then producers, then the connections: within `timeout` ms, default
   * 10000, whatever the brokers do. Handlers have four fifths of the time before they are told to end, see `close` of a
   * consumer.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    checkOptions(options, closeOptions)
    const { timeout = CLOSE_MS, signal } = options
    return withSignal((this.#closing ??= this.#close(timeout)), signal)
  }

  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(timeout: number): Promise<void> {
    const { clock } = this.#env
    const deadline = clock.monotonic() + timeout
    const left = (): number => Math.max(1, deadline - clock.monotonic())
    this.#endSignal()
    const parts = [...this.#parts]
    // Handlers of consumers may still send.
    for (const isConsumer of [true, false]) {
      const some = parts.filter((each) => each instanceof Consumer === isConsumer)
      const share = Math.max(1, left() * (isConsumer ? CONSUMERS_SHARE : PRODUCERS_SHARE))
      const closed = Promise.all(some.map((each) => each.close({ timeout: share })))
      await settledWithin(clock, share, closed)
    }
    const clients = [this.#client, ...this.#further]
    await settledWithin(clock, left(), Promise.all(clients.map((each) => each.close())))
    for (const each of clients) each.cut()
  }

  #producerOf<T>(options: ProducerOptions<T>): Producer<T> {
    return this.#kept((onClosed) => new Producer(options, this.#env, this.#client, onClosed))
  }

  /** Messages get lost between members of a group that want different things. Throws RMQ_OPTION. */
  #checkSubscriptions({
    group,
    subscriptions,
  }: Pick<ConsumerOptions, 'group' | 'subscriptions'>): void {
    const wanted = subscriptionsText(subscriptions)
    for (const part of this.#parts) {
      if (!(part instanceof Consumer) || part.group !== group) continue
      const other = subscriptionsText(part.subscriptions)
      if (other === wanted) continue
      const problem = `another consumer of the group ${group} wants ${other}, this one ${wanted}; all members of a group must want the same, or messages get lost`
      throw new OptionError({ option: 'subscriptions', problem })
    }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError({ what: `the client ${this.clientId}` })
  }

  /** Makes a part, and keeps it until it is closed. */
  #kept<P extends Closable>(make: (onClosed: () => void) => P): P {
    this.#checkOpen()
    const made: P = make(() => this.#parts.delete(made))
    this.#parts.add(made)
    return made
  }

  /** The client of a member of a group: two members of one group cannot share one. */
  #clientFor(group: string): ClientInstance {
    const wrapped = this.#client.wrapped(group)
    const free = [this.#client, ...this.#further].find((each) => each.reserve(wrapped))
    if (free !== undefined) return free
    const clientId = `${this.clientId}#${this.#further.length + 2}`
    const options = { ...this.#options, clientId }
    const further = new ClientInstance(this.#env, options, this.#client)
    further.reserve(wrapped)
    this.#further.push(further)
    return further
  }
}

function subscriptionsText(subscriptions: ConsumerOptions['subscriptions']): string {
  const sorted = Object.entries(subscriptions).sort(([one], [other]) => (one < other ? -1 : 1))
  return JSON.stringify(Object.fromEntries(sorted))
}

function clientOptions(options: RocketMQOptions): ClientOptions {
  const { nameServers = hostVariable('NAMESRV_ADDR'), timeout, tls } = options
  return {
    namespace: options.namespace,
    accessKey: options.accessKey,
    secretKey: options.secretKey,
    securityToken: options.securityToken,
    clientId: options.clientId,
    namesrvAddr: Array.isArray(nameServers) ? nameServers.join(';') : (nameServers as string),
    requestTimeoutMs: timeout,
    pollNameServerMs: options.pollNameServerMs,
    heartbeatMs: options.heartbeatMs,
    startTimeoutMs: options.startTimeoutMs,
    maxBodyBytes: options.maxBodyBytes,
    tls: tls === true ? {} : tls === false ? undefined : tls,
  }
}
