import type { Env } from '@skylarkmq/env'
import { hostErrorCode } from '@skylarkmq/env'
import {
  isLmqTopic,
  groupProblem,
  subscriptionGroupConfig,
  subscriptionGroupWrapperBody,
  type DataVersion,
  type SubscriptionGroupConfig,
  type SubscriptionGroupWrapper,
} from '@skylarkmq/protocol'
import { VersionCounter } from '../data-version.ts'
import { JsonFile, SavedTable } from '../json-table.ts'
import { noLimits, type TableLimits } from '../table-limits.ts'

const PRESET_GROUPS = [
  'TOOLS_CONSUMER',
  'FILTERSRV_CONSUMER',
  'SELF_TEST_C_GROUP',
  'CID_ONS-HTTP-PROXY',
  'CID_ONSAPI_PULL',
  'CID_ONSAPI_PERMISSION',
  'CID_ONSAPI_OWNER',
  'CID_RMQ_SYS_TRANS',
]
/** These may consume in broadcasting mode only by an explicit grant, which Apache gives them. */
const BROADCASTING_GROUPS = new Set([
  'CID_ONS-HTTP-PROXY',
  'CID_ONSAPI_PULL',
  'CID_ONSAPI_PERMISSION',
  'CID_ONSAPI_OWNER',
  'CID_RMQ_SYS_TRANS',
])

/** What a `SubscriptionGroupTable` is told of its broker. */
export interface SubscriptionGroupOptions {
  readonly path: string
  /** Whether a group comes into being when it is first heard of. */
  readonly mayCreate: (group: string) => boolean
  /** Whether each name of a light message queue is a group. */
  readonly hasLightQueues?: boolean
  readonly limits?: Pick<TableLimits, 'groups' | 'forbidden'>
  /** Least time between two writes of the file, ms. */
  readonly saveSpaceMs?: () => number
  /** Whether a change counts as saved only once it is on disk. */
  readonly isSynced?: () => boolean
}

/**
 * The broker's consumer groups, saved in config/subscriptionGroup.json. Apache:
 * `SubscriptionGroupManager.java`.
 */
export class SubscriptionGroupTable {
  readonly #groups = new Map<string, SubscriptionGroupConfig>()
  /** Group → topic → bits: 1 reading is forbidden. */
  readonly #forbidden = new Map<string, Map<string, number>>()
  readonly #version: VersionCounter
  readonly #saved: SavedTable
  readonly #mayCreate: (group: string) => boolean
  readonly #hasLightQueues: boolean
  readonly #limits: Pick<TableLimits, 'groups' | 'forbidden'>
  #forbiddenCount = 0

