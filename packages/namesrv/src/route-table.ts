import type { Env } from '@skylarkmq/env'
import {
  Perm,
  unlimited,
  type DataVersion,
  type QueueData,
  type TableLimit,
  type TopicConfig,
} from '@skylarkmq/protocol'
import type { Connection } from '@skylarkmq/remoting'
import { brokerDisplaced, brokerRegistered, brokerRemoved, topicsLeftOut } from './events.ts'
import {
  fitFilterServers,
  isMappingFit,
  isTopicFit,
  mappingForClients,
  type QueueBounds,
} from './fit-registration.ts'
import { TopicQueues } from './topic-queues.ts'

const MASTER_ID = 0
const DEFAULT_EXPIRY_MS = 120_000
/** Most clusters that may list one broker name, which should be in one. */
const CLUSTERS_MAX = 16

/** The members of one broker name, by broker id. Apache: `BrokerData.java`. */
export interface BrokerGroup {
  readonly cluster: string
  readonly brokerName: string
  zoneName: string | undefined
  enableActingMaster: boolean
  /** Address by broker id; 0 is the master. */
  readonly members: Map<number, string>
  /** Clusters that list the name: its own, and others where one of its brokers has registered. */
  readonly clusters: Set<string>
}

/** State of one living broker process. Apache: `BrokerLiveInfo`. */
export interface LiveBroker {
  readonly brokerName: string
  readonly brokerId: number
  readonly address: string
  /** By the monotonic clock: setting the wall clock must not expire a broker. */
  heardMs: number
  readonly expiryMs: number
  dataVersion: DataVersion
  readonly connection: Connection
  readonly haServerAddr: string | undefined
  /** Set when its address depends on the asker: the port to append to «the host you asked». */
  readonly followsAskerPort: number | undefined
}

/** A registration as a broker sends it. */
export interface Registration {
  readonly cluster: string
  readonly brokerName: string
  readonly brokerId: number
  readonly brokerAddr: string
  readonly haServerAddr: string | undefined
  readonly zoneName: string | undefined
  readonly expiryMs: number | undefined
  /** Undefined for brokers that are too old for it. */
  readonly enableActingMaster: boolean | undefined
  readonly dataVersion: DataVersion
  readonly topics: ReadonlyMap<string, TopicConfig>
  /** Topic → mapping of a static topic. */
  readonly mappings: ReadonlyMap<string, unknown>
  readonly filterServers: readonly string[] | undefined
  readonly connection: Connection
  readonly followsAskerPort: number | undefined
}

/** A member to remove. */
export interface LeavingMember {
  readonly group: BrokerGroup
  readonly id: number
  readonly address: string
}

/** The bounds of the routes. */
export interface RouteLimits extends QueueBounds {
  /** Limit of living brokers. */
  readonly brokers: TableLimit
  /** Limit of pairs of a topic and a broker. */
  readonly routes: TableLimit
}

/** The result of a registration; `refused` when the broker must first send all its topics. */
export type Registered =
  | { readonly refused: true }
  | {
      readonly refused: false
      readonly masterAddr?: string
      readonly haServerAddr?: string
      /** Set when the least id of the group went down to this one. */
      readonly newMinId?: number
    }

/** A member that left, and its group without it. */
export interface Departure {
  readonly group: BrokerGroup
  readonly address: string
  readonly haServerAddr: string | undefined
  readonly wasMinId: boolean
}

/**
 * Brokers and their topics. In memory only, because brokers register again. Single-threaded, so the order of calls
 * decides. Apache: `RouteInfoManager.java`.
 */
export class RouteTable {
  /** Which brokers have which topics. */
  readonly queues: TopicQueues
  /** Broker name → members. */
  readonly brokers = new Map<string, BrokerGroup>()
  /** Cluster → broker names. */
  readonly clusters = new Map<string, Set<string>>()
  /** Static topic → broker name → mapping. */
  readonly mappings = new Map<string, Map<string, unknown>>()
  readonly #env: Env
  readonly #limits: RouteLimits
  readonly #live = new Map<string, LiveBroker>()
  readonly #byConnection = new Map<Connection, Set<LiveBroker>>()
  readonly #filterServers = new Map<string, readonly string[]>()
  /** Brokers some of whose topics were left out; reported once. */
  readonly #incomplete = new Set<string>()

  constructor(env: Env, limits?: RouteLimits) {
    this.#env = env
    this.#limits = limits ?? {
      brokers: unlimited('brokers'),
      routes: unlimited('routes'),
      maxQueues: Infinity,
    }
    this.queues = new TopicQueues(this.#limits.routes)
  }

