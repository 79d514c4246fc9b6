import type { Env } from '@skylarkmq/env'
import { Perm, type DataVersion, type QueueData, type TopicConfig } from '@skylarkmq/protocol'
import type { Connection } from '@skylarkmq/remoting'
import { brokerRegistered, brokerRemoved } from './events.ts'

const MASTER_ID = 0
const DEFAULT_EXPIRY_MS = 120_000

/** The members of one broker name, by broker id. Apache: `BrokerData.java`. */
export interface BrokerGroup {
  readonly cluster: string
  readonly brokerName: string
  zoneName: string | undefined
  enableActingMaster: boolean
  /** Address by broker id; 0 is the master. */
  readonly members: Map<number, string>
}

/** What is known of one living broker process. Apache: `BrokerLiveInfo`. */
export interface LiveBroker {
  /** On the monotonic clock: a wall clock that is set makes no broker disappear. */
  heardMs: number
  readonly expiryMs: number
  dataVersion: DataVersion
  readonly connection: Connection
  readonly haServerAddr: string | undefined
  /** Set when its address stands for «the host you asked»: the port to put behind it. */
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
  /** Undefined for a broker that is too old to know of it. */
  readonly enableActingMaster: boolean | undefined
  readonly dataVersion: DataVersion
  readonly topics: ReadonlyMap<string, TopicConfig>
  /** Topic → mapping of a static topic. */
  readonly mappings: ReadonlyMap<string, unknown>
  readonly filterServers: readonly string[] | undefined
  readonly connection: Connection
  readonly followsAskerPort: number | undefined
}

/** What a registration answers; `refused` when the broker has to send all its topics first. */
export type Registered =
  | { readonly refused: true }
  | {
      readonly refused: false
      readonly masterAddr?: string
      readonly haServerAddr?: string
      /** The least id of the group went down to this one. */
      readonly newMinId?: number
    }

/** A member that left, and what its group is without it. */
export interface Departure {
  readonly group: BrokerGroup
  readonly address: string
  readonly haServerAddr: string | undefined
  readonly wasMinId: boolean
}

/**
 * Which brokers there are and which topics they have. In memory only: brokers tell it anew. One
 * thread, so the order of calls is the order of truth. Apache: `RouteInfoManager.java`.
 */
export class RouteTable {
  /** Topic → broker name → its queues there. */
  readonly topics = new Map<string, Map<string, QueueData>>()
  /** Broker name → members. */
  readonly brokers = new Map<string, BrokerGroup>()
  /** Cluster → broker names. */
  readonly clusters = new Map<string, Set<string>>()
  /** Static topic → broker name → mapping. */
  readonly mappings = new Map<string, Map<string, unknown>>()
  readonly #env: Env
  readonly #live = new Map<string, LiveBroker>()
  readonly #filterServers = new Map<string, readonly string[]>()

  constructor(env: Env) {
    this.#env = env
  }

  /** The living process at an address; undefined when none has registered. */
  liveAt(cluster: string, address: string): LiveBroker | undefined {
    return this.#live.get(keyOf(cluster, address))
  }

  /** Filter servers of a broker; undefined when it has none. */
  filterServersOf(cluster: string, address: string): readonly string[] | undefined {
    return this.#filterServers.get(keyOf(cluster, address))
  }