  /** Reads the file and adds the groups that every broker has. Throws ERR_BROKER_CONFIG_FILE. */
  constructor(env: Env, options: SubscriptionGroupOptions) {
    const { path, saveSpaceMs, isSynced } = options
    this.#mayCreate = options.mayCreate
    this.#hasLightQueues = options.hasLightQueues ?? false
    this.#limits = options.limits ?? noLimits
    this.#version = new VersionCounter(env)
    const file = new JsonFile(env, path)
    this.#saved = new SavedTable(env, file, () => this.toJson(), saveSpaceMs, isSynced)
    for (const groupName of PRESET_GROUPS) {
      const consumeBroadcastEnable = BROADCASTING_GROUPS.has(groupName) || undefined
      this.#groups.set(
        groupName,
        subscriptionGroupConfig(
          groupName,
          consumeBroadcastEnable === undefined ? {} : { consumeBroadcastEnable },
        ),
      )
    }
    this.#restore(file.load(subscriptionGroupWrapperBody))
  }

  /** The version of the table. */
  get dataVersion(): DataVersion {
    return this.#version.value
  }

  /** All groups by name. */
  get all(): ReadonlyMap<string, SubscriptionGroupConfig> {
    return this.#groups
  }

  /** The table as config/subscriptionGroup.json and GET_ALL_SUBSCRIPTIONGROUP_CONFIG have it. */
  toJson(): unknown {
    return {
      dataVersion: this.#version.value,
      forbiddenTable: Object.fromEntries(
        [...this.#forbidden].map(([group, topics]) => [group, Object.fromEntries(topics)]),
      ),
      subscriptionGroupTable: Object.fromEntries(this.#groups),
    }
  }

  /** Whether the group exists. */
  has(group: string): boolean {
    return this.#groups.has(group) || (this.#hasLightQueues && isLmqTopic(group))
  }

  /**
   * The group's settings, the group being created if the broker may. Undefined when there is none. Throws a
   * ProtocolError when there is no room for it.
   */
  find(group: string): SubscriptionGroupConfig | undefined {
    const found = this.#groups.get(group)
    if (found !== undefined) return found
    // Apache: `LmqSubscriptionGroupManager.java`.
    if (this.#hasLightQueues && isLmqTopic(group)) return subscriptionGroupConfig(group)
    if (!this.#mayCreate(group) || groupProblem(group) !== undefined) return undefined
    this.#limits.groups.check(this.#groups.size + 1)
    const made = subscriptionGroupConfig(group)
    this.#groups.set(group, made)
    this.#version.next()
    try {
      void this.#saved.commit()
    } catch (error) {
      // A full disk keeps nobody from consuming; the table is saved once it can be.
      if (hostErrorCode(error) === undefined) throw error
    }
    return made
  }

  /** Writes the file if it does not have the last change. Throws the host's error. */
  save(): void {
    this.#saved.save()
  }

  /** The same before the end, when there is no later time to write it. */
  saveLast(): void {
    this.#saved.saveLast()
  }

  /** Settles once all changes so far are saved, or could not be; undefined when none waits. Rejects with the host's error. */
  get saved(): Promise<void> | undefined {
    return this.#saved.waiting
  }

  /** Settles as `saved`, and resolves with a full disk too: that keeps nobody from consuming. */
  get tried(): Promise<void> | undefined {
    return this.saved?.catch((error: unknown) => {
      if (hostErrorCode(error) === undefined) throw error
    })
  }

  /** Creates or replaces a group and has the table saved, see `saved`. */
  put(group: SubscriptionGroupConfig): void {
    this.putAll([group])
  }

  /** Creates or replaces groups as one change. Throws a ProtocolError when there is no room for all of them. */
  putAll(groups: readonly SubscriptionGroupConfig[]): void {
    const added = new Set(groups.map((group) => group.groupName))
    for (const name of added) if (this.#groups.has(name)) added.delete(name)
    if (added.size > 0) this.#limits.groups.check(this.#groups.size + added.size)
    for (const group of groups) this.#groups.set(group.groupName, group)
    this.#changed()
  }

  /** Removes a group and has the table saved, see `saved`; false when there was none. */
  delete(group: string): boolean {
    const removed = this.#groups.delete(group)
    if (!removed) return false
    this.#forbiddenCount -= this.#forbidden.get(group)?.size ?? 0
    this.#forbidden.delete(group)
    this.#changed()
    return true
  }

  /** Whether the group may not read the topic. */
  isReadForbidden(group: string, topic: string): boolean {
    return ((this.#forbidden.get(group)?.get(topic) ?? 0) & 1) !== 0
  }

  /** Forbids or allows a group to read a topic, and has the table saved, see `saved`. */
  setReadForbidden(group: string, topic: string, isForbidden: boolean): void {
    const topics = this.#forbidden.get(group) ?? new Map<string, number>()
    const sizeBefore = topics.size
    if (isForbidden && !topics.has(topic)) this.#limits.forbidden.check(this.#forbiddenCount + 1)
    if (isForbidden) topics.set(topic, 1)
    else topics.delete(topic)
    this.#forbiddenCount += topics.size - sizeBefore
    if (topics.size === 0) this.#forbidden.delete(group)
    else this.#forbidden.set(group, topics)
    this.#changed()
  }

  #changed(): void {
    this.#version.next()
    void this.#saved.commit()
  }

  #restore(content: SubscriptionGroupWrapper | undefined): void {
    if (content === undefined) return
    this.#version.restore(content.dataVersion)
    for (const [name, group] of content.subscriptionGroupTable) {
      this.#groups.set(name, { ...group, groupName: name })
    }
    for (const [group, topics] of content.forbiddenTable) {
      this.#forbidden.set(group, new Map(topics))
      this.#forbiddenCount += topics.size
    }
  }
}
