import type { Env, Timer } from '@skylarkmq/env'
import {
  clientRequests,
  consumeMessageDirectlyResultBody,
  consumerRunningInfoBody,
  consumerStatusBody,
  HeartBeat,
  heartbeatDataBody,
  ResponseCode,
  SkylarkError,
  SystemTopic,
  UnregisterClient,
  Property,
  withoutNamespace,
  wrapNamespace,
  type CheckTransactionState,
  type ConsumeMessageDirectlyResult,
  type ConsumerData,
  type ConsumerRunningInfo,
  type HeaderOf,
  type MessageQueue,
} from '@skylarkmq/protocol'
import {
  Dispatcher,
  NO_REPLY,
  OK,
  refuse,
  type Connection,
  type FrameHandler,
  alwaysServed,
  type ProcessorTable,
  type Reply,
} from '@skylarkmq/remoting'
import { inBackground } from './background.ts'
import { heartbeatFailed, routeNotRefreshed } from './events.ts'
import { storedMessages, type ReceivedMessage } from './message.ts'
import { DEFAULT_NAMESRV_ADDR, parseNamesrvAddr, type ClientOptions } from './options.ts'
import { OptionError, saysOf, type Advertised } from './errors.ts'
import { ReceivedBodies } from './received-bodies.ts'
import { ClientMetrics, type GroupGauges } from './metrics/client-metrics.ts'
import { ReplyTable, replyMessage } from './producer/request-reply.ts'
import { TopicRouteTable } from './route/topic-route-table.ts'
import { settledWithin } from './waiting.ts'
import type { Credentials } from './wire/acl-signature.ts'
import { Caller } from './wire/call.ts'
import { LostBrokers } from './wire/lost-brokers.ts'
import { NameServers } from './wire/name-servers.ts'
import { patiently } from './wire/patience.ts'

const REQUEST_TIMEOUT_MS = 3_000
const POLL_NAME_SERVER_MS = 30_000
const HEARTBEAT_MS = 30_000
/** How long the answers to heartbeats are waited for before the client continues. */
const BEAT_MS = 1_000
/** How often topics are looked for that somebody wants and that are not there. */
const MISSING_MS = 2_000

/** What brokers may ask of this client. */
const servedRequests = {
  NOTIFY_CONSUMER_IDS_CHANGED: clientRequests.NOTIFY_CONSUMER_IDS_CHANGED,
  RESET_CONSUMER_CLIENT_OFFSET: clientRequests.RESET_CONSUMER_CLIENT_OFFSET,
  CHECK_TRANSACTION_STATE: clientRequests.CHECK_TRANSACTION_STATE,
  PUSH_REPLY_MESSAGE_TO_CLIENT: clientRequests.PUSH_REPLY_MESSAGE_TO_CLIENT,
  GET_CONSUMER_STATUS_FROM_CLIENT: clientRequests.GET_CONSUMER_STATUS_FROM_CLIENT,
  GET_CONSUMER_RUNNING_INFO: clientRequests.GET_CONSUMER_RUNNING_INFO,
  CONSUME_MESSAGE_DIRECTLY: clientRequests.CONSUME_MESSAGE_DIRECTLY,
} as const

/** A consumer group of a client, as heartbeats and brokers' requests see it. */
export interface GroupMember {
  /** What a heartbeat says of it. */
  consumerData(): ConsumerData
  /** Other clients have come to the group or have left it. */
  membersChanged(): void
  /** An administrator moved the group; `body` is a ResetOffsetTable. */
  offsetsReset(topic: string, body: Buffer): void
  /** How far it has come in the queues of a topic that it reads. */
  offsets(topic: string): ReadonlyMap<MessageQueue, number>
  /** What waits and runs, for metrics. */
  gauges(): GroupGauges
  /** What it is doing. */
  runningInfo(): ConsumerRunningInfo
  /** Consumes a message because an administrator wants it. */
  consumeDirectly(message: ReceivedMessage): Promise<ConsumeMessageDirectlyResult>
}

/** Hears that a broker asks what became of a transaction. */
export type CheckListener = (
  header: HeaderOf<typeof CheckTransactionState>,
  message: ReceivedMessage,
  connection: Connection,
) => void

