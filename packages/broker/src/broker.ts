import type { Env, Timer } from '@skylarkmq/env'
import { hostErrorCode } from '@skylarkmq/env'
import { delayOffsetTableBody, isSystemGroup, type OptionTable } from '@skylarkmq/protocol'
import {
  Dispatcher,
  guardedClock,
  RemotingClient,
  RemotingServer,
  WaitingRoom,
  type Connection,
} from '@skylarkmq/remoting'
import { MessageStore, storeOptions, type StoreConfig } from '@skylarkmq/store'
import { advertisedAddress } from './advertised-address.ts'
import type { BrokerContext } from './broker-context.ts'
import { BroadcastOffsetTable } from './consumer/broadcast-offset-table.ts'
import { ColdDataControl } from './consumer/cold-data-control.ts'
import { ConsumerOffsetTable } from './consumer/consumer-offset-table.ts'
import { ConsumerTable, type ConsumerGroup } from './consumer/consumer-table.ts'
import { GroupNotices } from './consumer/group-notices.ts'
import { QueueLockTable } from './consumer/queue-lock-table.ts'
import type { SubscriptionConflict } from './consumer/subscription-conflict.ts'
import { brokerStarted, subscriptionsDiffer, tableNotSaved } from './events.ts'
import { ConsumerFilterTable } from './filter/consumer-filter-table.ts'
import { FlowControl } from './flow-control.ts'
import { inTurns } from './in-turns.ts'
import { JsonFile } from './json-table.ts'
import { LiveConfig } from './live-config.ts'
import { PullRequestHold } from './longpolling/pull-request-hold.ts'
import { brokerOptions, type BrokerConfig } from './options.ts'
import { servedRequests, servicesOf } from './processors/index.ts'
import { BrokerLanes } from './processors/lanes.ts'
import { ProducerTable } from './producer/producer-table.ts'
import { NameServerRegistration } from './registration/register-broker.ts'
import { TopicRoutes } from './registration/topic-routes.ts'
import { ScheduledDelivery } from './schedule/scheduled-delivery.ts'
import { sendStamp } from './send/send-stamp.ts'
import { BrokerStats } from './stats/broker-stats.ts'
import { DayCounts } from './stats/day-counts.ts'
import { tableLimits, type TableLimits } from './table-limits.ts'
import { MessageRequestModeTable } from './subscription/message-request-mode-table.ts'
import { SubscriptionGroupTable } from './subscription/subscription-group-table.ts'
import { isBatchTopic } from './topic/topic-attributes.ts'
import { TopicConfigTable } from './topic/topic-config-table.ts'
import { transactionParts } from './transaction/transaction-parts.ts'
import { Transactions } from './transaction/transactions.ts'

const SAMPLE_MS = 10_000
/** Counters that are sampled in one turn, so that others get theirs. */
const SAMPLED_PER_TURN = 10_000
const EXPIRE_MS = 10_000
const DELAY_OFFSET_MS = 1_000
const FILTER_MS = 10_000
const COLD_DATA_MS = 5_000
const BROADCAST_MS = 5_000
/** Memory for requests that are queued; who would take more is told that the broker is busy. */
const QUEUED_BYTES_MAX = 64 * 1024 * 1024
/** The fast port is for what must not wait behind pulls; slaves take their tables from it. */
const FAST_PORT_LESS = 2
/** So many ports are tried whose fast port may be taken. */
const PORTS_TRIED = 10

/** Every option of a broker: its own and its store's. */
export const allBrokerOptions = { ...brokerOptions, ...storeOptions } satisfies OptionTable

/** Values of all options of a broker. */
export type FullBrokerConfig = BrokerConfig & StoreConfig

/** Where a broker serves. */
export interface BrokerPorts {
  readonly port: number
  /** Undefined when it was taken. */
  readonly fastPort: number | undefined
}

/**
 * One broker: a store, tables, and the processors that serve clients from them.
 * Apache: `BrokerController.java`.
 */
export class Broker {
  /** As the store has it: an error in there ends the process, which is started anew and recovers. */
  readonly #host: Env
  readonly #env: Env
  readonly #config: FullBrokerConfig
  readonly #server: RemotingServer
  readonly #client: RemotingClient
  readonly #timers: Timer[] = []
  readonly #limits: TableLimits
  #dispatcher: Dispatcher<BrokerContext, typeof servedRequests> | undefined
  #context: BrokerContext | undefined