  /** Topic → broker name → its queues there. */
  get topics(): ReadonlyMap<string, ReadonlyMap<string, QueueData>> {
    return this.queues.byTopic
  }

  /** The living process of a broker at an address; undefined when none has registered. */
  liveAt(brokerName: string, address: string): LiveBroker | undefined {
    return this.#live.get(keyOf(brokerName, address))
  }

  /** Filter servers of a broker; undefined when it has none. */
  filterServersOf(brokerName: string, address: string): readonly string[] | undefined {
    return this.#filterServers.get(keyOf(brokerName, address))
  }

  /**
   * Registers a broker and its topics. Invalid topics are left out, and so are mappings of topics that the broker
   * does not have. Throws a ProtocolError when the limit of brokers is reached. Apache: `RouteInfoManager.java`,
   * registerBroker.
   */
  register(r: Registration, options: { deleteMissingTopics: boolean }): Registered {
    if (this.liveAt(r.brokerName, r.brokerAddr) === undefined) {
      this.#limits.brokers.check(this.#live.size + 1)
    }
    const { group, isNew } = this.#groupFor(r)
    const minIdBefore = group.members.size === 0 ? 0 : leastId(group)
    group.enableActingMaster = r.enableActingMaster ?? false
    group.zoneName = r.zoneName
    // A slave that became master no longer has its old id.
    for (const [id, address] of group.members) {
      if (address === r.brokerAddr && id !== r.brokerId) group.members.delete(id)
    }
    if (this.#isOutdated(group, r)) {
      this.#forgetLive(r.brokerName, r.brokerAddr)
      return { refused: false }
    }
    if (!group.members.has(r.brokerId) && r.topics.size === 1) {
      if (isNew) this.#removeGroup(group)
      return { refused: true }
    }
    const holder = group.members.get(r.brokerId)
    const isFirst = isNew || holder === undefined
    if (holder !== undefined && holder !== r.brokerAddr) this.#displaced(group, r, holder)
    group.members.set(r.brokerId, r.brokerAddr)
    this.#takeTopics(group, r, isFirst, options.deleteMissingTopics)
    this.#setLive(r)
    if (isFirst) {
      const { brokerName: broker, brokerId: id, brokerAddr: address, cluster } = r
      this.#env.events.emit(brokerRegistered, { broker, id, address, cluster })
    }
    return {
      refused: false,
      ...this.#masterFor(group, r),
      ...(r.brokerId < minIdBefore ? { newMinId: r.brokerId } : {}),
    }
  }

  /** Notes a heartbeat; false when the broker is not registered. */
  touch(brokerName: string, address: string): boolean {
    const live = this.liveAt(brokerName, address)
    if (live === undefined) return false
    live.heardMs = this.#env.clock.monotonic()
    return true
  }

  /** Removes a member and, with the last one, the broker's queues from every topic. */
  unregister(
    brokerName: string,
    id: number,
    address: string,
    reason: string,
  ): Departure | undefined {
    const live = this.liveAt(brokerName, address)
    this.#forgetLive(brokerName, address)
    this.#filterServers.delete(keyOf(brokerName, address))
    const group = this.brokers.get(brokerName)
    if (group === undefined) return undefined
    const wasMinId = group.members.size > 0 && leastId(group) === id
    let removed = false
    for (const [each, at] of group.members) {
      if (at === address) removed = group.members.delete(each)
    }
    if (removed) this.#env.events.emit(brokerRemoved, { broker: brokerName, id, address, reason })
    if (group.members.size === 0) this.#removeGroup(group)
    else if (!group.members.has(MASTER_ID) && group.enableActingMaster) this.#wipeWrite(brokerName)
    return removed ? { group, address, haServerAddr: live?.haServerAddr, wasMinId } : undefined
  }

  /** Members registered over `connection`, to be removed because it closed. */
  membersOf(connection: Connection): LeavingMember[] {
    return this.#membersAt(this.#byConnection.get(connection) ?? [])
  }