  /** Puts a broker and its topics into the tables. Apache: `RouteInfoManager.java`, registerBroker. */
  register(r: Registration, options: { deleteMissingTopics: boolean }): Registered {
    const { group, isNew } = this.#groupFor(r)
    const minIdBefore = group.members.size === 0 ? 0 : Math.min(...group.members.keys())
    group.enableActingMaster = r.enableActingMaster ?? false
    group.zoneName = r.zoneName
    // A slave that became master has its old id no longer.
    for (const [id, address] of group.members) {
      if (address === r.brokerAddr && id !== r.brokerId) group.members.delete(id)
    }
    if (this.#isOutdated(group, r)) {
      this.#live.delete(keyOf(r.cluster, r.brokerAddr))
      return { refused: false }
    }
    if (!group.members.has(r.brokerId) && r.topics.size === 1) return { refused: true }
    const isFirst = isNew || !group.members.has(r.brokerId)
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

  /** Notes that a broker lives; false when it has not registered. */
  touch(cluster: string, address: string): boolean {
    const live = this.liveAt(cluster, address)
    if (live === undefined) return false
    live.heardMs = this.#env.clock.monotonic()
    return true
  }

  /** Removes a member, and with the last one the broker's queues from every topic. */
  unregister(
    brokerName: string,
    cluster: string,
    id: number,
    address: string,
    reason: string,
  ): Departure | undefined {
    const live = this.liveAt(cluster, address)
    this.#live.delete(keyOf(cluster, address))
    this.#filterServers.delete(keyOf(cluster, address))
    const group = this.brokers.get(brokerName)
    if (group === undefined) return undefined
    const wasMinId = group.members.size > 0 && Math.min(...group.members.keys()) === id
    let removed = false
    for (const [each, at] of group.members) {
      if (at === address) removed = group.members.delete(each)
    }
    if (removed) this.#env.events.emit(brokerRemoved, { broker: brokerName, id, address, reason })
    if (group.members.size === 0) this.#removeGroup(group)
    else if (!group.members.has(MASTER_ID) && group.enableActingMaster) this.#wipeWrite(brokerName)
    return removed ? { group, address, haServerAddr: live?.haServerAddr, wasMinId } : undefined
  }

  /** Members whose connection is `connection`, to be unregistered because it closed. */
  membersOf(connection: Connection): { group: BrokerGroup; id: number; address: string }[] {
    return this.#membersWhere((live) => live.connection === connection)
  }

  /** Members that have been silent for longer than they promised. */
  expired(): { group: BrokerGroup; id: number; address: string }[] {
    const now = this.#env.clock.monotonic()
    return this.#membersWhere((live) => live.heardMs + live.expiryMs < now)
  }

  /** Sets the permission of all of a broker's topics by `change`; returns how many it has. */
  changePerms(brokerName: string, change: (perm: number) => number): number {
    let count = 0
    for (const [topic, queues] of this.topics) {
      const data = queues.get(brokerName)
      if (data === undefined) continue
      this.topics.get(topic)?.set(brokerName, { ...data, perm: change(data.perm) })
      count++
    }
    return count
  }

  /** Removes a topic from the brokers of a cluster, or from all. */
  deleteTopic(topic: string, cluster: string | undefined): void {
    const queues = this.topics.get(topic)
    if (queues === undefined) return
    const names = cluster === undefined ? undefined : this.clusters.get(cluster)
    for (const broker of [...queues.keys()]) {
      if (cluster === undefined || names?.has(broker) === true) queues.delete(broker)
    }
    if (queues.size === 0) this.topics.delete(topic)
  }

  /** Sets one broker's queues of a topic. */
  setQueues(topic: string, data: QueueData): void {
    const queues = this.topics.get(topic) ?? new Map<string, QueueData>()
    queues.set(data.brokerName, data)
    this.topics.set(topic, queues)
  }

  #groupFor(r: Registration): { group: BrokerGroup; isNew: boolean } {
    const names = this.clusters.get(r.cluster) ?? new Set<string>()
    this.clusters.set(r.cluster, names.add(r.brokerName))
    const found = this.brokers.get(r.brokerName)
    if (found !== undefined) return { group: found, isNew: false }
    const group = {
      cluster: r.cluster,
      brokerName: r.brokerName,
      zoneName: r.zoneName,
      enableActingMaster: false,
      members: new Map<number, string>(),
    }
    this.brokers.set(r.brokerName, group)
    return { group, isNew: true }
  }

