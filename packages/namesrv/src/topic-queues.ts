import { unlimited, type QueueData } from '@skylarkmq/protocol'

/** The queues of each topic on each broker, found by topic or by broker. */
export class TopicQueues {
  /** Topic → broker name → its queues there. */
  readonly byTopic = new Map<string, Map<string, QueueData>>()
  readonly #byBroker = new Map<string, Set<string>>()
  readonly #limit
  #count = 0

  /** `limit` is the limit of pairs of a topic and a broker. */
  constructor(limit = unlimited('routes')) {
    this.#limit = limit
  }

  /** The queues of a topic on one broker; undefined when it has none. */
  get(topic: string, brokerName: string): QueueData | undefined {
    return this.byTopic.get(topic)?.get(brokerName)
  }

  /** Topics that a broker has. */
  topicsOf(brokerName: string): ReadonlySet<string> {
    return this.#byBroker.get(brokerName) ?? new Set<string>()
  }

  /** Why a broker's queues of a topic cannot be added, as a sentence; undefined when they can. */
  problem(topic: string, brokerName: string): string | undefined {
    return this.get(topic, brokerName) === undefined
      ? this.#limit.problem(this.#count + 1)
      : undefined
  }

  /** Sets one broker's queues of a topic. */
  set(topic: string, data: QueueData): void {
    const { brokerName } = data
    const queues = this.byTopic.get(topic) ?? new Map<string, QueueData>()
    if (!queues.has(brokerName)) {
      this.#count++
      const topics = this.#byBroker.get(brokerName) ?? new Set<string>()
      this.#byBroker.set(brokerName, topics.add(topic))
    }
    this.byTopic.set(topic, queues.set(brokerName, data))
  }

  /** Removes one broker's queues of a topic. */
  delete(topic: string, brokerName: string): void {
    const queues = this.byTopic.get(topic)
    if (queues?.delete(brokerName) !== true) return
    this.#count--
    if (queues.size === 0) this.byTopic.delete(topic)
    const topics = this.#byBroker.get(brokerName)
    topics?.delete(topic)
    if (topics?.size === 0) this.#byBroker.delete(brokerName)
  }
}
