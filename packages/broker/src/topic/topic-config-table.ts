import type { Env, EventSink } from '@skylarkmq/env'
import {
  isLmqTopic,
  isSystemTopic,
  Perm,
  ProtocolError,
  quotedName,
  replyTopic,
  resourceProblem,
  SystemTopic,
  systemTopics,
  TIMER_TOPIC,
  topicConfigSerializeWrapperBody,
  type DataVersion,
  type TableLimit,
  type TopicConfig,
  type TopicConfigSerializeWrapper,
} from '@skylarkmq/protocol'
import { VersionCounter } from '../data-version.ts'
import { entryLeftOut, tooManyQueues } from '../events.ts'
import { JsonFile, SavedTable } from '../json-table.ts'
import { noLimits } from '../table-limits.ts'

/** What the table needs to know of the broker. */
export interface TopicTableSettings {
  readonly path: string
  readonly clusterName: string
  readonly brokerName: string
  readonly defaultTopicQueueNums: number
  readonly autoCreateTopicEnable: boolean
  readonly traceTopicEnable: boolean
  readonly traceTopicName: string
  /** Whether every light message queue is a topic, of one queue. */
  readonly enableLmq?: boolean
  /** How many topics there may be. */
  readonly limit?: TableLimit
  /** How many queues each may have. */
  readonly maxQueuesPerTopic?: number
  /** Least time between two writes of the file, ms. */
  readonly saveSpaceMs?: () => number
  /** Whether a change counts as saved only once it is on disk. */
  readonly isSynced?: () => boolean
}

/** A topic with Apache's defaults for what is not given. */
export function topicConfig(
  topicName: string,
  queueNums: number,
  perm: number,
  more: Partial<TopicConfig> = {},
): TopicConfig {
  return {
    topicName,
    readQueueNums: queueNums,
    writeQueueNums: queueNums,
    perm,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: {},
    ...more,
  }
}

/**
 * The broker's topics, saved in config/topics.json. Apache: `TopicConfigManager.java`.
 */
export class TopicConfigTable {
  readonly #settings: TopicTableSettings
  readonly #limit: TableLimit
  readonly #events: EventSink
  readonly #topics = new Map<string, TopicConfig>()
  readonly #version: VersionCounter
  readonly #saved: SavedTable
  readonly #systemTopics = new Set<string>(systemTopics)
  readonly #listeners: ((topic: TopicConfig) => void)[] = []

