import type { Clock } from '@skylarkmq/env'
import type { ConsumerData, SubscriptionData } from '@skylarkmq/protocol'
import type { Connection } from '@skylarkmq/remoting'
import { subscriptionConflict, type SubscriptionConflict } from './subscription-conflict.ts'

/** One client of a group. Apache: `ClientChannelInfo.java`. */
export interface GroupClient {
  readonly clientId: string
  readonly connection: Connection
  readonly language: number | undefined
  readonly version: number
  /** When it was last heard of, on the monotonic clock: a wall clock that is set must not part clients and broker. */
  heardMs: number
}

/** A client of a group, and what it wants by its last heartbeat that said so. */
interface GroupMember extends GroupClient {
  subscriptions: readonly SubscriptionData[]
}

/** A group with at least one client connected. Apache: `ConsumerGroupInfo.java`. */
export interface ConsumerGroup {
  readonly groupName: string
  consumeType: ConsumerData['consumeType']
  messageModel: ConsumerData['messageModel']
  consumeFromWhere: ConsumerData['consumeFromWhere']
  readonly clients: Map<Connection, GroupMember>
  readonly subscriptions: Map<string, SubscriptionData>
}

/** The different ids of a group's clients. */
export function clientIdsOf({ clients }: ConsumerGroup): string[] {
  return [...new Set([...clients.values()].map((client) => client.clientId))]
}

/** Called with a group whose clients or topics changed, to tell its clients. */
export type GroupChanged = (group: ConsumerGroup) => void

/** Who hears of groups. */
export interface ConsumerTableListeners {
  readonly changed: GroupChanged
  /** Members of a group want different things; called when one of them begins to. */
  readonly conflict: (conflict: SubscriptionConflict) => void
  /** The last client of a group has left. */
  readonly gone: (groupName: string) => void
}

/**
 * Who consumes: groups, their clients and what they subscribe to. In memory, made anew by heartbeats.
 * Apache: `ConsumerManager.java`.
 */
export class ConsumerTable {
  readonly #clock: Clock
  readonly #listeners: ConsumerTableListeners
  readonly #groups = new Map<string, ConsumerGroup>()

  constructor(clock: Clock, listeners: ConsumerTableListeners) {
    this.#clock = clock
    this.#listeners = listeners
  }

  /** All groups by name. */
  get all(): ReadonlyMap<string, ConsumerGroup> {
    return this.#groups
  }

  /** Undefined when no client of the group is connected. */
  get(group: string): ConsumerGroup | undefined {
    return this.#groups.get(group)
  }

  /** What a group subscribes of a topic; undefined when nothing. */
  subscription(group: string, topic: string): SubscriptionData | undefined {
    return this.#groups.get(group)?.subscriptions.get(topic)
  }

  /** The client of a group with this id; undefined when it is not connected. */
  client(group: string, clientId: string): GroupClient | undefined {
    for (const client of this.#groups.get(group)?.clients.values() ?? []) {
      if (client.clientId === clientId) return client
    }
    return undefined
  }

  /** Groups with a client that subscribes to a topic. */
  groupsOf(topic: string): string[] {
    return [...this.#groups.values()]
      .filter((group) => group.subscriptions.has(topic))
      .map((group) => group.groupName)
  }

  /**
   * Takes a heartbeat. Returns whether clients or topics changed; then the group's clients have been
   * told, unless `notify` is false.
   */
  register(data: ConsumerData, client: Omit<GroupClient, 'heardMs'>, notify: boolean): boolean {
    const now = this.#clock.monotonic()
    const group = this.#groups.get(data.groupName) ?? this.#add(data)
    group.consumeType = data.consumeType
    group.messageModel = data.messageModel
    group.consumeFromWhere = data.consumeFromWhere
    const known = group.clients.get(client.connection)
    const isNew = known === undefined || known.clientId !== client.clientId
    const subscriptions = data.subscriptionDataSet
    const member = isNew ? { ...client, heardMs: now, subscriptions } : known
    group.clients.set(client.connection, member)
    this.#lookForConflict(group, member, isNew ? undefined : known.subscriptions, subscriptions)
    member.heardMs = now
    member.subscriptions = subscriptions
    const isChanged = this.#takeSubscriptions(group, data.subscriptionDataSet) || isNew
    if (isChanged && notify) this.#listeners.changed(group)
    return isChanged
  }

  /** Notes that a client of a group lives, without looking at what it subscribes to. False when it is not known. */
  touch(groupName: string, connection: Connection): boolean {
    const client = this.#groups.get(groupName)?.clients.get(connection)
    if (client === undefined) return false
    client.heardMs = this.#clock.monotonic()
    return true
  }

  /** A client leaves a group. */
  unregister(groupName: string, connection: Connection, notify: boolean): void {
    const group = this.#groups.get(groupName)
    if (group?.clients.delete(connection) !== true) return
    if (group.clients.size === 0) {
      this.#groups.delete(groupName)
      this.#listeners.gone(groupName)
    } else if (notify) this.#listeners.changed(group)
  }

  /** A connection is gone: its clients leave all their groups. */
  closed(connection: Connection): void {
    for (const groupName of [...this.#groups.keys()]) this.unregister(groupName, connection, true)
  }

  /** Closes the connections of clients that have sent no heartbeat for `expiryMs`. */
  expire(expiryMs: number): void {
    const before = this.#clock.monotonic() - expiryMs
    for (const group of [...this.#groups.values()]) {
      for (const client of [...group.clients.values()]) {
        if (client.heardMs >= before) continue
        this.unregister(group.groupName, client.connection, true)
        client.connection.destroy()
      }
    }
  }

  #add(data: ConsumerData): ConsumerGroup {
    const group: ConsumerGroup = {
      groupName: data.groupName,
      consumeType: data.consumeType,
      messageModel: data.messageModel,
      consumeFromWhere: data.consumeFromWhere,
      clients: new Map(),
      subscriptions: new Map(),
    }
    this.#groups.set(data.groupName, group)
    return group
  }

  /** Compares a member that is new, or wants something else than before, with the others. */
  #lookForConflict(
    { groupName, clients }: ConsumerGroup,
    { clientId, connection }: GroupClient,
    before: readonly SubscriptionData[] | undefined,
    subscriptions: readonly SubscriptionData[],
  ): void {
    const member = { clientId, subscriptions }
    const isSame =
      before !== undefined &&
      subscriptionConflict(groupName, member, { clientId, subscriptions: before }) === undefined
    if (isSame) return
    for (const other of clients.values()) {
      if (other.connection === connection) continue
      const conflict = subscriptionConflict(groupName, member, other)
      if (conflict === undefined) continue
      this.#listeners.conflict(conflict)
      return
    }
  }

  /** True when a topic came or went. A newer expression of a known topic replaces the old one in silence. */
  #takeSubscriptions(group: ConsumerGroup, wanted: readonly SubscriptionData[]): boolean {
    let isChanged = false
    const topics = new Set<string>()
    for (const each of wanted) {
      topics.add(each.topic)
      const known = group.subscriptions.get(each.topic)
      if (known === undefined) isChanged = true
      if (known === undefined || each.subVersion > known.subVersion) {
        group.subscriptions.set(each.topic, each)
      }
    }
    for (const topic of [...group.subscriptions.keys()]) {
      if (!topics.has(topic)) isChanged = group.subscriptions.delete(topic)
    }
    return isChanged
  }
}
