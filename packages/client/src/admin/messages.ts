import {
  hostBytes,
  parseOffsetMsgId,
  Property,
  QueryMessage,
  ResponseCode,
  ViewMessageById,
  type OffsetMsgId,
} from '@skylarkmq/protocol'
import { checkOptions } from '../check/check-options.ts'
import { browseOptions, queryOptions } from '../check/known-options.ts'
import type { ClientInstance } from '../client-instance.ts'
import type { SqlSelector } from '../consumer/check-expressions.ts'
import { Puller } from '../consumer/pull.ts'
import type { ReceivedMessage } from '../message.ts'
import { readMessages } from '../received-bodies.ts'
import { QueueOffsets } from '../offset/queue-offsets.ts'
import { MASTER_ID, readAddress, subscribeQueues } from '../route/topic-route.ts'
import { underSignal, withSignal, type CallOptions } from '../waiting.ts'
import { lifeOf, type MessageLife } from './message-life.ts'
import { QueueReader } from './queue-reader.ts'

/** Which messages a query looks for. */
export interface QueryOptions extends CallOptions {
  /** Stored at this time or later, ms since 1970; default 0. */
  readonly beginTimestamp?: number
  /** Stored at this time or earlier, ms since 1970; default no end. */
  readonly endTimestamp?: number
  /** Messages per broker, at most; default 32. */
  readonly maxNum?: number
}

/** Which messages of a topic are read. */
export interface BrowseOptions extends CallOptions {
  /** Stored at this time or later; default from the first one on. */
  readonly from?: Date | undefined
  /** Stored at this time or earlier; default all that are there when the reading begins. */
  readonly to?: Date | undefined
  /** Tags, such as `paid || refunded`, or a SQL92 expression; default all. */
  readonly expression?: string | SqlSelector | undefined
}

const QUERY_TIMEOUT_MS = 10_000
/** A message comes again 16 times by default. */
const COPIES_MAX = 64
const UNIQ_KEY_BACK_MS = 3 * 24 * 3600 * 1000

/** Stored messages. All methods reject with RMQ_NAME_SERVER, RMQ_TOPIC_NOT_FOUND, RMQ_BROKER when a broker refuses, and the reason of `signal`. */
export class Messages {
  readonly #client: ClientInstance
  readonly #offsets: QueueOffsets

  /** `client` makes the connections. */
  constructor(client: ClientInstance) {
    this.#client = client
    this.#offsets = new QueueOffsets(client)
  }

  /** Messages of a topic that have a key, oldest first. */
  query(topic: string, key: string, options: QueryOptions = {}): Promise<ReceivedMessage[]> {
    return underSignal(options, async () => {
      checkOptions(options, queryOptions)
      const found = await this.#query(topic, key, false, options)
      return found.filter((message) => message.keys.includes(key))
    })
  }

  /**
   * The message of an id: an offset id, or the id that its producer gave it, of the last three days. Undefined when
   * there is none. Of a message that was retried or delayed there are several; the oldest is returned.
   */
  get(
    topic: string,
    msgId: string,
    options: CallOptions = {},
  ): Promise<ReceivedMessage | undefined> {
    return underSignal(options, async () => {
      const beginTimestamp = this.#client.env.clock.now() - UNIQ_KEY_BACK_MS
      const found = await this.#query(topic, msgId, true, { beginTimestamp })
      const [same] = found.filter((each) => each.properties.get(Property.UNIQ_KEY) === msgId)
      return same ?? this.#byOffsetId(topic, msgId)
    })
  }

  /**
   * The messages of a topic that are there now, for `for await`: in the order in which they were stored, as far as the
   * clocks of its brokers agree. No group is told of it.
   */
  async *browse(
    topic: string,
    options: BrowseOptions = {},
  ): AsyncGenerator<ReceivedMessage, void, undefined> {
    checkOptions(options, browseOptions)
    const { from, to, expression, signal } = options
    signal?.throwIfAborted()
    const latest = to?.getTime() ?? Infinity
    const readers = await withSignal(this.#readers(topic, from, expression), signal)
    for (;;) {
      let oldest: { reader: QueueReader; head: ReceivedMessage | undefined } | undefined
      for (const each of readers) {
        if (each.head === undefined) continue
        if (oldest?.head === undefined || byStoring(each.head, oldest.head) < 0) oldest = each
      }
      if (oldest?.head === undefined || oldest.head.storeTimestamp > latest) return
      yield this.#client.bodies.restored(oldest.head)
      oldest.head = await withSignal(oldest.reader.next(), signal)
    }
  }

  /**
   * What became of a message: where it lies, which groups have consumed it, and how often it came again to each. Undefined
   * when there is none of this id. Apache: `DefaultMQAdminExtImpl.java`, messageTrackDetail.
   */
  life(topic: string, msgId: string, options: CallOptions = {}): Promise<MessageLife | undefined> {
    return underSignal(options, async () => {
      const beginTimestamp = this.#client.env.clock.now() - UNIQ_KEY_BACK_MS
      const message = await this.get(topic, msgId, options)
      if (message === undefined) return undefined
      return lifeOf(this.#client, message, async (other) => {
        const route = await this.#client.routes.find(this.#client.wrapped(other))
        if (route === undefined) return []
        return this.#query(other, message.msgId, true, { beginTimestamp, maxNum: COPIES_MAX })
      })
    })
  }