  /** `config` is kept: live options change in it. */
  constructor(env: Env, config: FullBrokerConfig) {
    this.#host = env
    this.#env = { ...env, clock: guardedClock(env.clock, env.events) }
    this.#config = config
    this.#limits = tableLimits(config, env.events)
    const handler = {
      dispatch: (connection: Connection, frame: Parameters<RemotingServerHandler>[1]) => {
        this.#dispatcher?.dispatch(connection, frame)
      },
    }
    this.#server = new RemotingServer(env, handler, {
      idleMs: config.serverChannelMaxIdleTimeSeconds * 1000,
      proxyProtocolTrustedAddresses: config.proxyProtocolTrustedAddresses,
    })
    this.#client = new RemotingClient(env, {
      handler,
      onClosed: (address, end) => {
        if (end !== 'left') this.#context?.registration.lost(address)
      },
    })
  }

  /**
   * Opens the ports; nobody is served yet. Rejects with the host's error (`EADDRINUSE`, …). A port that may be any is
   * one whose fast port is free too, so that the broker can be started there again; after some that are not, the
   * fast port is done without.
   */
  async listen(): Promise<BrokerPorts> {
    const { bindAddress, listenPort } = this.#config
    for (let left = listenPort === 0 ? PORTS_TRIED : 0; ; left--) {
      const port = await this.#server.listen(bindAddress, listenPort)
      this.#config.listenPort = port
      try {
        return { port, fastPort: await this.#server.listen(bindAddress, port - FAST_PORT_LESS) }
      } catch (error) {
        if (listenPort !== 0 || !(error instanceof Error)) throw error
        if (left === 0) return { port, fastPort: undefined }
        await this.#server.stopListening()
      }
    }
  }

  /** Opens the store and the tables, serves, and registers. Throws the errors of the store and of `config/`. */
  async start(): Promise<void> {
    const context = await this.#open()
    this.#context = context
    this.#dispatcher = new Dispatcher({
      context,
      requests: servedRequests,
      services: servicesOf(context.lanes),
      events: this.#env.events,
    })
    this.#server.onClosed((connection) => {
      context.consumers.closed(connection)
      context.producers.closed(connection)
    })
    context.store.onArrival((topic, queueId, nextOffset, tagsCode, _stored, offset, sizeBytes) => {
      context.held.arrived(topic, queueId, nextOffset, tagsCode, offset, sizeBytes)
    })
    context.topics.onChange(({ topicName }) => {
      context.store.topicChanged(topicName)
      context.registration.changed(topicName)
    })
    context.store.timers?.onDelivery((topic, sizeBytes) => {
      context.stats.topicPut(topic, 1, sizeBytes)
    })
    context.store.start()
    context.flow.start()
    context.schedule.start()
    context.transactions.start()
    this.#startTimers(context)
    this.#server.serve()
    const broker = this.#config.brokerName
    this.#env.events.emit(brokerStarted, { broker, address: context.address })
    await context.registration.start()
  }

  /** Leaves the routes, answers who waits, writes everything down and closes. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel()
    await this.#server.stopListening()
    const context = this.#context
    try {
      if (context !== undefined) await this.#stopServing(context)
    } finally {
      // Last: it answers the sends that wait for the disk, and gives the directory up.
      await context?.store.shutdown()
    }
    if (context !== undefined) {
      this.#saving('delay offsets', () => {
        context.schedule.saveLast()
      })()
    }
    await this.#server.close()
    this.#client.close()
  }

  async #stopServing(context: BrokerContext): Promise<void> {
    await context.registration.stop()
    context.held.wakeAll()
    context.flow.stop()
    context.transactions.stop()
    context.schedule.stop()
    this.#saving('topics and groups', () => {
      context.topics.saveLast()
      context.groups.saveLast()
      context.requestModes.saveLast()
    })()
    this.#saving('consumer offsets', () => {
      context.offsets.save()
    })()
    this.#saving('consumer filters', () => {
      context.filters.save()
    })()
    await context.offsets.settled()
  }

  /** The parts, for who embeds a broker; undefined before `start`. */
  get context(): BrokerContext | undefined {
    return this.#context
  }

  async #open(): Promise<BrokerContext> {
    const config = this.#config
    // The store takes from the configuration what this sets.
    const addresses = this.#addresses()
    const folder = `${config.storePathRootDir}/config`
    // Tables first: one that cannot be read stops the start before anything is touched.
    const { topics, groups, offsets, filters, requestModes } = this.#readTables(folder)
    const isBatch = (topic: string): boolean => isBatchTopic(topics.get(topic))
    const store = await MessageStore.open(this.#host, config, isBatch)
    try {
      const tables = { topics, groups, offsets, filters, requestModes }
      return this.#contextOf(store, tables, addresses, folder)
    } catch (error) {
      await store.shutdown()
      throw error
    }
  }

  #contextOf(
    store: MessageStore,
    { topics, groups, offsets, filters, requestModes }: Tables,
    { host, address, identity }: Addresses,
    folder: string,
  ): BrokerContext {
    const env = this.#env
    const config = this.#config
    const clampOffsets = (): void => {
      offsets.clamp((topic, queueId) => store.offsetMax(topic, queueId))
    }
    if (!store.wasClean) clampOffsets()
    store.onCut(clampOffsets)
    env.disk.makeDirectory(folder)
    const stats = new BrokerStats(env.clock, config.brokerClusterName, this.#limits.stats)
    const producers = new ProducerTable(env.clock, this.#limits.producers)
    const registration = new NameServerRegistration(env, this.#client, topics, () => identity)
    const flow = new FlowControl(env, config, store)
    const consumers = this.#consumers(filters)
    const context: Mutable<BrokerContext> = {
      env,
      config,
      liveConfig: this.#liveConfig(host),
      store,
      topics,
      groups,
      offsets,
      consumers,
      broadcasts: new BroadcastOffsetTable({ clock: env.clock, config, consumers, offsets }),
      filters,
      producers,
      locks: new QueueLockTable(env.clock, this.#limits.locks),
      coldData: new ColdDataControl(env.clock, config, this.#limits.coldData),
      held: new PullRequestHold(env.clock, (offset, size) => store.recordAt(offset, size)),
      stats,
      schedule: new ScheduledDelivery(
        env,
        store,
        `${folder}/delayOffset.json`,
        config.messageDelayLevel,
        (topic, sizeBytes) => {
          stats.topicPut(topic, 1, sizeBytes)
        },
      ),
      transactions: new Transactions(
        transactionParts({ env, config, store, topics, offsets, stats, producers }),
      ),
      requestModes,
      registration,
      topicRoutes: this.#topicRoutes(registration, topics),
      stamp: sendStamp(config),
      lanes: this.#lanes(flow),
      flow,
      day: new DayCounts(env.clock, stats),
      address,
      host,
      bootTimestamp: env.clock.now(),
      configChanged: () => {
        context.stamp = sendStamp(config)
        context.registration.changed()
      },
    }
    return context
  }

  /** The configuration as requests see it, with what holds for keys that nobody set. */
  #liveConfig(host: string): LiveConfig {
    const config = this.#config
    return new LiveConfig(allBrokerOptions, config as unknown as Record<string, unknown>, () => ({
      brokerIP1: host,
      brokerIP2: host,
      haListenPort: String(config.listenPort + 1),
      rocketmqHome: config.storePathRootDir,
      storePathCommitLog: `${config.storePathRootDir}/commitlog`,
    }))
  }

  /** What clients and name servers are told of where this broker is. */
  #addresses() {
    const { net } = this.#env
    const config = this.#config
    const { host, hostBytes, followsAsker } = advertisedAddress(
      net,
      config.brokerIP1,
      config.bindAddress,
    )
    config.storeHost = { address: hostBytes, port: config.listenPort }
    const address = `${host}:${config.listenPort}`
    const haHost = config.brokerIP2 === '' ? host : config.brokerIP2
    const haAddress = `${haHost}:${config.listenPort + 1}`
    return { host, address, identity: { config, address, haAddress, followsAsker } }
  }

  #consumers(filters: ConsumerFilterTable): ConsumerTable {
    const { clock, turn, events } = this.#env
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
    return new ConsumerTable(clock, listeners, this.#limits.consumers)
  }

  #topicRoutes(registration: NameServerRegistration, topics: TopicConfigTable): TopicRoutes {
    const config = this.#config
    const { brokerName } = config
    return new TopicRoutes(this.#env.clock, {
      client: this.#client,
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

  #lanes(flow: FlowControl): BrokerLanes {
    const config = this.#config
    const room = new WaitingRoom(this.#env.clock, {
      bytesMax: QUEUED_BYTES_MAX,
      failsFast: () => config.brokerFastFailureEnable,
      reason: flow.reason,
    })
    return new BrokerLanes(config, room, flow.busy)
  }

  /** Reads the files of `config/`. Throws ERR_BROKER_CONFIG_FILE. */
  #readTables(folder: string) {
    const env = this.#env
    const config = this.#config
    const { enableLmq } = config
    const limits = this.#limits
    const saveSpaceMs = () => config.configSaveInterval
    const isSynced = () => config.flushDiskType === 'SYNC_FLUSH'
    new JsonFile(env, `${folder}/delayOffset.json`).load(delayOffsetTableBody)
    return {
      topics: new TopicConfigTable(env, {
        path: `${folder}/topics.json`,
        clusterName: config.brokerClusterName,
        brokerName: config.brokerName,
        defaultTopicQueueNums: config.defaultTopicQueueNums,
        autoCreateTopicEnable: config.autoCreateTopicEnable,
        traceTopicEnable: config.traceTopicEnable,
        traceTopicName: config.msgTraceTopicName,
        enableLmq,
        maxQueuesPerTopic: config.maxQueuesPerTopic,
        limit: limits.topics,
        saveSpaceMs,
        isSynced,
      }),
      groups: new SubscriptionGroupTable(env, {
        path: `${folder}/subscriptionGroup.json`,
        mayCreate: (group) =>
          config.autoCreateSubscriptionGroup ||
          (config.enableCreateSysGroup && isSystemGroup(group)),
        hasLightQueues: enableLmq,
        limits,
        saveSpaceMs,
        isSynced,
      }),
      offsets: new ConsumerOffsetTable(
        env,
        `${folder}/${enableLmq ? 'lmqConsumerOffset' : 'consumerOffset'}.json`,
        enableLmq,
        limits.offsets,
      ),
      requestModes: new MessageRequestModeTable(env, `${folder}/messageRequestMode.json`, {
        limit: limits.requestModes,
        saveSpaceMs,
        isSynced,
      }),
      filters: new ConsumerFilterTable(env, {
        path: `${folder}/consumerFilter.json`,
        maxErrorRateOfBloomFilter: config.maxErrorRateOfBloomFilter,
        expectConsumerNumUseFilter: config.expectConsumerNumUseFilter,
        cleanTimeSpanMs: () => config.filterDataCleanTimeSpan,
        limit: limits.filters,
      }),
    }
  }

  /** A save that may fail: it is tried again at the next time. */
  #saving(table: string, save: () => void): () => void {
    return () => {
      try {
        save()
      } catch (error) {
        if (hostErrorCode(error) === undefined) throw error
        this.#env.events.emit(tableNotSaved, { table, reason: String(error) })
      }
    }
  }

  #startTimers(context: BrokerContext): void {
    const { clock } = this.#env
    const { channelExpiredTimeout } = this.#config
    this.#timers.push(
      clock.every(
        this.#config.flushConsumerOffsetInterval,
        this.#saving('consumer offsets', () => {
          context.transactions.saveProgress()
          context.offsets.save()
        }),
      ),
      clock.every(
        this.#config.flushConsumerOffsetInterval,
        this.#saving('topics and groups', () => {
          context.topics.save()
          context.groups.save()
        }),
      ),
      clock.every(
        DELAY_OFFSET_MS,
        this.#saving('delay offsets', () => {
          context.schedule.save()
        }),
      ),
      clock.every(
        FILTER_MS,
        this.#saving('consumer filters', () => {
          context.filters.save()
        }),
      ),
      clock.every(BROADCAST_MS, () => {
        context.broadcasts.scan()
      }),
      clock.every(COLD_DATA_MS, () => {
        context.coldData.clear()
      }),
      clock.every(SAMPLE_MS, () => {
        inTurns(clock, () => context.stats.sampleSome(SAMPLED_PER_TURN))
        context.day.tick()
      }),
      clock.every(EXPIRE_MS, () => {
        context.consumers.expire(channelExpiredTimeout)
        context.producers.expire(channelExpiredTimeout)
        context.locks.sweep()
      }),
    )
  }
}

type RemotingServerHandler = ConstructorParameters<typeof RemotingServer>[1]['dispatch']
type Addresses = Readonly<{
  host: string
  address: string
  identity: ReturnType<ConstructorParameters<typeof NameServerRegistration>[3]>
}>
type Tables = Pick<BrokerContext, 'topics' | 'groups' | 'offsets' | 'filters' | 'requestModes'>
type Mutable<T> = { -readonly [K in keyof T]: T[K] }