  /** Members that have been silent for longer than their timeout. */
  expired(): LeavingMember[] {
    const now = this.#env.clock.monotonic()
    const silent: LiveBroker[] = []
    for (const live of this.#live.values())
      if (live.heardMs + live.expiryMs < now) silent.push(live)
    return this.#membersAt(silent)
  }

  /** Applies `change` to the permission of all of a broker's topics; returns how many it has. */
  changePerms(brokerName: string, change: (perm: number) => number): number {
    const topics = this.queues.topicsOf(brokerName)
    for (const topic of topics) {
      const data = this.queues.get(topic, brokerName)
      if (data !== undefined) this.queues.set(topic, { ...data, perm: change(data.perm) })
    }
    return topics.size
  }

  /** Removes a topic from the brokers of a cluster, or from all. */
  deleteTopic(topic: string, cluster: string | undefined): void {
    const queues = this.topics.get(topic)
    if (queues === undefined) return
    const names = cluster === undefined ? undefined : this.clusters.get(cluster)
    for (const broker of [...queues.keys()]) {
      if (cluster === undefined || names?.has(broker) === true) this.#forgetTopic(topic, broker)
    }
  }

  /** Sets one broker's queues of a topic. False when they are invalid, or when a limit is reached. */
  setQueues(topic: string, data: QueueData): boolean {
    if (!isTopicFit(topic, data, this.#limits)) return false
    if (this.queues.problem(topic, data.brokerName) !== undefined) return false
    const { brokerName, readQueueNums, writeQueueNums, perm, topicSysFlag } = data
    this.queues.set(topic, { brokerName, readQueueNums, writeQueueNums, perm, topicSysFlag })
    return true
  }

  #groupFor(r: Registration): { group: BrokerGroup; isNew: boolean } {
    const found = this.brokers.get(r.brokerName)
    if (found?.clusters.has(r.cluster) !== true) this.#joinCluster(r, found)
    if (found !== undefined) return { group: found, isNew: false }
    const group: BrokerGroup = {
      cluster: r.cluster,
      brokerName: r.brokerName,
      zoneName: r.zoneName,
      enableActingMaster: false,
      members: new Map<number, string>(),
      clusters: new Set([r.cluster]),
    }
    this.brokers.set(r.brokerName, group)
    return { group, isNew: true }
  }

  /** Lists a name in each cluster where one of its brokers has registered, up to CLUSTERS_MAX. */
  #joinCluster({ cluster, brokerName }: Registration, group: BrokerGroup | undefined): void {
    if (group !== undefined && group.clusters.size >= CLUSTERS_MAX) return
    const names = this.clusters.get(cluster) ?? new Set<string>()
    this.clusters.set(cluster, names.add(brokerName))
    group?.clusters.add(cluster)
  }

  /** Another process holds this id with a newer state: the registering one was fenced off. */
  #isOutdated(group: BrokerGroup, r: Registration): boolean {
    const holder = group.members.get(r.brokerId)
    if (holder === undefined || holder === r.brokerAddr) return false
    const live = this.liveAt(r.brokerName, holder)
    return live !== undefined && live.dataVersion.stateVersion > r.dataVersion.stateVersion
  }

