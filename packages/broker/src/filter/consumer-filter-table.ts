import type { Env } from '@skylarkmq/env'
import {
  consumerFiltersBody,
  type ConsumerFilters,
  type SavedConsumerFilter,
  type SubscriptionData,
  type TableLimit,
} from '@skylarkmq/protocol'
import { JsonFile, SavedTable } from '../json-table.ts'
import { noLimits } from '../table-limits.ts'
import { BloomFilter, type BloomFilterData } from './bloom-filter.ts'
import { CompiledExpressions } from './compiled-expressions.ts'
import { isTagExpression } from './expression-type.ts'
import type { SqlExpression } from './sql92/sql-expression.ts'

/** A loaded group is taken to have left so long ago; its clients say soon that it has not. */
const LEFT_BEFORE_LOAD_MS = 30_000

/** What a group filters a topic by. Apache: `ConsumerFilterData.java`. */
export interface ConsumerFilterData {
  readonly consumerGroup: string
  readonly topic: string
  readonly expression: string
  readonly expressionType: string
  /** Undefined for one out of a file that cannot be read; it filters nothing, as with Apache. */
  readonly compiled: SqlExpression | undefined
  /** Ms since 1970; when the expression was first heard of. */
  readonly bornTime: number
  /** Ms since 1970 at which the last client left; 0 while one is there. */
  deadTime: number
  /** The version that the clients gave it, ms since 1970. */
  clientVersion: number
  readonly bloomFilterData: BloomFilterData
}

/** What a `ConsumerFilterTable` is told of its broker. */
export interface ConsumerFilterOptions {
  readonly path: string
  readonly maxErrorRateOfBloomFilter: number
  readonly expectConsumerNumUseFilter: number
  /** How long the filter of a group without clients is kept, ms. */
  readonly cleanTimeSpanMs: () => number
  /** Bounds the memory for expressions, in bytes. */
  readonly limit?: TableLimit
}

/** Memory that a filter takes beside its texts, roughly. */
const FILTER_BYTES = 512

/**
 * The expressions other than tags that groups filter by, made from heartbeats and saved in
 * config/consumerFilter.json. Apache: `ConsumerFilterManager.java`.
 */
export class ConsumerFilterTable {
  readonly #env: Env
  readonly #bloom: BloomFilter
  readonly #cleanTimeSpanMs: () => number
  /** Topic → group → filter. */
  readonly #topics = new Map<string, Map<string, ConsumerFilterData>>()
  /** The topics of each group's filters. */
  readonly #ofGroup = new Map<string, Set<string>>()
  readonly #limit: TableLimit
  #bytes = 0
  readonly #saved: SavedTable
  /** Expressions that were read lately. */
  readonly compiled = new CompiledExpressions()

  /** Reads the file. Throws ERR_BROKER_CONFIG_FILE. */
  constructor(env: Env, options: ConsumerFilterOptions) {
    this.#env = env
    this.#cleanTimeSpanMs = options.cleanTimeSpanMs
    this.#limit = options.limit ?? noLimits.filters
    const { maxErrorRateOfBloomFilter, expectConsumerNumUseFilter } = options
    this.#bloom = new BloomFilter(maxErrorRateOfBloomFilter, expectConsumerNumUseFilter)
    const file = new JsonFile(env, options.path)
    this.#saved = new SavedTable(env, file, () => this.toJson())
    this.#restore(file.load(consumerFiltersBody))
  }

  /** What a group filters a topic by; undefined when it never said, or when that was no expression. */
  get(topic: string, group: string): ConsumerFilterData | undefined {
    return this.#topics.get(topic)?.get(group)
  }

  /** The same as config/consumerFilter.json has it; undefined when there is none. */
  printed(topic: string, group: string): unknown {
    const filter = this.get(topic, group)
    return filter === undefined ? undefined : printedFilter(filter)
  }

