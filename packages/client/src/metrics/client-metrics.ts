import { withoutNamespace } from '@skylarkmq/protocol'
import { ConsumeTopicCounts } from './consume-topic-counts.ts'
import { SendCounts } from './send-counts.ts'
import type { ConsumerMetrics, SendMetrics } from './snapshot.ts'

/** So many topics have counts of their own, and so many of each group; all others are counted together. */
const TOPICS_MAX = 1_000
/** What they are counted as. No topic can be called so. */
export const OTHERS = '(others)'

/** Counts by topic, a bounded number of them. */
class ByTopic<C> {
  readonly #counts = new Map<string, C>()
  readonly #make: () => C

  constructor(make: () => C) {
    this.#make = make
  }

  of(topic: string): C {
    return this.#counts.get(topic) ?? this.#new(topic)
  }

  get all(): IterableIterator<[string, C]> {
    return this.#counts.entries()
  }

  #new(topic: string): C {
    if (this.#counts.size >= TOPICS_MAX && topic !== OTHERS) return this.of(OTHERS)
    const made = this.#make()
    this.#counts.set(topic, made)
    return made
  }
}

/** What a group consumed, by topic. */
export interface GroupMetrics {
  of(topic: string): ConsumeTopicCounts
}

/** What waits of a topic. */
export interface TopicGauges {
  waiting: number
  waitingBytes: number
  lag: number
}

/** What a member of a group has now. */
export interface GroupGauges {
  /** Handlers that run. */
  readonly running: number
  readonly topics: ReadonlyMap<string, TopicGauges>
}

/** What a client has done. Names are those that brokers know. */
export class ClientMetrics {
  readonly #sends = new ByTopic(() => new SendCounts())
  readonly #groups = new Map<string, ByTopic<ConsumeTopicCounts>>()
  /** See MetricsSnapshot. */
  readonly connections = { made: 0, reconnects: 0, failed: 0, lost: 0 }

  /** What was sent to a topic. */
  sends(topic: string): SendCounts {
    return this.#sends.of(topic)
  }

  /** What a group consumed. */
  group(group: string): GroupMetrics {
    const known = this.#groups.get(group) ?? new ByTopic(() => new ConsumeTopicCounts())
    this.#groups.set(group, known)
    return known
  }

  /** What was counted of sends. */
  sendMetrics(namespace = ''): SendMetrics[] {
    return [...this.#sends.all].map(([topic, counts]) =>
      counts.snapshot(withoutNamespace(topic, namespace)),
    )
  }

  /** What was counted of groups, with what their members have now. */
  consumerMetrics(
    members: readonly (readonly [string, GroupGauges])[],
    namespace = '',
  ): ConsumerMetrics[] {
    return [...this.#groups].flatMap(([group, byTopic]) => {
      const own = members.filter(([name]) => name === group).map(([, gauges]) => gauges)
      return [...byTopic.all].map(([topic, counts]) =>
        counts.snapshot({
          group: withoutNamespace(group, namespace),
          topic: withoutNamespace(topic, namespace),
          ...sumOf(own.flatMap(({ topics }) => topics.get(topic) ?? [])),
        }),
      )
    })
  }
}

function sumOf(all: readonly TopicGauges[]): TopicGauges {
  const sum = { waiting: 0, waitingBytes: 0, lag: 0 }
  for (const each of all) {
    sum.waiting += each.waiting
    sum.waitingBytes += each.waitingBytes
    sum.lag += each.lag
  }
  return sum
}