const processors: ProcessorTable<ClientInstance, typeof servedRequests> = {
  NOTIFY_CONSUMER_IDS_CHANGED: (client, { header }) => {
    client.consumers.get(header.consumerGroup)?.membersChanged()
    return NO_REPLY
  },
  RESET_CONSUMER_CLIENT_OFFSET: (client, { header, body }) => {
    const member = client.consumers.get(header.group)
    if (member !== undefined && body !== undefined) {
      member.offsetsReset(header.topic, Buffer.from(body))
    }
    return NO_REPLY
  },
  GET_CONSUMER_STATUS_FROM_CLIENT: (client, { header }) => {
    const messageQueueTable = client.consumers.get(header.group)?.offsets(header.topic) ?? new Map()
    return { ...OK, body: consumerStatusBody.encode({ messageQueueTable }) }
  },
  GET_CONSUMER_RUNNING_INFO: (client, { header: { consumerGroup } }) => {
    const member = client.consumers.get(consumerGroup)
    if (member === undefined) return notHere(consumerGroup)
    return { ...OK, body: consumerRunningInfoBody.encode(member.runningInfo()) }
  },
  CONSUME_MESSAGE_DIRECTLY: async (client, { header: { consumerGroup, brokerName }, body }) => {
    const member = client.consumers.get(consumerGroup)
    if (member === undefined) return notHere(consumerGroup)
    const records = Buffer.from(body ?? [])
    const [message] = storedMessages(records, brokerName ?? '', client.namespace)
    if (message === undefined) return refuse(ResponseCode.SYSTEM_ERROR, 'there is no message in it')
    const result = await member.consumeDirectly(message)
    return { ...OK, body: consumeMessageDirectlyResultBody.encode(result) }
  },
  CHECK_TRANSACTION_STATE: (client, { header, body, connection }) => {
    const messages =
      body === undefined
        ? []
        : storedMessages(Buffer.from(body), header.bname ?? '', client.namespace)
    for (const message of messages) {
      const group = message.properties.get(Property.PGROUP) ?? ''
      const check = client.transactionChecks.get(group)
      check?.(header, client.bodies.restored(message), connection)
    }
    return NO_REPLY
  },
  PUSH_REPLY_MESSAGE_TO_CLIENT: (client, { header, body }) => {
    // Nobody waits for a reply that came too late; that is no fault of the broker.
    const reply = replyMessage(header, Buffer.from(body ?? []))
    if (client.replies.isWaitedFor(reply)) client.replies.arrived(client.bodies.restored(reply))
    return OK
  },
}

function notHere(group: string): Reply {
  const remark = `The Consumer Group <${group}> not exist in this consumer`
  return refuse(ResponseCode.SYSTEM_ERROR, remark)
}

/**
 * What producers and consumers have in common: an id, connections, routes, and heartbeats to all brokers
 * of the routes. Apache: `MQClientInstance.java`.
 */
export class ClientInstance {
  /** `ip@instanceName`: how brokers tell clients apart. */
  readonly clientId: string
  /** As `clientId`, but the same after a restart; Java's client names the folder of its offsets so. */
  readonly stableId: string
  /** Before the names of topics and groups; undefined when there is none. */
  readonly namespace: string | undefined
  readonly env: Env
  readonly caller: Caller
  /** Restores what was received. */
  readonly bodies: ReceivedBodies
  readonly nameServers: NameServers
  readonly routes: TopicRouteTable
  /** What it has done; clients of one RocketMQ have them together. */
  readonly metrics: ClientMetrics
  /** How many producers of each group there are. */
  readonly producerGroups = new Map<string, number>()
  readonly consumers = new Map<string, GroupMember>()
  /** Requests of this client that wait for their replies. */
  readonly replies = new ReplyTable()
  /** By producer group. */
  readonly transactionChecks = new Map<string, CheckListener>()
  /** Ids of half messages that are being sent: brokers are told nothing of them before their transactions have begun. */
  readonly halves = new Set<string>()
  /** See ClientOptions; Infinity when it is not given. */
  readonly startTimeoutMs: number
  readonly #reserved = new Set<string>()
  /** Addresses that were connected to, each with when it was again, on the monotonic clock. */
  readonly #known = new Map<string, number>()
  readonly #pollMs: number
  readonly #heartbeatMs: number
  readonly #lost: LostBrokers
  #timers: Timer[] | undefined
  #endMeeting: (() => void) | undefined
  #isCut = false