  /** Takes the subscriptions of a heartbeat, which are all that the group has. */
  register(group: string, subscriptions: readonly SubscriptionData[]): void {
    for (const each of subscriptions) {
      if (!isTagExpression(each.expressionType) && each.subString !== '') this.#take(group, each)
    }
    if (!this.#ofGroup.has(group)) return
    const wanted = new Set(subscriptions.map((each) => each.topic))
    this.#leave(group, (topic) => !wanted.has(topic))
  }

  /** The last client of a group has left. */
  unregister(group: string): void {
    this.#leave(group, () => true)
  }

  /** Forgets whose groups left long ago, and writes the file if the table changed. Throws the host's error. */
  save(): void {
    const now = this.#env.clock.now()
    for (const [topic, groups] of this.#topics) {
      for (const [group, filter] of groups) {
        if (!isDead(filter) || now - filter.deadTime < this.#cleanTimeSpanMs()) continue
        this.#remove(topic, group)
      }
    }
    this.#saved.save()
  }

  /** The table as config/consumerFilter.json has it. */
  toJson(): unknown {
    const filterDataByTopic: Record<string, unknown> = {}
    for (const [topic, groups] of this.#topics) {
      const groupFilterData = Object.fromEntries(
        [...groups].map(([group, filter]) => [group, printedFilter(filter)]),
      )
      filterDataByTopic[topic] = { groupFilterData, topic }
    }
    return { filterDataByTopic }
  }

  #take(group: string, wanted: SubscriptionData): void {
    const { topic, subString, expressionType, subVersion } = wanted
    const known = this.get(topic, group)
    if (known !== undefined && subVersion <= known.clientVersion) {
      if (subVersion === known.clientVersion) this.#revive(known)
      return
    }
    const bloomFilterData = this.#bloom.placesOf(`${group}#${topic}`)
    if (known?.expression === subString && known.expressionType === expressionType) {
      known.clientVersion = subVersion
      this.#revive(known)
      this.#saved.changed()
      return
    }
    const compiled = this.compiled.get(expressionType, subString)
    // One that cannot be read, or for which there is no room, leaves nothing, so that the clients' pulls are refused.
    const isFull = this.#limit.problem(this.#bytes + bytesOf(topic, group, subString)) !== undefined
    if (typeof compiled === 'string' || isFull) {
      this.#remove(topic, group)
      return
    }
    this.#put({
      consumerGroup: group,
      topic,
      expression: subString,
      expressionType,
      compiled,
      bornTime: this.#env.clock.now(),
      deadTime: 0,
      clientVersion: subVersion,
      bloomFilterData,
    })
    this.#saved.changed()
  }

  #put(filter: ConsumerFilterData): void {
    const { topic, consumerGroup: group } = filter
    this.#remove(topic, group)
    const groups = this.#topics.get(topic) ?? new Map<string, ConsumerFilterData>()
    this.#topics.set(topic, groups.set(group, filter))
    const topics = this.#ofGroup.get(group) ?? new Set<string>()
    this.#ofGroup.set(group, topics.add(topic))
    this.#bytes += bytesOf(topic, group, filter.expression)
  }

  #remove(topic: string, group: string): void {
    const groups = this.#topics.get(topic)
    const filter = groups?.get(group)
    if (groups === undefined || filter === undefined) return
    groups.delete(group)
    if (groups.size === 0) this.#topics.delete(topic)
    const topics = this.#ofGroup.get(group)
    topics?.delete(topic)
    if (topics?.size === 0) this.#ofGroup.delete(group)
    this.#bytes -= bytesOf(topic, group, filter.expression)
    this.#saved.changed()
  }

  #revive(filter: ConsumerFilterData): void {
    if (!isDead(filter)) return
    filter.deadTime = 0
    this.#saved.changed()
  }

  #leave(group: string, isLeft: (topic: string) => boolean): void {
    for (const topic of this.#ofGroup.get(group) ?? []) {
      const filter = this.get(topic, group)
      if (filter === undefined || isDead(filter) || !isLeft(topic)) continue
      filter.deadTime = this.#env.clock.now()
      this.#saved.changed()
    }
  }

  /** A file that was made with another size of the Bloom filter is left aside, as in Apache. */
  #restore(content: ConsumerFilters | undefined): void {
    const topics = [...(content?.filterDataByTopic ?? [])]
    const found = topics.flatMap(([topic, { groupFilterData }]) =>
      [...groupFilterData].map(([group, saved]) => ({ topic, group, saved })),
    )
    if (!found.every(({ saved }) => this.#bloom.fits(saved.bloomFilterData))) return
    for (const { topic, group, saved } of found) this.#put(this.#loaded(topic, group, saved))
  }

  #loaded(topic: string, consumerGroup: string, saved: SavedConsumerFilter): ConsumerFilterData {
    const { expression, expressionType, bornTime, clientVersion } = saved
    const compiled = this.compiled.get(expressionType, expression)
    const leftTime = Math.max(bornTime, this.#env.clock.now() - LEFT_BEFORE_LOAD_MS)
    return {
      consumerGroup,
      topic,
      expression,
      expressionType,
      compiled: typeof compiled === 'string' ? undefined : compiled,
      bornTime,
      deadTime: saved.deadTime === 0 ? leftTime : saved.deadTime,
      clientVersion,
      bloomFilterData: saved.bloomFilterData as BloomFilterData,
    }
  }
}

function bytesOf(topic: string, group: string, expression: string): number {
  return FILTER_BYTES + topic.length + group.length + expression.length
}

const isDead = (filter: ConsumerFilterData): boolean => filter.deadTime >= filter.bornTime

function printedFilter(filter: ConsumerFilterData): unknown {
  const { bloomFilterData, bornTime, clientVersion, consumerGroup, deadTime } = filter
  return {
    bloomFilterData: { bitNum: bloomFilterData.bitNum, bitPos: bloomFilterData.bitPos },
    bornTime,
    clientVersion,
    consumerGroup,
    dead: isDead(filter),
    deadTime,
    expression: filter.expression,
    expressionType: filter.expressionType,
    topic: filter.topic,
  }
}