  /** Another process holds this id and is ahead: the one that asks was fenced off. */
  #isOutdated(group: BrokerGroup, r: Registration): boolean {
    const holder = group.members.get(r.brokerId)
    if (holder === undefined || holder === r.brokerAddr) return false
    const live = this.liveAt(r.cluster, holder)
    return live !== undefined && live.dataVersion.stateVersion > r.dataVersion.stateVersion
  }

  #takeTopics(group: BrokerGroup, r: Registration, isFirst: boolean, deleteMissing: boolean): void {
    const isMaster = r.brokerId === MASTER_ID
    const isPrimeSlave =
      !isMaster &&
      r.enableActingMaster !== undefined &&
      r.brokerId === Math.min(...group.members.keys())
    if (!isMaster && !isPrimeSlave) return
    if (deleteMissing && r.mappings.size === 0) this.#deleteTopicsExcept(r.brokerName, r.topics)
    const known = this.liveAt(r.cluster, r.brokerAddr)?.dataVersion
    const isChanged = isFirst || known === undefined || !sameVersion(known, r.dataVersion)
    for (const [name, topic] of r.topics) {
      if (!isChanged && this.topics.get(name)?.has(r.brokerName) === true) continue
      const readOnly = isPrimeSlave && group.enableActingMaster
      this.setQueues(name, {
        brokerName: r.brokerName,
        readQueueNums: topic.readQueueNums,
        writeQueueNums: topic.writeQueueNums,
        perm: readOnly ? topic.perm & ~Perm.WRITE : topic.perm,
        topicSysFlag: topic.topicSysFlag,
      })
    }
    if (!isChanged) return
    for (const [topic, mapping] of r.mappings) {
      const byBroker = this.mappings.get(topic) ?? new Map<string, unknown>()
      this.mappings.set(topic, byBroker.set(r.brokerName, mapping))
    }
  }

  #deleteTopicsExcept(brokerName: string, keep: ReadonlyMap<string, unknown>): void {
    for (const [topic, queues] of [...this.topics]) {
      if (keep.has(topic) || !queues.delete(brokerName)) continue
      if (queues.size === 0) this.topics.delete(topic)
    }
  }

  #setLive(r: Registration): void {
    const key = keyOf(r.cluster, r.brokerAddr)
    this.#live.set(key, {
      heardMs: this.#env.clock.monotonic(),
      expiryMs: r.expiryMs ?? DEFAULT_EXPIRY_MS,
      dataVersion: r.dataVersion,
      connection: r.connection,
      haServerAddr: r.haServerAddr,
      followsAskerPort: r.followsAskerPort,
    })
    if (r.filterServers === undefined) return
    if (r.filterServers.length === 0) this.#filterServers.delete(key)
    else this.#filterServers.set(key, r.filterServers)
  }

  #masterFor(group: BrokerGroup, r: Registration): { masterAddr?: string; haServerAddr?: string } {
    if (r.brokerId === MASTER_ID) return {}
    const masterAddr = group.members.get(MASTER_ID)
    const live = masterAddr === undefined ? undefined : this.liveAt(r.cluster, masterAddr)
    if (masterAddr === undefined || live === undefined) return {}
    return {
      masterAddr,
      ...(live.haServerAddr === undefined ? {} : { haServerAddr: live.haServerAddr }),
    }
  }

  #removeGroup(group: BrokerGroup): void {
    this.brokers.delete(group.brokerName)
    const names = this.clusters.get(group.cluster)
    names?.delete(group.brokerName)
    if (names?.size === 0) this.clusters.delete(group.cluster)
    this.#deleteTopicsExcept(group.brokerName, new Map())
    for (const [topic, byBroker] of [...this.mappings]) {
      if (byBroker.delete(group.brokerName) && byBroker.size === 0) this.mappings.delete(topic)
    }
  }

  #wipeWrite(brokerName: string): void {
    this.changePerms(brokerName, (perm) => perm & ~Perm.WRITE)
  }

  #membersWhere(
    test: (live: LiveBroker) => boolean,
  ): { group: BrokerGroup; id: number; address: string }[] {
    const found = []
    for (const group of this.brokers.values()) {
      for (const [id, address] of group.members) {
        const live = this.liveAt(group.cluster, address)
        if (live !== undefined && test(live)) found.push({ group, id, address })
      }
    }
    return found
  }
}

/** Two versions are the same when all three numbers are. */
export function sameVersion(a: DataVersion, b: DataVersion): boolean {
  return a.stateVersion === b.stateVersion && a.timestamp === b.timestamp && a.counter === b.counter
}

function keyOf(cluster: string, address: string): string {
  return `${cluster}\n${address}`
}