  /** `beside` is the first client of the same RocketMQ, with which this one counts together. Throws RMQ_OPTION. */
  constructor(env: Env, options: ClientOptions, beside?: ClientInstance) {
    const metrics = beside?.metrics ?? new ClientMetrics()
    this.metrics = metrics
    this.env = env
    const handler: FrameHandler = {
      dispatch: (connection: Connection, frame) => {
        dispatcher.dispatch(connection, frame)
      },
    }
    this.bodies = new ReceivedBodies(env, options.maxBodyBytes)
    this.namespace = options.namespace === '' ? undefined : options.namespace
    this.caller = new Caller(env, {
      handler,
      timeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      credentials: credentialsOf(options),
      tls: options.tls,
      advertised: (address) => this.#advertised(address),
      connected: (address) => {
        this.#connected(address)
      },
      unreachable: (address) => {
        metrics.connections.failed++
        this.#background('reading routes', this.#lost.unreachable(address))
      },
      ended: (address, end) => {
        if (end !== 'left') metrics.connections.lost++
        this.#background('connecting again', this.#lost.ended(address, end))
      },
    })
    const addresses = parseNamesrvAddr(options.namesrvAddr ?? DEFAULT_NAMESRV_ADDR)
    this.nameServers = new NameServers(env, this.caller, addresses)
    this.routes = new TopicRouteTable(this.nameServers, env.events)
    const instance = options.instanceName ?? env.random.bytes(6).toString('hex')
    const host = env.net.addresses()[0] ?? '127.0.0.1'
    this.clientId = options.clientId ?? `${host}@${instance}`
    this.stableId =
      beside?.stableId ?? options.clientId ?? `${host}@${options.instanceName ?? 'DEFAULT'}`
    this.#pollMs = options.pollNameServerMs ?? POLL_NAME_SERVER_MS
    this.#heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS
    this.#lost = new LostBrokers({
      env,
      routes: this.routes,
      heartbeatMs: this.#heartbeatMs,
      reach: (address) => this.caller.reach(address),
      isAsked: () => this.transactionChecks.size > 0 || this.consumers.size > 0,
      isOver: () => this.#timers?.length === 0,
    })
    this.startTimeoutMs = options.startTimeoutMs ?? Infinity
    const dispatcher = new Dispatcher({
      context: this,
      requests: servedRequests,
      services: alwaysServed(processors),
      events: env.events,
    })
  }

  /** Begins to read routes again and to send heartbeats. Safe to call twice. */
  start(): void {
    this.#timers ??= [
      this.env.clock.every(this.#pollMs, () => {
        this.#background('reading routes', this.routes.refresh())
      }),
      this.env.clock.every(this.#heartbeatMs, () => {
        this.#background('a heartbeat', this.heartbeat())
      }),
      this.env.clock.every(Math.min(this.#pollMs, MISSING_MS), () => {
        this.#background('reading routes', this.routes.refreshMissing())
      }),
    ]
  }

  /**
   * Has every broker of the cluster know this client, also where it has sent nothing yet: brokers ask back only whom
   * they know. Waits for name servers that are away. `what` says who wants it.
   */
  async meetAllBrokers(what: string): Promise<void> {
    this.start()
    // Each broker has this topic.
    const topic = SystemTopic.SELF_TEST
    this.#endMeeting ??= this.routes.onChange((changed) => {
      if (changed === topic) this.#background('a heartbeat', this.heartbeat())
    })
    const isOver = (): boolean => this.#timers?.length === 0
    try {
      const patience = { env: this.env, what, timeoutMs: Infinity, isOver }
      await patiently(patience, () => this.routes.find(topic))
    } catch (error) {
      if (!(error instanceof SkylarkError)) throw error
      if (!isOver()) this.env.events.emit(routeNotRefreshed, { topic, reason: saysOf(error) })
      return
    }
    await this.heartbeat()
  }

  /**
   * Tells every broker of the routes who this client is. A broker that cannot be reached is left for the next time, and one
   * that says nothing for a second keeps nobody waiting.
   */
  async heartbeat(): Promise<void> {
    const addresses = this.routes.addresses(this.consumers.size > 0)
    const told = this.#each(addresses, (address) => this.#beat(address))
    if (await settledWithin(this.env.clock, BEAT_MS, told)) await told
    else this.#background('a heartbeat', told)
  }

  /** A topic or a group, in the namespace of this client. */
  wrapped(name: string): string {
    return wrapNamespace(this.namespace, name)
  }

  /** A topic or a group as this client calls it: taken out of its namespace. */
  unwrapped(name: string): string {
    return this.namespace === undefined ? name : withoutNamespace(name, this.namespace)
  }

  /** A producer of a group has come; `leave` when it goes. */
  joinAsProducer(group: string): void {
    this.producerGroups.set(group, (this.producerGroups.get(group) ?? 0) + 1)
  }

  /** One producer of a group goes; whether others stay. */
  #hasOthers(group: string): boolean {
    const left = (this.producerGroups.get(group) ?? 1) - 1
    if (left > 0) this.producerGroups.set(group, left)
    else this.producerGroups.delete(group)
    return left > 0
  }

  /** Takes a consumer group for a member that will join it; false when this client has one already. */
  reserve(group: string): boolean {
    if (this.#reserved.has(group)) return false
    this.#reserved.add(group)
    return true
  }

  /** Leaves groups, a producer's when it was the last one: tells all brokers of the routes. One that cannot be reached finds out by itself. */
  async leave(groups: { producer?: string; consumer?: string }): Promise<void> {
    const { producer, consumer } = groups
    const addresses = this.routes.addresses(this.consumers.size > 0)
    if (producer !== undefined && this.#hasOthers(producer)) return
    if (consumer !== undefined) {
      this.consumers.delete(consumer)
      this.#reserved.delete(consumer)
    }
    const header: HeaderOf<typeof UnregisterClient> = { clientID: this.clientId }
    if (producer !== undefined) header.producerGroup = producer
    if (consumer !== undefined) header.consumerGroup = consumer
    await this.#each(addresses, (address) => this.caller.call(address, UnregisterClient, header))
  }

  /** Leaves all groups and closes the connections. */
  async close(): Promise<void> {
    for (const timer of this.#timers ?? []) timer.cancel()
    this.#timers = []
    const left = [
      ...[...this.producerGroups.keys()].map((producer) => {
        this.producerGroups.set(producer, 1)
        return this.leave({ producer })
      }),
      ...[...this.consumers.keys()].map((consumer) => this.leave({ consumer })),
    ]
    await Promise.all(left)
    this.cut()
  }

  /** Closes the connections at once; brokers notice. */
  cut(): void {
    this.#isCut = true
    for (const timer of this.#timers ?? []) timer.cancel()
    this.#timers = []
    this.#endMeeting?.()
    this.routes.end()
    this.caller.close()
  }

  async #beat(address: string): Promise<void> {
    if (this.producerGroups.size === 0 && this.consumers.size === 0) return
    const body = heartbeatDataBody.encode({
      clientID: this.clientId,
      producerDataSet: [...this.producerGroups.keys()].map((groupName) => ({ groupName })),
      consumerDataSet: [...this.consumers.values()].map((each) => each.consumerData()),
      heartbeatFingerprint: 0,
      withoutSub: false,
    })
    await this.caller.call(address, HeartBeat, {}, { body })
  }

  /** Whether a connection to an address was lost and made again in the last `ms`. */
  reconnectedWithin(address: string, ms: number): boolean {
    return this.env.clock.monotonic() - (this.#known.get(address) ?? -Infinity) < ms
  }

  /** A broker that was connected before has forgotten this client with the connection: it is told at once. */
  #connected(address: string): void {
    const isFirst = !this.#known.has(address)
    this.metrics.connections.made++
    if (!isFirst) this.metrics.connections.reconnects++
    this.#known.set(address, isFirst ? -Infinity : this.env.clock.monotonic())
    if (isFirst) return
    if (this.routes.brokerAt(address) === undefined) return
    const told = this.#each([address], (each) => this.#beat(each)).then(() => {
      for (const member of this.consumers.values()) member.membersChanged()
    })
    this.#background('a heartbeat', told)
  }

  #background(what: string, work: Promise<unknown>): void {
    inBackground(this.env.events, what, work)
  }

  #advertised(address: string): Advertised | undefined {
    const broker = this.routes.brokerAt(address)
    if (broker === undefined) return undefined
    const { brokerName, cluster } = broker
    const nameServers = this.nameServers.addresses.join(', ')
    return { brokerName, cluster, nameServers, wasReached: this.#known.has(address) }
  }

  async #each(
    addresses: readonly string[],
    ask: (address: string) => Promise<unknown>,
  ): Promise<void> {
    const asked = addresses.map(async (address) => {
      try {
        await ask(address)
      } catch (error) {
        if (!(error instanceof SkylarkError)) throw error
        // Who has gone need not say that nobody answers any more.
        if (this.#isCut) return
        this.env.events.emit(heartbeatFailed, { address, reason: saysOf(error) })
      }
    })
    await Promise.all(asked)
  }
}

function credentialsOf({
  accessKey,
  secretKey,
  securityToken,
}: ClientOptions): Credentials | undefined {
  if (accessKey === undefined && secretKey === undefined) return undefined
  if (accessKey === undefined || secretKey === undefined) {
    const option = accessKey === undefined ? 'accessKey' : 'secretKey'
    throw new OptionError({ option, problem: 'accessKey and secretKey go together' })
  }
  return { accessKey, secretKey, securityToken }
}
