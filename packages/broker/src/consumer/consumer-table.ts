import type { Clock } from '@skylarkmq/env'
import type { ConsumerData, SubscriptionData, TableLimit } from '@skylarkmq/protocol'
import type { Connection } from '@skylarkmq/remoting'
import { noLimits } from '../table-limits.ts'
import { ConflictWatch, fingerprintOf, sameWants } from './subscription-conflict.ts'
import type { SubscriptionConflict } from './subscription-conflict.ts'

/** Memory that a client takes beside what it says, roughly. */
const MEMBER_BYTES = 512
/** The same of a subscription. */
const SUBSCRIPTION_BYTES = 256

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
export interface GroupMember extends GroupClient {
  subscriptions: readonly SubscriptionData[]
  /** Equal for members that want the same. */
  fingerprint: string
  /** Memory that it takes, roughly. */
  bytes: number
}

/** A group with at least one client connected. Apache: `ConsumerGroupInfo.java`. */
export interface ConsumerGroup {
  readonly groupName: string
  consumeType: ConsumerData['consumeType']
  messageModel: ConsumerData['messageModel']
  consumeFromWhere: ConsumerData['consumeFromWhere']
  readonly clients: Map<Connection, GroupMember>
  /** The same clients by id, which several may have. */
  readonly byId: Map<string, Set<GroupMember>>
  readonly subscriptions: Map<string, SubscriptionData>
  readonly conflicts: ConflictWatch
  /** The different ids in order, until they change. */
  sortedIds: readonly string[] | undefined
}

/** The different ids of a group's clients, in order. */
export function clientIdsOf(group: ConsumerGroup): readonly string[] {
  return (group.sortedIds ??= [...group.byId.keys()].sort())
}

/** Called with a group whose clients or topics changed, to tell its clients. */
export type GroupChanged = (group: ConsumerGroup) => void

/** Hears of changes of groups. */
export interface ConsumerTableListeners {
  readonly changed: GroupChanged
  /** Members of a group want different things; called when one of them begins to. */
  readonly conflict: (conflict: SubscriptionConflict) => void
  /** The last client of a group has left. */
  readonly gone: (groupName: string) => void
}

/**
 * Who consumes: groups, their clients and what they subscribe to. In memory, rebuilt by heartbeats.
 * Apache: `ConsumerManager.java`.
 */
export class ConsumerTable {
  readonly #clock: Clock
  readonly #listeners: ConsumerTableListeners
  readonly #limit: TableLimit
  readonly #groups = new Map<string, ConsumerGroup>()
  readonly #ofConnection = new Map<Connection, Set<ConsumerGroup>>()
  #bytes = 0

