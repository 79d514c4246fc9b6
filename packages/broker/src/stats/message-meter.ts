import { Histogram } from '@skylarkmq/env'
import { SystemTopic, TIMER_TOPIC } from '@skylarkmq/protocol'

/** Kinds of messages as metrics tell them apart. Apache: `TopicMessageType.java`. */
export const MessageKind = { normal: 0, fifo: 1, delay: 2, transaction: 3 } as const
/** One of them. */
export type MessageKind = (typeof MessageKind)[keyof typeof MessageKind]

const KINDS = Object.keys(MessageKind).length
/** Apache: `BrokerMetricsManager.java`, initMetricsView. */
const SIZE_BOUNDS: readonly number[] = [1024, 4096, 524_288, 1_048_576, 2_097_152, 4_194_304]
const FINISH_BOUNDS_S: readonly number[] = [5, 60, 600, 3600, 43_200, 86_400]

/** What kind of message a stored one is, by where it waits. */
export function kindOf(topic: string, isFifo: boolean): MessageKind {
  if (topic === SystemTopic.TRANS_HALF) return MessageKind.transaction
  if (isFifo) return MessageKind.fifo
  return topic === SystemTopic.SCHEDULE || topic === TIMER_TOPIC
    ? MessageKind.delay
    : MessageKind.normal
}

/** What was stored of one topic, by kind. */
export class TopicMeter {
  readonly messages = new Float64Array(KINDS)
  readonly bytes = new Float64Array(KINDS)
  readonly #sizes: (Histogram | undefined)[] = []

  /** Messages were stored together. */
  put(kind: MessageKind, count: number, bytes: number): void {
    this.messages[kind] = (this.messages[kind] as number) + count
    this.bytes[kind] = (this.bytes[kind] as number) + bytes
    const sizes = (this.#sizes[kind] ??= new Histogram(SIZE_BOUNDS))
    sizes.observe(count === 1 ? bytes : bytes / count)
  }

  /** Bytes of a message; undefined when there was none of this kind. */
  sizesOf(kind: MessageKind): Histogram | undefined {
    return this.#sizes[kind]
  }
}

/** The transactions of one topic. */
export interface TransactionMeter {
  /** Half messages without an end, since the start of this process. */
  open: number
  committed: number
  rolledBack: number
  /** From a message's birth to its commit, seconds. */
  readonly finishTimes: Histogram
}

/** How often something happened to messages, for metrics; since the start of the process. Apache: `BrokerMetricsManager.java`. */
export class MessageMeter {
  readonly #topics = new Map<string, TopicMeter>()
  readonly #dead = new Map<string, Map<string, number>>()
  readonly #transactions = new Map<string, TransactionMeter>()
  readonly #topicsMax: number
  /** Messages of delayed topics that were delivered, and their bytes. */
  delivered = 0
  deliveredBytes = 0

  /** Of more topics than `topicsMax` nothing is counted. */
  constructor(topicsMax = 1_000_000) {
    this.#topicsMax = topicsMax
  }

  /** What was stored, by topic. */
  get topics(): ReadonlyMap<string, TopicMeter> {
    return this.#topics
  }

  /** Dead letters by group and the topic where they come from. */
  get deadLetters(): ReadonlyMap<string, ReadonlyMap<string, number>> {
    return this.#dead
  }

  /** Transactions by topic. */
  get transactions(): ReadonlyMap<string, TransactionMeter> {
    return this.#transactions
  }

  /** The meter of a topic. Keep it where it is counted often. */
  topic(topic: string): TopicMeter {
    const found = this.#topics.get(topic)
    if (found !== undefined) return found
    const made = new TopicMeter()
    if (this.#topics.size < this.#topicsMax) this.#topics.set(topic, made)
    return made
  }

  /** A message has gone to the dead letters of a group. */
  deadLetter(group: string, topic: string): void {
    const topics = this.#dead.get(group) ?? new Map<string, number>()
    if (topics.size === 0) this.#dead.set(group, topics)
    if (topics.size < this.#topicsMax) topics.set(topic, (topics.get(topic) ?? 0) + 1)
  }

  /** A message of a delay level was given to its topic. */
  delayDelivered(bytes: number): void {
    this.delivered++
    this.deliveredBytes += bytes
  }

  /** A half message was stored. */
  halfStored(topic: string): void {
    this.#transaction(topic).open++
  }

  /** A transaction was ended by its producer; `tookMs` is the age of its message. */
  ended(topic: string, isCommit: boolean, tookMs: number): void {
    const meter = this.#transaction(topic)
    // Its half message may be older than this process.
    meter.open = Math.max(0, meter.open - 1)
    if (!isCommit) meter.rolledBack++
    else {
      meter.committed++
      meter.finishTimes.observe(Math.max(0, tookMs) / 1000)
    }
  }

  /** A half message was given up. */
  givenUp(topic: string): void {
    const meter = this.#transaction(topic)
    meter.open = Math.max(0, meter.open - 1)
  }

  /** A topic is no more. */
  topicDeleted(topic: string): void {
    this.#topics.delete(topic)
    this.#transactions.delete(topic)
  }

  #transaction(topic: string): TransactionMeter {
    const found = this.#transactions.get(topic)
    if (found !== undefined) return found
    const made = {
      open: 0,
      committed: 0,
      rolledBack: 0,
      finishTimes: new Histogram(FINISH_BOUNDS_S),
    }
    if (this.#transactions.size < this.#topicsMax) this.#transactions.set(topic, made)
    return made
  }
}
