import {
  Property,
  QueryConsumerOffset,
  ResponseCode,
  SystemGroup,
  SystemTopic,
  type MessageQueue,
} from '@skylarkmq/protocol'
import { checkOptions } from '../check/check-options.ts'
import { openTransactionsOptions } from '../check/known-options.ts'
import type { ClientInstance } from '../client-instance.ts'
import { Puller } from '../consumer/pull.ts'
import { QueueOffsets } from '../offset/queue-offsets.ts'
import { masterAddress, subscribeQueues } from '../route/topic-route.ts'
import { underSignal, type CallOptions } from '../waiting.ts'
import { QueueReader } from './queue-reader.ts'

/** A half message: its transaction was neither committed nor rolled back yet. */
export interface OpenTransaction {
  /** The topic that it is for. */
  readonly topic: string
  /** The id that its producer gave it. */
  readonly msgId: string
  /** The group whose producers are asked about it. */
  readonly producerGroup: string
  /** The broker that keeps it. */
  readonly brokerName: string
  /** When it was sent, ms since 1970 by the producer's clock. */
  readonly bornTimestamp: number
  /** How often the broker has asked about it. */
  readonly checkTimes: number
}

/** Which half messages are looked for. */
export interface OpenTransactionsOptions extends CallOptions {
  /** So many of each broker at most, the oldest first; default 1000. */
  readonly max?: number
}

const MAX = 1_000
/** Entries of the op queue that are read at most: each ends one half message or some hundred. */
const OPS_MAX = 100_000

/** Transactions that are open. Rejects as the methods of Groups. */
export class Transactions {
  readonly #client: ClientInstance
  readonly #offsets: QueueOffsets

  /** `client` makes the connections. */
  constructor(client: ClientInstance) {
    this.#client = client
    this.#offsets = new QueueOffsets(client)
  }

  /**
   * The half messages that wait for a decision, oldest first. One that the broker asked about lies in its queue again, and
   * is counted once. Apache: `TransactionalMessageServiceImpl.java`, check.
   */
  open(options: OpenTransactionsOptions = {}): Promise<OpenTransaction[]> {
    return underSignal(options, async () => {
      checkOptions(options, openTransactionsOptions)
      const { max = MAX, signal } = options
      const route = await this.#client.routes.find(SystemTopic.TRANS_HALF)
      if (route === undefined) return []
      const queues = subscribeQueues(SystemTopic.TRANS_HALF, route)
      const found: OpenTransaction[][] = []
      for (const queue of queues) {
        const address = masterAddress(route, queue.brokerName)
        if (address === undefined) continue
        signal?.throwIfAborted()
        found.push(await this.#ofQueue(address, queue, max, signal))
      }
      return found.flat().sort((one, other) => one.bornTimestamp - other.bornTimestamp)
    })
  }

  async #ofQueue(
    address: string,
    queue: MessageQueue,
    max: number,
    signal: AbortSignal | undefined,
  ): Promise<OpenTransaction[]> {
    const ended = await this.#ended(address, { ...queue, topic: SystemTopic.TRANS_OP_HALF }, signal)
    const reader = await this.#reader(address, queue)
    // By id: the newest copy of one that was asked about counts the questions.
    const open = new Map<string, OpenTransaction>()
    while (open.size < max) {
      signal?.throwIfAborted()
      const message = await reader.next()
      if (message === undefined) break
      const { properties, msgId, queueOffset, bornTimestamp } = message
      if (ended.has(queueOffset)) continue
      open.set(msgId, {
        topic: this.#client.unwrapped(properties.get(Property.REAL_TOPIC) ?? message.topic),
        msgId,
        producerGroup: this.#client.unwrapped(properties.get(Property.PGROUP) ?? ''),
        brokerName: queue.brokerName,
        bornTimestamp,
        checkTimes: Number(properties.get(Property.TRANSACTION_CHECK_TIMES) ?? 0),
      })
    }
    return [...open.values()]
  }

  /** Offsets in the half queue that were ended, as far as the broker has not passed over them yet. */
  async #ended(
    address: string,
    queue: MessageQueue,
    signal: AbortSignal | undefined,
  ): Promise<Set<number>> {
    const ended = new Set<number>()
    if ((await this.#client.routes.find(queue.topic)) === undefined) return ended
    const reader = await this.#reader(address, queue)
    for (let read = 0; read < OPS_MAX; read++) {
      signal?.throwIfAborted()
      const op = await reader.next()
      if (op === undefined) break
      for (const offset of op.body.toString().split(',')) {
        if (/^\d+$/.test(offset)) ended.add(Number(offset))
      }
    }
    return ended
  }

  /** From where the broker's own group stands to the end. */
  async #reader(address: string, queue: MessageQueue): Promise<QueueReader> {
    const { topic, queueId } = queue
    const header = { consumerGroup: SystemGroup.TRANSACTION, topic, queueId }
    const accept = [ResponseCode.QUERY_NOT_FOUND]
    const answer = await this.#client.caller.call(address, QueryConsumerOffset, header, { accept })
    const first = await this.#offsets.at(queue, 'first')
    const known = answer.code === ResponseCode.SUCCESS ? answer.header().offset : first
    const end = await this.#offsets.at(queue, 'last')
    return new QueueReader(new Puller(this.#client), queue, Math.max(first, known), end, undefined)
  }
}