  /** Reads the file and adds the topics that every broker has. Throws ERR_BROKER_CONFIG_FILE. */
  constructor(env: Env, settings: TopicTableSettings) {
    this.#settings = settings
    this.#version = new VersionCounter(env)
    const file = new JsonFile(env, settings.path)
    const content = () => ({
      dataVersion: this.#version.value,
      topicConfigTable: Object.fromEntries(this.#topics),
    })
    this.#saved = new SavedTable(env, file, content, settings.saveSpaceMs, settings.isSynced)
    this.#limit = settings.limit ?? noLimits.topics
    this.#events = env.events
    this.#addSystemTopics()
    for (const topic of this.#restore(file.load(topicConfigSerializeWrapperBody))) {
      env.events.emit(entryLeftOut, { path: settings.path, name: quotedName(topic) })
    }
  }

  /** The version of the table. */
  get dataVersion(): DataVersion {
    return this.#version.value
  }

  /** All topics by name. */
  get all(): ReadonlyMap<string, TopicConfig> {
    return this.#topics
  }

  /** Names that belong to this broker, its own and its cluster's included. */
  get systemTopics(): ReadonlySet<string> {
    return this.#systemTopics
  }

  /** Whether a topic belongs to the broker. */
  isSystem(topic: string): boolean {
    return this.#systemTopics.has(topic) || isSystemTopic(topic)
  }

  /** Undefined when there is no such topic. */
  get(topic: string): TopicConfig | undefined {
    // Apache: `LmqTopicConfigManager.java`.
    if (this.#settings.enableLmq === true && isLmqTopic(topic))
      return topicConfig(topic, 1, Perm.READ | Perm.WRITE)
    return this.#topics.get(topic)
  }

  /** Creates or replaces a topic, has the table saved, see `saved`, and then tells whoever listens. */
  put(topic: TopicConfig): void {
    this.putAll([topic])
  }

  /**
   * Creates or replaces several topics as one change. Throws the host's error, and a ProtocolError when one has too many
   * queues or there is no room for all of them; then nothing is changed.
   */
  putAll(topics: readonly TopicConfig[]): void {
    const added = new Set<string>()
    for (const topic of topics) {
      const problem = this.queuesProblem(topic)
      if (problem !== undefined) throw new ProtocolError({ what: problem })
      if (!this.#topics.has(topic.topicName)) added.add(topic.topicName)
    }
    if (added.size > 0) this.#limit.check(this.#topics.size + added.size)
    for (const topic of topics) this.#topics.set(topic.topicName, topic)
    this.#version.next()
    const saved = this.#saved.commit()
    const tell = (): void => {
      for (const topic of topics) for (const listener of this.#listeners) listener(topic)
    }
    if (saved === undefined) tell()
    else saved.then(tell, () => undefined)
  }

  /** What is wrong with a topic's numbers of queues, in a sentence; undefined when nothing is. */
  queuesProblem({ topicName, readQueueNums, writeQueueNums }: TopicConfig): string | undefined {
    const max = this.#queuesMax
    for (const queues of [readQueueNums, writeQueueNums]) {
      if (Number.isInteger(queues) && queues >= 0 && queues <= max) continue
      return `the topic ${topicName} may have from 0 to ${max} queues, as maxQueuesPerTopic allows, and not ${queues}`
    }
    return undefined
  }

  get #queuesMax(): number {
    return this.#settings.maxQueuesPerTopic ?? Infinity
  }

  /** Removes a topic and has the table saved, see `saved`; false when there was none. */
  delete(topic: string): boolean {
    if (!this.#topics.delete(topic)) return false
    this.#version.next()
    void this.#saved.commit()
    return true
  }

  /**
   * Settles once all changes so far are saved, or could not be, and who listens was told; undefined when none waits.
   * Rejects with the host's error.
   */
  get saved(): Promise<void> | undefined {
    return this.#saved.waiting
  }

  /** Writes the file if it does not have the last change. Throws the host's error. */
  save(): void {
    this.#saved.save()
  }

  /** The same before the end, when there is no later time to write it. */
  saveLast(): void {
    this.#saved.saveLast()
  }

  /** Calls `listener` for each topic that is created or changed. */
  onChange(listener: (topic: TopicConfig) => void): void {
    this.#listeners.push(listener)
  }

  /**
   * Sets `order` for the topics that the name server lists as ordered. As in Apache, one that is not listed stays as
   * it is: an operator may have made it ordered here.
   */
  setOrdered(ordered: ReadonlySet<string>): void {
    let isChanged = false
    for (const name of ordered) {
      const topic = this.#topics.get(name)
      if (topic === undefined || topic.order) continue
      this.#topics.set(name, { ...topic, order: true })
      isChanged = true
    }
    if (!isChanged) return
    this.#version.next()
    void this.#saved.commit()
  }

  /** Takes what the file has; answers names that no topic can have, which a hand wrote and which stay out. */
  #restore(content: TopicConfigSerializeWrapper | undefined): string[] {
    if (content === undefined) return []
    const bad: string[] = []
    this.#version.restore(content.dataVersion)
    for (const [name, topic] of content.topicConfigTable) {
      if (resourceProblem(name) !== undefined) {
        bad.push(name)
        continue
      }
      this.#topics.set(name, this.#bounded({ ...topic, topicName: name }))
    }
    return bad
  }

  /** A topic with no more queues than it may have: whatever looks at each of them would never end. */
  #bounded(topic: TopicConfig): TopicConfig {
    if (this.queuesProblem(topic) === undefined) return topic
    const limit = this.#queuesMax
    const queues = Math.max(topic.readQueueNums, topic.writeQueueNums)
    this.#events.emit(tooManyQueues, { topic: topic.topicName, queues, limit })
    const bounded = (count: number): number => Math.min(limit, Math.max(0, Math.trunc(count)))
    return {
      ...topic,
      readQueueNums: bounded(topic.readQueueNums),
      writeQueueNums: bounded(topic.writeQueueNums),
    }
  }

  /** Apache: `TopicConfigManager.java`, init. */
  #addSystemTopics(): void {
    const s = this.#settings
    const readWrite = Perm.READ | Perm.WRITE
    const inherit = readWrite | Perm.INHERIT
    this.#addSystem(topicConfig(SystemTopic.SELF_TEST, 1, readWrite))
    if (s.autoCreateTopicEnable) {
      this.#addSystem(topicConfig(SystemTopic.AUTO_CREATE, s.defaultTopicQueueNums, inherit))
    } else {
      this.#systemTopics.add(SystemTopic.AUTO_CREATE)
    }
    this.#addSystem(topicConfig(SystemTopic.BENCHMARK, 1024, readWrite))
    this.#addSystem(topicConfig(s.clusterName, 16, inherit))
    this.#addSystem(topicConfig(s.brokerName, 1, inherit))
    this.#addSystem(topicConfig(SystemTopic.OFFSET_MOVED_EVENT, 1, readWrite))
    this.#addSystem(topicConfig(SystemTopic.SCHEDULE, 18, readWrite))
    if (s.traceTopicEnable) this.#addSystem(topicConfig(s.traceTopicName, 1, readWrite))
    else this.#systemTopics.add(s.traceTopicName)
    this.#addSystem(topicConfig(replyTopic(s.clusterName), 1, readWrite))
    this.#addSystem(topicConfig(SystemTopic.TRANS_HALF, 1, readWrite))
    this.#addSystem(topicConfig(SystemTopic.TRANS_OP_HALF, 1, readWrite))
    this.#addSystem(topicConfig(`rmq_sys_REVIVE_LOG_${s.clusterName}`, 8, readWrite))
    this.#addSystem(topicConfig(`rmq_sys_SYNC_BROKER_MEMBER_${s.brokerName}`, 1, Perm.INHERIT))
    this.#addSystem(topicConfig(TIMER_TOPIC, 1, readWrite))
  }

  #addSystem(topic: TopicConfig): void {
    this.#systemTopics.add(topic.topicName)
    this.#topics.set(topic.topicName, topic)
  }
}