  #takeTopics(group: BrokerGroup, r: Registration, isFirst: boolean, deleteMissing: boolean): void {
    const isMaster = r.brokerId === MASTER_ID
    const isPrimeSlave =
      !isMaster && r.enableActingMaster !== undefined && r.brokerId === leastId(group)
    if (!isMaster && !isPrimeSlave) return
    if (deleteMissing && r.mappings.size === 0) this.#deleteTopicsExcept(r.brokerName, r.topics)
    const known = this.liveAt(r.brokerName, r.brokerAddr)?.dataVersion
    const isChanged = isFirst || known === undefined || !sameVersion(known, r.dataVersion)
    let leftOut = 0
    for (const [name, topic] of r.topics) {
      if (!isChanged && this.queues.get(name, r.brokerName) !== undefined) continue
      const readOnly = isPrimeSlave && group.enableActingMaster
      const perm = readOnly ? topic.perm & ~Perm.WRITE : topic.perm
      if (!this.setQueues(name, { ...topic, brokerName: r.brokerName, perm })) leftOut++
    }
    this.#tellOfLeftOut(r, leftOut)
    if (isChanged) this.#takeMappings(r)
  }

  /** Keeps mappings only of topics that the broker has. */
  #takeMappings({ brokerName, mappings }: Registration): void {
    for (const [topic, mapping] of mappings) {
      if (this.queues.get(topic, brokerName) === undefined) continue
      if (!isMappingFit(mapping, topic, brokerName, this.#limits)) continue
      const byBroker = this.mappings.get(topic) ?? new Map<string, unknown>()
      this.mappings.set(topic, byBroker.set(brokerName, mappingForClients(mapping)))
    }
  }

  #tellOfLeftOut({ brokerName, brokerAddr: address }: Registration, count: number): void {
    if (count === 0) {
      this.#incomplete.delete(brokerName)
    } else if (!this.#incomplete.has(brokerName)) {
      this.#incomplete.add(brokerName)
      this.#env.events.emit(topicsLeftOut, { broker: brokerName, address, count })
    }
  }

  #deleteTopicsExcept(brokerName: string, keep: ReadonlyMap<string, unknown>): void {
    for (const topic of [...this.queues.topicsOf(brokerName)]) {
      if (!keep.has(topic)) this.#forgetTopic(topic, brokerName)
    }
  }

  #forgetTopic(topic: string, brokerName: string): void {
    this.queues.delete(topic, brokerName)
    const byBroker = this.mappings.get(topic)
    if (byBroker?.delete(brokerName) === true && byBroker.size === 0) this.mappings.delete(topic)
  }

  #displaced(group: BrokerGroup, r: Registration, before: string): void {
    const { brokerId: id, brokerAddr: address } = r
    this.#env.events.emit(brokerDisplaced, { broker: group.brokerName, id, before, address })
  }

  #setLive(r: Registration): void {
    this.#forgetLive(r.brokerName, r.brokerAddr)
    const live: LiveBroker = {
      brokerName: r.brokerName,
      brokerId: r.brokerId,
      address: r.brokerAddr,
      heardMs: this.#env.clock.monotonic(),
      expiryMs: r.expiryMs ?? DEFAULT_EXPIRY_MS,
      dataVersion: r.dataVersion,
      connection: r.connection,
      haServerAddr: r.haServerAddr,
      followsAskerPort: r.followsAskerPort,
    }
    const key = keyOf(r.brokerName, r.brokerAddr)
    this.#live.set(key, live)
    const ofConnection = this.#byConnection.get(r.connection) ?? new Set<LiveBroker>()
    this.#byConnection.set(r.connection, ofConnection.add(live))
    const servers = r.filterServers === undefined ? undefined : fitFilterServers(r.filterServers)
    if (servers === undefined) return
    if (servers.length === 0) this.#filterServers.delete(key)
    else this.#filterServers.set(key, servers)
  }

  #forgetLive(brokerName: string, address: string): void {
    const key = keyOf(brokerName, address)
    const live = this.#live.get(key)
    if (live === undefined) return
    this.#live.delete(key)
    const ofConnection = this.#byConnection.get(live.connection)
    ofConnection?.delete(live)
    if (ofConnection?.size === 0) this.#byConnection.delete(live.connection)
  }

  #masterFor(group: BrokerGroup, r: Registration): { masterAddr?: string; haServerAddr?: string } {
    if (r.brokerId === MASTER_ID) return {}
    const masterAddr = group.members.get(MASTER_ID)
    const live = masterAddr === undefined ? undefined : this.liveAt(r.brokerName, masterAddr)
    if (masterAddr === undefined || live === undefined) return {}
    return {
      masterAddr,
      ...(live.haServerAddr === undefined ? {} : { haServerAddr: live.haServerAddr }),
    }
  }

  #removeGroup({ brokerName, clusters }: BrokerGroup): void {
    this.brokers.delete(brokerName)
    this.#incomplete.delete(brokerName)
    for (const cluster of clusters) {
      const names = this.clusters.get(cluster)
      names?.delete(brokerName)
      if (names?.size === 0) this.clusters.delete(cluster)
    }
    this.#deleteTopicsExcept(brokerName, new Map())
  }

  #wipeWrite(brokerName: string): void {
    this.changePerms(brokerName, (perm) => perm & ~Perm.WRITE)
  }

  #membersAt(living: Iterable<LiveBroker>): LeavingMember[] {
    const found: LeavingMember[] = []
    for (const { brokerName, brokerId, address } of living) {
      const group = this.brokers.get(brokerName)
      if (group === undefined) continue
      // The id that the address has now, because a slave may have become master.
      const id = group.members.get(brokerId) === address ? brokerId : idOf(group, address)
      found.push({ group, id: id ?? brokerId, address })
    }
    return found
  }
}

function idOf(group: BrokerGroup, wanted: string): number | undefined {
  for (const [id, address] of group.members) if (address === wanted) return id
  return undefined
}

/** The least id of a group's members; 0 when it is empty. */
export function leastId({ members }: BrokerGroup): number {
  let least: number | undefined
  for (const id of members.keys()) if (least === undefined || id < least) least = id
  return least ?? 0
}

/** Versions are equal when all three numbers are. */
export function sameVersion(a: DataVersion, b: DataVersion): boolean {
  return a.stateVersion === b.stateVersion && a.timestamp === b.timestamp && a.counter === b.counter
}

function keyOf(brokerName: string, address: string): string {
  return `${brokerName}\n${address}`
}
