import type { Env } from '@skylarkmq/env'
import { RemotingClient, WaitingRoom } from '@skylarkmq/remoting'
import { MessageStore } from '@skylarkmq/store'
import { advertisedAddress } from './advertised-address.ts'
import { allBrokerOptions, type FullBrokerConfig } from './all-options.ts'
import type { BrokerContext } from './broker-context.ts'
import { BrokerRole } from './broker-role.ts'
import { BroadcastOffsetTable } from './consumer/broadcast-offset-table.ts'
import { ColdDataControl } from './consumer/cold-data-control.ts'
import { ConsumerTable, type ConsumerGroup } from './consumer/consumer-table.ts'
import { GroupNotices } from './consumer/group-notices.ts'
import { QueueLockTable } from './consumer/queue-lock-table.ts'
import type { SubscriptionConflict } from './consumer/subscription-conflict.ts'
import { subscriptionsDiffer } from './events.ts'
import type { ConsumerFilterTable } from './filter/consumer-filter-table.ts'
import { FlowControl } from './flow/flow-control.ts'
import { LiveConfig } from './live-config.ts'
import { PullRequestHold } from './longpolling/pull-request-hold.ts'
import { BrokerLanes } from './flow/lanes.ts'
import { ProducerTable } from './producer/producer-table.ts'
import { readTables } from './read-tables.ts'
import { TagSubscriptions } from './reading/tag-subscriptions.ts'
import { NameServerRegistration } from './registration/register-broker.ts'
import { TopicRoutes } from './registration/topic-routes.ts'
import { ScheduledDelivery } from './schedule/scheduled-delivery.ts'
import { sendStamp } from './send/send-stamp.ts'
import { BrokerStats } from './stats/broker-stats.ts'
import { MessageKind } from './stats/message-meter.ts'
import { DayCounts } from './stats/day-counts.ts'
import type { TableLimits } from './table-limits.ts'
import { isBatchTopic } from './topic/topic-attributes.ts'
import type { TopicConfigTable } from './topic/topic-config-table.ts'
import { transactionParts } from './transaction/transaction-parts.ts'
import { Transactions } from './transaction/transactions.ts'

/** Memory for requests that are queued; who would take more is told that the broker is busy. */
const QUEUED_BYTES_MAX = 64 * 1024 * 1024

/** What a context is made of. */
export interface ContextParts {
  /** The host as the store has it: an error in there ends the process, which is restarted and recovers. */
  readonly host: Env
  /** The same with a clock whose listeners may fail. */
  readonly env: Env
  readonly config: FullBrokerConfig
  readonly client: RemotingClient
  readonly limits: TableLimits
}

/**
 * Reads the tables, opens and recovers the store, and makes everything that processors need; nothing runs yet. Rejects
 * with the errors of the store and of `config/`.
 */
export async function openContext(parts: ContextParts): Promise<BrokerContext> {
  const { host, env, config, limits } = parts
  // The store takes from the configuration what this sets.
  const addresses = addressesOf(env, config)
  const folder = `${config.storePathRootDir}/config`
  // Tables first: one that cannot be read stops the start before anything is touched.
  const tables = readTables(env, config, limits, folder)
  const isBatch = (topic: string): boolean => isBatchTopic(tables.topics.get(topic))
  const store = await MessageStore.open(host, config, isBatch)
  try {
    return contextOf(parts, store, tables, addresses, folder)
  } catch (error) {
    await store.shutdown()
    throw error
  }
}

