import {
  consumerConnectionBody,
  consumerRunningInfoBody,
  consumeStatsBody,
  DeleteSubscriptiongroup,
  GetAllSubscriptiongroupConfig,
  GetConsumerConnectionList,
  GetConsumerRunningInfo,
  GetConsumeStats,
  InvokeBrokerToResetOffset,
  queueKey,
  ResponseCode,
  RETRY_PREFIX,
  subscriptionGroupConfig,
  subscriptionGroupConfigBody,
  subscriptionGroupWrapperBody,
  UpdateAndCreateSubscriptiongroup,
  type ConsumerConnection,
  type ConsumerRunningInfo,
  type MessageQueue,
  SkylarkError,
  type SubscriptionData,
  type SubscriptionGroupConfig,
} from '@skylarkmq/protocol'
import { checkOptions } from '../check/check-options.ts'
import { groupSettings, resetOptions } from '../check/known-options.ts'
import type { ClientInstance } from '../client-instance.ts'
import { RouteNotFoundError } from '../errors.ts'
import { QueueOffsets, startFrom, type StartFrom } from '../offset/queue-offsets.ts'
import { checkedConsumerGroup, checkedGroup } from '../options.ts'
import { subscribeQueues } from '../route/topic-route.ts'
import { underSignal, type CallOptions } from '../waiting.ts'
import { mastersOf, readMasters, type Master } from './brokers-known.ts'
import { subscriptionsOf, type MembersSubscriptions, type Subscription } from './subscriptions.ts'

/** How far a group has come in one queue. */
export interface QueueLag {
  /** Which queue. */
  readonly queue: MessageQueue
  /** Offset behind the last message of the queue. */
  readonly brokerOffset: number
  /** Offset that the group consumes next. */
  readonly consumerOffset: number
  /** Messages that it has not consumed. */
  readonly lag: number
  /** When the message was stored that it consumed last, ms since 1970; 0 when that is not known. */
  readonly lastTimestamp: number
}

/** How far a group has come. */
export interface GroupLag {
  /** Messages that it has not consumed, in all queues. */
  readonly lag: number
  /** Messages that it consumes in a second, as the brokers count them. */
  readonly consumeTps: number
  /** The same by queue. */
  readonly queues: readonly QueueLag[]
}

/** Where one queue of a group goes by a reset. */
export interface OffsetChange {
  /** Which queue. */
  readonly queue: MessageQueue
  /** Undefined when the group has no offset there. */
  readonly from: number | undefined
  /** Offset that it consumes next. */
  readonly to: number
}

/** How offsets are to be reset. */
export interface ResetOptions extends CallOptions {
  /** To the first message, behind the last one, or to the first one stored at a time or later. */
  readonly to: StartFrom | Date
  /** Only says what would change; default false. */
  readonly dryRun?: boolean
}

/** Members of a group that are asked. */
const MEMBERS_MAX = 256

/** Consumer groups. All methods reject with RMQ_NAME_SERVER, with RMQ_BROKER when a broker refuses, and with the reason of `signal`. */
export class Groups {
  readonly #client: ClientInstance
  readonly #offsets: QueueOffsets

  /** `client` makes the connections. */
  constructor(client: ClientInstance) {
    this.#client = client
    this.#offsets = new QueueOffsets(client)
  }