  /** `limit` bounds the memory for what clients say, in bytes. */
  constructor(clock: Clock, listeners: ConsumerTableListeners, limit = noLimits.consumers) {
    this.#clock = clock
    this.#listeners = listeners
    this.#limit = limit
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
    for (const client of this.#groups.get(group)?.byId.get(clientId) ?? []) return client
    return undefined
  }

  /** Groups with a client that subscribes to a topic. */
  groupsOf(topic: string): string[] {
    return [...this.#groups.values()]
      .filter((group) => group.subscriptions.has(topic))
      .map((group) => group.groupName)
  }

  /**
   * Takes a heartbeat. Returns whether clients or topics changed; then the group's clients are
   * told, unless `notify` is false. Throws a ProtocolError when there is no room for the client.
   */
  register(data: ConsumerData, client: Omit<GroupClient, 'heardMs'>, notify: boolean): boolean {
    const found = this.#groups.get(data.groupName)
    const known = found?.clients.get(client.connection)
    const isNew = known === undefined || known.clientId !== client.clientId
    const wants = data.subscriptionDataSet
    const isOther = isNew || !sameWants(known.subscriptions, wants)
    if (isOther)
      this.#limit.check(this.#bytes + bytesOf(client.clientId, wants) - (known?.bytes ?? 0))
    const group = found ?? this.#add(data)
    group.consumeType = data.consumeType
    group.messageModel = data.messageModel
    group.consumeFromWhere = data.consumeFromWhere
    const member = isNew ? this.#join(group, client, known) : known
    member.heardMs = this.#clock.monotonic()
    if (isOther) this.#takeWants(group, member, wants)
    const isChanged = this.#takeSubscriptions(group, wants) || isNew
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
    const member = group?.clients.get(connection)
    if (group === undefined || member === undefined) return
    this.#remove(group, member)
    const groups = this.#ofConnection.get(connection)
    groups?.delete(group)
    if (groups?.size === 0) this.#ofConnection.delete(connection)
    if (group.clients.size === 0) {
      this.#groups.delete(groupName)
      this.#listeners.gone(groupName)
    } else if (notify) this.#listeners.changed(group)
  }

  /** A connection is gone: its clients leave all their groups. */
  closed(connection: Connection): void {
    for (const { groupName } of [...(this.#ofConnection.get(connection) ?? [])]) {
      this.unregister(groupName, connection, true)
    }
  }

  /** Closes the connections of clients that have sent no heartbeat for `expiryMs`. */
  expire(expiryMs: number): void {
    const before = this.#clock.monotonic() - expiryMs
    for (const group of [...this.#groups.values()]) {
      for (const client of group.clients.values()) {
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
      byId: new Map(),
      subscriptions: new Map(),
      conflicts: new ConflictWatch(this.#clock, data.groupName, this.#listeners.conflict),
      sortedIds: undefined,
    }
    this.#groups.set(data.groupName, group)
    return group
  }

  #join(
    group: ConsumerGroup,
    client: Omit<GroupClient, 'heardMs'>,
    before: GroupMember | undefined,
  ): GroupMember {
    if (before !== undefined) this.#remove(group, before)
    const member: GroupMember = {
      ...client,
      heardMs: 0,
      subscriptions: [],
      fingerprint: '',
      bytes: 0,
    }
    group.clients.set(client.connection, member)
    const namesakes = group.byId.get(client.clientId) ?? new Set<GroupMember>()
    group.byId.set(client.clientId, namesakes.add(member))
    group.sortedIds = undefined
    const groups = this.#ofConnection.get(client.connection) ?? new Set<ConsumerGroup>()
    this.#ofConnection.set(client.connection, groups.add(group))
    return member
  }

  #remove(group: ConsumerGroup, member: GroupMember): void {
    group.clients.delete(member.connection)
    group.conflicts.left(member)
    const namesakes = group.byId.get(member.clientId)
    namesakes?.delete(member)
    if (namesakes?.size === 0) group.byId.delete(member.clientId)
    group.sortedIds = undefined
    this.#bytes -= member.bytes
  }

  #takeWants(group: ConsumerGroup, member: GroupMember, wants: readonly SubscriptionData[]): void {
    const bytes = bytesOf(member.clientId, wants)
    this.#bytes += bytes - member.bytes
    member.bytes = bytes
    member.subscriptions = wants
    const fingerprint = fingerprintOf(wants)
    if (fingerprint === member.fingerprint) return
    group.conflicts.left(member)
    member.fingerprint = fingerprint
    group.conflicts.joined(member)
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
    for (const topic of group.subscriptions.keys()) {
      if (!topics.has(topic)) isChanged = group.subscriptions.delete(topic)
    }
    return isChanged
  }
}

function bytesOf(clientId: string, wants: readonly SubscriptionData[]): number {
  let bytes = MEMBER_BYTES + clientId.length
  for (const { topic, subString, tagsSet, codeSet } of wants) {
    bytes += SUBSCRIPTION_BYTES + topic.length + subString.length + 8 * codeSet.length
    for (const tag of tagsSet) bytes += 16 + tag.length
  }
  return bytes
}
