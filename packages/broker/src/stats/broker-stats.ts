import type { Clock } from '@skylarkmq/env'
import { isSystemTopic, type TableLimit } from '@skylarkmq/protocol'
import { noLimits } from '../table-limits.ts'
import { MessageMeter, type MessageKind, type TopicMeter } from './message-meter.ts'

/** What has been counted over a time: Apache's `StatsSnapshot`. */
export interface StatsWindow {
  readonly sum: number
  readonly tps: number
  /** Mean value per count. */
  readonly avgpt: number
}

interface Sample {
  readonly atMs: number
  readonly sum: number
  readonly times: number
}

const SECONDS_SAMPLE_MS = 10_000
const MINUTES_SAMPLE_MS = 600_000
const HOURS_SAMPLE_MS = 3_600_000
/** Longer than a topic and a group together. */
const KEY_LENGTH_MAX = 1024

/**
 * One counted quantity: its total and samples of it, from which the last minute, hour and day come.
 * Apache: `StatsItem.java`, which samples every 10 s, 10 min and 1 h too.
 */
class StatsItem {
  sum = 0
  times = 0
  #latest: Sample | undefined
  readonly #minute: Sample[] = []
  readonly #hour: Sample[] = []
  readonly #day: Sample[] = []

  /** Counts a value. */
  add(value: number, times = 1): void {
    this.sum += value
    this.times += times
  }