function contextOf(
  { env, config, client, limits }: ContextParts,
  store: MessageStore,
  tables: ReturnType<typeof readTables>,
  { host, address, identity }: ReturnType<typeof addressesOf>,
  folder: string,
): BrokerContext {
  const { clock } = env
  const { topics, offsets, filters } = tables
  const clampOffsets = (): void => {
    offsets.clamp((topic, queueId) => store.offsetMax(topic, queueId))
  }
  if (!store.wasClean) clampOffsets()
  store.watch({ cut: clampOffsets })
  env.disk.makeDirectory(folder)
  const stats = new BrokerStats(clock, config.brokerClusterName, limits.stats)
  const producers = new ProducerTable(clock, limits.producers)
  const registration = new NameServerRegistration(env, client, topics, () => identity)
  const flow = new FlowControl(env, config, store)
  const consumers = consumerTable(env, filters, limits)
  const delivered = (topic: string, sizeBytes: number): void => {
    stats.topicPut(topic, 1, sizeBytes, MessageKind.delay)
    stats.meter.delayDelivered(sizeBytes)
  }
  const { messageDelayLevel } = config
  const delayFile = `${folder}/delayOffset.json`
  const context: Mutable<BrokerContext> = {
    env,
    config,
    liveConfig: liveConfigOf(config, host),
    role: new BrokerRole(config),
    store,
    ...tables,
    consumers,
    broadcasts: new BroadcastOffsetTable({ clock, config, consumers, offsets }),
    producers,
    locks: new QueueLockTable(clock, limits.locks),
    coldData: new ColdDataControl(clock, config, limits.coldData),
    held: new PullRequestHold(clock, store),
    tagSubscriptions: new TagSubscriptions(),
    stats,
    schedule: new ScheduledDelivery(env, store, delayFile, messageDelayLevel, delivered),
    transactions: new Transactions(
      transactionParts({ env, config, store, topics, offsets, stats, producers }),
    ),
    registration,
    topicRoutes: topicRoutesOf(env, config, { client, registration, topics }),
    stamp: sendStamp(config),
    lanes: lanesOf(env, config, flow),
    flow,
    day: new DayCounts(clock, stats),
    address,
    host,
    bootTimestamp: clock.now(),
    configChanged: () => {
      context.stamp = sendStamp(config)
      context.registration.changed()
    },
  }
  return context
}

/** The configuration as requests see it, with what holds for keys that nobody set. */
function liveConfigOf(config: FullBrokerConfig, host: string): LiveConfig {
  return new LiveConfig(allBrokerOptions, config as unknown as Record<string, unknown>, () => ({
    brokerIP1: host,
    brokerIP2: host,
    haListenPort: String(config.listenPort + 1),
    rocketmqHome: config.storePathRootDir,
    storePathCommitLog: `${config.storePathRootDir}/commitlog`,
  }))
}

/** What clients and name servers are told of where this broker is. */
function addressesOf({ net }: Env, config: FullBrokerConfig) {
  const { brokerIP1, brokerIP2, bindAddress, listenPort } = config
  const { host, hostBytes, followsAsker } = advertisedAddress(net, brokerIP1, bindAddress)
  config.storeHost = { address: hostBytes, port: listenPort }
  const address = `${host}:${listenPort}`
  const haAddress = `${brokerIP2 === '' ? host : brokerIP2}:${listenPort + 1}`
  return { host, address, identity: { config, address, haAddress, followsAsker } }
}

function consumerTable(
  { clock, turn, events }: Env,
  filters: ConsumerFilterTable,
  limits: TableLimits,
): ConsumerTable {
  const notices = new GroupNotices(clock, turn)
  const listeners = {
    changed: (group: ConsumerGroup) => {
      notices.changed(group)
    },
    conflict: (conflict: SubscriptionConflict) => {
      events.emit(subscriptionsDiffer, conflict)
    },
    gone: (group: string) => {
      notices.gone(group)
      filters.unregister(group)
    },
  }
  return new ConsumerTable(clock, listeners, limits.consumers)
}

interface RouteParts {
  readonly client: RemotingClient
  readonly registration: NameServerRegistration
  readonly topics: TopicConfigTable
}

function topicRoutesOf(
  { clock }: Env,
  config: FullBrokerConfig,
  { client, registration, topics }: RouteParts,
): TopicRoutes {
  const { brokerName } = config
  return new TopicRoutes(clock, {
    client,
    nameServers: () => registration.nameServers,
    own: (topic) => {
      const count = topics.get(topic)?.readQueueNums
      return count === undefined
        ? undefined
        : Array.from({ length: count }, (_, queueId) => ({ topic, brokerName, queueId }))
    },
    freshMs: () => config.loadBalancePollNameServerInterval,
  })
}

function lanesOf({ clock }: Env, config: FullBrokerConfig, flow: FlowControl): BrokerLanes {
  const room = new WaitingRoom(clock, {
    bytesMax: QUEUED_BYTES_MAX,
    failsFast: () => config.brokerFastFailureEnable,
    reason: flow.reason,
  })
  return new BrokerLanes(config, room, flow.busy)
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
