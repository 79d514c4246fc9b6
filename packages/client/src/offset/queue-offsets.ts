import {
  GetMaxOffset,
  GetMinOffset,
  QueryConsumerOffset,
  ResponseCode,
  RETRY_PREFIX,
  SearchOffsetByTimestamp,
  UpdateConsumerOffset,
  type MessageQueue,
  type TopicRouteData,
} from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import { RouteNotFoundError } from '../errors.ts'
import { masterAddress, readAddress } from '../route/topic-route.ts'

/**
 * Where to begin in a queue: at its first message, behind its last one, or at the first one stored at a time or
 * later (ms since 1970).
 */
export type StartFrom = 'first' | 'last' | { readonly timestampMs: number }

/** A place to begin, a Date among them. */
export function startFrom(place: StartFrom | Date): StartFrom {
  return place instanceof Date ? { timestampMs: place.getTime() } : place
}

/** Offsets of queues, as brokers know them. Apache: `RemoteBrokerOffsetStore.java`. */
export class QueueOffsets {
  readonly #client: ClientInstance

  constructor(client: ClientInstance) {
    this.#client = client
  }

  /**
   * The offset a group continues from: where it stopped, else by `from`. Rejects when the broker does not say.
   * Apache: `RebalancePushImpl.java`, computePullFromWhere.
   */
  async next(group: string, queue: MessageQueue, from: StartFrom): Promise<number> {
    const { topic, queueId } = queue
    const header = { consumerGroup: group, topic, queueId }
    const accept = [ResponseCode.QUERY_NOT_FOUND]
    const address = await this.#address(queue)
    const answer = await this.#client.caller.call(address, QueryConsumerOffset, header, { accept })
    if (answer.code === ResponseCode.SUCCESS) return answer.header().offset
    if (!topic.startsWith(RETRY_PREFIX)) return this.at(queue, from)
    // What was sent back belongs to the group, so none of it is old; with a time, only what comes from now on.
    if (from === 'first' || from === 'last') return 0
    return this.at(queue, 'last')
  }

  /** The offset of a place in a queue. Rejects when the broker does not say. */
  async at({ topic, queueId, brokerName }: MessageQueue, from: StartFrom): Promise<number> {
    const address = await this.#address({ topic, queueId, brokerName })
    const { caller } = this.#client
    if (from === 'first') {
      return (await caller.call(address, GetMinOffset, { topic, queueId })).header().offset
    }
    if (from === 'last') {
      return (await caller.call(address, GetMaxOffset, { topic, queueId })).header().offset
    }
    const header = { topic, queueId, timestamp: from.timestampMs }
    return (await caller.call(address, SearchOffsetByTimestamp, header)).header().offset
  }

  /** Stores how far a group has come. Rejects with RMQ_CONNECT; no answer is waited for. */
  async commit(group: string, queue: MessageQueue, commitOffset: number): Promise<void> {
    const { topic, queueId } = queue
    const header = { consumerGroup: group, topic, queueId, commitOffset }
    await this.#client.caller.oneway(await this.#address(queue), UpdateConsumerOffset, header)
  }

  /** As `commit`, and waits until the broker has it. */
  async commitAndWait(group: string, queue: MessageQueue, commitOffset: number): Promise<void> {
    const { topic, queueId } = queue
    const header = { consumerGroup: group, topic, queueId, commitOffset }
    await this.#client.caller.call(await this.#address(queue), UpdateConsumerOffset, header)
  }

  async #address({ topic, brokerName }: MessageQueue): Promise<string> {
    const route = await this.#client.routes.get(topic)
    const address = masterAddress(route, brokerName) ?? anyAddress(route, brokerName)
    if (address !== undefined) return address
    throw new RouteNotFoundError({ topic, reason: `the broker ${brokerName} is not in it` })
  }
}

function anyAddress(route: TopicRouteData, brokerName: string): string | undefined {
  return readAddress(route, brokerName, 0)?.address
}