  /** The settings of all groups, by name; of a group that differs between brokers, those of one of them. */
  list(options: CallOptions = {}): Promise<SubscriptionGroupConfig[]> {
    return underSignal(options, async () => {
      const all = new Map<string, SubscriptionGroupConfig>()
      for (const { address } of await readMasters(this.#client)) {
        options.signal?.throwIfAborted()
        const answer = await this.#client.caller.call(address, GetAllSubscriptiongroupConfig, {})
        const { subscriptionGroupTable } = subscriptionGroupWrapperBody.decode(answer.body)
        for (const [name, config] of subscriptionGroupTable) all.set(name, config)
      }
      return [...all.values()].sort((one, other) => (one.groupName < other.groupName ? -1 : 1))
    })
  }

  /** Creates a group on all masters, or changes it; what is not given has Apache's default. Rejects with RMQ_OPTION too. */
  create(
    group: string,
    settings: Partial<Omit<SubscriptionGroupConfig, 'groupName'>> = {},
    options: CallOptions = {},
  ): Promise<void> {
    return underSignal(options, async () => {
      checkOptions(settings, groupSettings)
      const config = subscriptionGroupConfig(
        checkedConsumerGroup(this.#client.wrapped(checkedGroup(group))),
        settings,
      )
      const body = subscriptionGroupConfigBody.encode(config)
      for (const { address } of await readMasters(this.#client)) {
        options.signal?.throwIfAborted()
        await this.#client.caller.call(address, UpdateAndCreateSubscriptiongroup, {}, { body })
      }
    })
  }

  /** Deletes a group on all masters; with `offsets`, what it has consumed is forgotten too. */
  delete(group: string, options: { offsets?: boolean } & CallOptions = {}): Promise<void> {
    const { offsets = false, signal } = options
    return underSignal(options, async () => {
      const header = { groupName: this.#client.wrapped(group), cleanOffset: offsets }
      for (const { address } of await readMasters(this.#client)) {
        signal?.throwIfAborted()
        await this.#client.caller.call(address, DeleteSubscriptiongroup, header)
      }
    })
  }

  /** How far a group has come, in one topic or in all; nothing of a group that never consumed. */
  lag(group: string, topic?: string, options: CallOptions = {}): Promise<GroupLag> {
    return underSignal(options, async () => {
      const header = {
        consumerGroup: this.#client.wrapped(group),
        ...(topic === undefined ? {} : { topic: this.#client.wrapped(topic) }),
      }
      const stats = await Promise.all(
        (await this.#mastersOf(group)).map(async ({ address }) => {
          const answer = await this.#client.caller.call(address, GetConsumeStats, header)
          return consumeStatsBody.decode(answer.body)
        }),
      )
      const queues = stats
        .flatMap(({ offsetTable }) => [...offsetTable])
        .map(([queue, { brokerOffset, consumerOffset, lastTimestamp }]) => {
          const lag = Math.max(0, brokerOffset - consumerOffset)
          return { queue, brokerOffset, consumerOffset, lag, lastTimestamp }
        })
      return {
        lag: queues.reduce((sum, each) => sum + each.lag, 0),
        consumeTps: stats.reduce((sum, each) => sum + each.consumeTps, 0),
        queues,
      }
    })
  }

  /** The clients of a group and what they want; undefined when none is connected. */
  connections(group: string, options: CallOptions = {}): Promise<ConsumerConnection | undefined> {
    return underSignal(options, async () => {
      const header = { consumerGroup: this.#client.wrapped(group) }
      const accept = [ResponseCode.CONSUMER_NOT_ONLINE]
      for (const { address } of await this.#mastersOf(group)) {
        options.signal?.throwIfAborted()
        const { caller } = this.#client
        const answer = await caller.call(address, GetConsumerConnectionList, header, { accept })
        if (answer.code === ResponseCode.SUCCESS) return consumerConnectionBody.decode(answer.body)
      }
      return undefined
    })
  }

  /**
   * What the groups that are connected want of which topics, or one of them; each member is asked what it wants itself, and
   * those that do not say are left out. Rows are sorted by group and topic.
   */
  subscriptions(group?: string, options: CallOptions = {}): Promise<Subscription[]> {
    return underSignal(options, async () => {
      const names =
        group === undefined
          ? (await this.list(options)).map(({ groupName }) => this.#client.unwrapped(groupName))
          : [group]
      const rows: Subscription[] = []
      for (const name of names) {
        options.signal?.throwIfAborted()
        const connection = await this.connections(name, options)
        if (connection === undefined) continue
        const members = await this.#wants(name, connection)
        rows.push(
          ...subscriptionsOf(name, connection, members, (topic) => this.#client.unwrapped(topic)),
        )
      }
      return rows.sort(
        (one, other) => compareText(one.group, other.group) || compareText(one.topic, other.topic),
      )
    })
  }

  async #wants(
    group: string,
    { connectionSet }: ConsumerConnection,
  ): Promise<MembersSubscriptions> {
    const members = new Map<string, readonly SubscriptionData[]>()
    const asked = connectionSet.slice(0, MEMBERS_MAX).map(async ({ clientId }) => {
      try {
        members.set(clientId, (await this.runningInfo(group, clientId)).subscriptionSet)
      } catch (error) {
        // It has just gone, or is a client that does not answer this.
        if (!(error instanceof SkylarkError)) throw error
      }
    })
    await Promise.all(asked)
    return members
  }

  /** What a client of a group is doing. */
  runningInfo(
    group: string,
    clientId: string,
    options: CallOptions = {},
  ): Promise<ConsumerRunningInfo> {
    return underSignal(options, async () => {
      const header = { consumerGroup: this.#client.wrapped(group), clientId }
      const [master] = await this.#mastersOf(group)
      if (master === undefined) {
        throw new RouteNotFoundError({ topic: group, reason: 'no master has this group' })
      }
      const answer = await this.#client.caller.call(master.address, GetConsumerRunningInfo, header)
      return consumerRunningInfoBody.decode(answer.body)
    })
  }

  /**
   * Has a group consume a topic from another place on, whether it is connected or not. Returns what changes, or would
   * with `dryRun`. Rejects with RMQ_TOPIC_NOT_FOUND too.
   */
  resetOffsets(group: string, topic: string, options: ResetOptions): Promise<OffsetChange[]> {
    return underSignal(options, async () => {
      checkOptions(options, resetOptions)
      const to = startFrom(options.to)
      const wrapped = this.#client.wrapped(topic)
      const known = await this.lag(group, topic)
      const from = new Map(known.queues.map((each) => [queueKey(each.queue), each.consumerOffset]))
      const queues = subscribeQueues(wrapped, await this.#client.routes.get(wrapped))
      const changes = await Promise.all(
        queues.map(async (queue) => ({
          queue,
          from: from.get(queueKey(queue)),
          to: await this.#offsets.at(queue, to),
        })),
      )
      if (options.dryRun === true) return changes
      const header = { topic: wrapped, group: this.#client.wrapped(group), isForce: true }
      const timestamp = to === 'first' ? 0 : to === 'last' ? -1 : to.timestampMs
      const accept = [ResponseCode.CONSUMER_NOT_ONLINE]
      for (const { address, brokerName } of await mastersOf(this.#client, wrapped)) {
        options.signal?.throwIfAborted()
        const { caller } = this.#client
        const asked = { ...header, timestamp }
        const { code } = await caller.call(address, InvokeBrokerToResetOffset, asked, { accept })
        if (code === ResponseCode.SUCCESS) continue
        // A broker of 4.x moves only groups that are connected; what the others have stored may be written.
        for (const { queue, to: offset } of changes) {
          if (queue.brokerName !== brokerName) continue
          await this.#offsets.commitAndWait(header.group, queue, offset)
        }
      }
      return changes
    })
  }

  /** Those that have its retry topic, which a group has where it consumes; else all. */
  async #mastersOf(group: string): Promise<Master[]> {
    const topic = RETRY_PREFIX + this.#client.wrapped(group)
    const route = await this.#client.routes.find(topic)
    return route === undefined ? readMasters(this.#client) : mastersOf(this.#client, topic)
  }
}

function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