  /** A reader of each queue, with the first message that it has. */
  async #readers(
    topic: string,
    from: Date | undefined,
    expression: string | SqlSelector | undefined,
  ): Promise<{ readonly reader: QueueReader; head: ReceivedMessage | undefined }[]> {
    const wrapped = this.#client.wrapped(topic)
    const queues = subscribeQueues(wrapped, await this.#client.routes.get(wrapped))
    const begin = from === undefined ? ('first' as const) : { timestampMs: from.getTime() }
    const puller = new Puller(this.#client)
    return Promise.all(
      queues.map(async (queue) => {
        const end = await this.#offsets.at(queue, 'last')
        const offset = await this.#offsets.at(queue, begin)
        const reader = new QueueReader(puller, queue, offset, end, expression)
        return { reader, head: await reader.next() }
      }),
    )
  }

  async #query(
    topic: string,
    key: string,
    uniqueKeyQuery: boolean,
    options: QueryOptions,
  ): Promise<ReceivedMessage[]> {
    const wrapped = this.#client.wrapped(topic)
    const route = await this.#client.routes.get(wrapped)
    const header = {
      topic: wrapped,
      key,
      maxNum: options.maxNum ?? 32,
      beginTimestamp: options.beginTimestamp ?? 0,
      endTimestamp: options.endTimestamp ?? Number.MAX_SAFE_INTEGER,
      ...(uniqueKeyQuery ? { uniqueKeyQuery } : {}),
    }
    const asked = route.brokerDatas.map(async ({ brokerName }) => {
      const address = readAddress(route, brokerName, MASTER_ID)?.address
      if (address === undefined) return []
      const answer = await this.#client.caller.call(address, QueryMessage, header, {
        timeoutMs: QUERY_TIMEOUT_MS,
        accept: [ResponseCode.QUERY_NOT_FOUND],
      })
      return answer.body === undefined
        ? []
        : readMessages(answer.body, brokerName, this.#client.namespace)
    })
    // Keys are found by their hash, which those of another topic can share.
    const found = (await Promise.all(asked)).flat()
    return found.filter(({ messageQueue }) => messageQueue.topic === wrapped).sort(byStoring)
  }

  async #byOffsetId(topic: string, msgId: string): Promise<ReceivedMessage | undefined> {
    const id = parseOffsetMsgId(msgId)
    const wrapped = this.#client.wrapped(topic)
    const route = await this.#client.routes.get(wrapped)
    if (id === undefined) return undefined
    // The address in an id may be anything, so it is asked of nobody but the topic's brokers. One that is known by
    // another address than it wrote into its messages is asked after those whose address fits.
    const brokers = route.brokerDatas.flatMap(({ brokerName, brokerAddrs }) =>
      [...brokerAddrs.values()].map((address) => ({ brokerName, address })),
    )
    const isOwn = ({ address }: { address: string }): boolean => isAddressOf(address, id)
    const ordered = [...brokers.filter(isOwn), ...brokers.filter((each) => !isOwn(each))]
    for (const { brokerName, address } of ordered) {
      const message = await this.#at(address, brokerName, wrapped, id.physicalOffset)
      if (message?.offsetMsgId === msgId.toUpperCase()) return message
    }
    return undefined
  }

  /** The message that begins at an offset of a broker's log; undefined when there is none. */
  async #at(
    address: string,
    brokerName: string,
    topic: string,
    offset: number,
  ): Promise<ReceivedMessage | undefined> {
    const accept = [ResponseCode.SYSTEM_ERROR]
    const header = { topic, offset }
    const answer = await this.#client.caller.call(address, ViewMessageById, header, { accept })
    if (answer.code !== ResponseCode.SUCCESS || answer.body === undefined) return undefined
    return readMessages(answer.body, brokerName, this.#client.namespace)[0]
  }
}

/** Whether `host:port`, in whatever form the host is written, is where a message was stored. */
function isAddressOf(address: string, { host, port }: OffsetMsgId): boolean {
  const colon = address.lastIndexOf(':')
  const bytes = hostBytes(address.slice(0, colon))
  return (
    bytes !== undefined &&
    Number(address.slice(colon + 1)) === port &&
    Buffer.compare(bytes, host) === 0
  )
}

/** Orders messages as they were stored; those of one broker have an order within a ms too. */
function byStoring(one: ReceivedMessage, other: ReceivedMessage): number {
  const laterMs = one.storeTimestamp - other.storeTimestamp
  if (laterMs !== 0) return laterMs
  const [broker, otherBroker] = [one.messageQueue.brokerName, other.messageQueue.brokerName]
  if (broker !== otherBroker) return broker < otherBroker ? -1 : 1
  return one.physicalOffset - other.physicalOffset
}