  /** Notes the total now, on the monotonic clock: a wall clock that is set stops no statistics. Called every 10 s. */
  sample(nowMs: number): void {
    const sample = { atMs: nowMs, sum: this.sum, times: this.times }
    this.#latest = sample
    push(this.#minute, sample, SECONDS_SAMPLE_MS, 7)
    push(this.#hour, sample, MINUTES_SAMPLE_MS, 7)
    push(this.#day, sample, HOURS_SAMPLE_MS, 25)
  }

  get lastMinute(): StatsWindow {
    return windowOf(this.#minute, this.#latest)
  }

  get lastHour(): StatsWindow {
    return windowOf(this.#hour, this.#latest)
  }

  get lastDay(): StatsWindow {
    return windowOf(this.#day, this.#latest)
  }

  /** Whether nothing has been counted for about a day. */
  get isIdle(): boolean {
    return this.#day.length >= 25 && this.lastDay.sum === 0 && this.lastDay.tps === 0
  }
}

function push(samples: Sample[], sample: Sample, everyMs: number, keep: number): void {
  const last = samples.at(-1)
  if (last !== undefined && sample.atMs - last.atMs < everyMs - SECONDS_SAMPLE_MS / 2) return
  // What was counted before the first sample counts too: it is taken for that of one whole interval, as in Apache.
  if (last === undefined) samples.push({ atMs: sample.atMs - everyMs, sum: 0, times: 0 })
  samples.push(sample)
  if (samples.length > keep) samples.shift()
}

/** From the oldest sample to the latest, which is at most 10 s old however far apart the others are. */
function windowOf(samples: readonly Sample[], last: Sample | undefined): StatsWindow {
  const first = samples[0]
  if (first === undefined || last === undefined || first === last)
    return { sum: 0, tps: 0, avgpt: 0 }
  const sum = last.sum - first.sum
  const times = last.times - first.times
  return {
    sum,
    tps: (sum * 1000) / (last.atMs - first.atMs),
    avgpt: times > 0 ? sum / times : 0,
  }
}

/** Names of Apache's statistics that this broker keeps. Apache: `Stats.java`. */
export type StatsName =
  | 'TOPIC_PUT_NUMS'
  | 'TOPIC_PUT_SIZE'
  | 'GROUP_GET_NUMS'
  | 'GROUP_GET_SIZE'
  | 'SNDBCK_PUT_NUMS'
  | 'BROKER_PUT_NUMS'
  | 'BROKER_GET_NUMS'
  | 'GROUP_GET_LATENCY'

/** What is counted of a topic's sends. */
interface PutItems {
  readonly topic: string
  readonly isSystem: boolean
  readonly count: StatsItem
  readonly bytes: StatsItem
  readonly meter: TopicMeter
}

/** What a broker counts, by statistic and key. Apache: `BrokerStatsManager.java`. */
export class BrokerStats {
  /** Messages stored since the start, but for system topics. */
  putTotal = 0
  /** Messages given to consumers since the start, but for system topics. */
  getTotal = 0
  /** What metrics count besides. */
  readonly meter = new MessageMeter()
  readonly #clock: Clock
  readonly #cluster: string
  readonly #tables = new Map<string, Map<string, StatsItem>>()
  /** Keys of the items that belong to a topic, by topic: `topic` and `topic@group`. */
  readonly #keysOfTopic = new Map<string, Set<string>>()
  readonly #limit: TableLimit
  #count = 0
  // The items of topics that were sent to since the last sample, and of the one that was sent to last.
  readonly #puts = new Map<string, PutItems>()
  #lastPut: PutItems | undefined
  #brokerPuts: StatsItem | undefined
  #sampling: Iterator<[table: Map<string, StatsItem>, key: string, item: StatsItem]> | undefined

  /**
   * Statistics of a broker; those of all its topics together have the cluster's name as their key. `limit` bounds the
   * number of items.
   */
  constructor(clock: Clock, cluster: string, limit = noLimits.stats) {
    this.#clock = clock
    this.#cluster = cluster
    this.#limit = limit
  }

  /**
   * The item of a statistic and key, made if need be. Keep it where it is counted often. One for which there is no room
   * counts for nobody.
   */
  item(name: StatsName, key: string): StatsItem {
    let table = this.#tables.get(name)
    if (table === undefined) {
      table = new Map<string, StatsItem>()
      this.#tables.set(name, table)
    }
    let item = table.get(key)
    if (item === undefined) {
      item = new StatsItem()
      const hasRoom =
        key.length <= KEY_LENGTH_MAX && this.#limit.problem(this.#count + 1) === undefined
      if (!hasRoom) return item
      table.set(key, item)
      this.#count++
      const topic = topicOf(key)
      const keys = this.#keysOfTopic.get(topic) ?? new Set<string>()
      this.#keysOfTopic.set(topic, keys.add(key))
    }
    return item
  }

  /** All items of a statistic by key. */
  all(name: StatsName): ReadonlyMap<string, StatsItem> {
    return this.#tables.get(name) ?? new Map<string, StatsItem>()
  }

  /** The item if anything was ever counted. */
  find(name: string, key: string): StatsItem | undefined {
    return this.#tables.get(name)?.get(key)
  }

  /** Takes a sample of everything; items that have been idle for a day are dropped. */
  sample(): void {
    while (!this.sampleSome(Infinity));
  }

  /** The same for so many items at most, beginning where the last call ended; true once all have their sample. */
  sampleSome(count: number): boolean {
    this.#sampling ??= this.#begin()
    const now = this.#clock.monotonic()
    for (let left = count; left > 0; left--) {
      const next = this.#sampling.next()
      if (next.done === true) {
        this.#sampling = undefined
        return true
      }
      const [table, key, item] = next.value
      item.sample(now)
      if (item.isIdle) this.#remove(table, key)
    }
    return false
  }

  #begin(): Iterator<[Map<string, StatsItem>, string, StatsItem]> {
    this.#forgetPuts()
    return this.#items()
  }

  *#items(): Generator<[Map<string, StatsItem>, string, StatsItem]> {
    for (const table of this.#tables.values())
      for (const [key, item] of table) yield [table, key, item]
  }

  #remove(table: Map<string, StatsItem>, key: string): void {
    if (!table.delete(key)) return
    this.#count--
    if ([...this.#tables.values()].some((each) => each.has(key))) return
    const topic = topicOf(key)
    const keys = this.#keysOfTopic.get(topic)
    keys?.delete(key)
    if (keys?.size === 0) this.#keysOfTopic.delete(topic)
  }

  /** Messages of a topic were stored; of those without a kind metrics say nothing, as of the commit of a transaction. */
  topicPut(topic: string, count: number, bytes: number, kind?: MessageKind): void {
    let items = this.#lastPut
    if (items?.topic !== topic) {
      items = this.#puts.get(topic) ?? this.#putItems(topic)
      this.#lastPut = items
    }
    items.count.add(count)
    items.bytes.add(bytes)
    if (kind !== undefined) items.meter.put(kind, count, bytes)
    this.#brokerPuts ??= this.item('BROKER_PUT_NUMS', this.#cluster)
    // As in Apache, nobody counts the operations of the whole broker.
    this.#brokerPuts.add(count, 0)
    if (!items.isSystem) this.putTotal += count
  }

  #putItems(topic: string): PutItems {
    const items = {
      topic,
      isSystem: isSystemTopic(topic),
      count: this.item('TOPIC_PUT_NUMS', topic),
      bytes: this.item('TOPIC_PUT_SIZE', topic),
      meter: this.meter.topic(topic),
    }
    this.#puts.set(topic, items)
    return items
  }

  #forgetPuts(): void {
    this.#puts.clear()
    this.#lastPut = undefined
    this.#brokerPuts = undefined
  }

  /** Messages of a topic were given to a group. */
  groupGet(group: string, topic: string, count: number, bytes: number): void {
    const key = `${topic}@${group}`
    this.item('GROUP_GET_NUMS', key).add(count)
    this.item('GROUP_GET_SIZE', key).add(bytes)
    this.item('BROKER_GET_NUMS', this.#cluster).add(count, 0)
    if (!isSystemTopic(topic)) this.getTotal += count
  }

  /** How many messages a second a group takes of a topic. */
  groupGetTps(group: string, topic: string): number {
    return this.find('GROUP_GET_NUMS', `${topic}@${group}`)?.lastMinute.tps ?? 0
  }

  /** Forgets a topic. */
  topicDeleted(topic: string): void {
    this.meter.topicDeleted(topic)
    this.#forgetPuts()
    for (const key of [...(this.#keysOfTopic.get(topic) ?? [])]) {
      for (const table of this.#tables.values()) this.#remove(table, key)
    }
  }
}

/** The topic of the keys `topic` and `topic@group`; a topic has no `@`. */
function topicOf(key: string): string {
  const at = key.indexOf('@')
  return at < 0 ? key : key.slice(0, at)
}
