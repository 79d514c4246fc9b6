import { nodeEnv, warnOnce, type Env } from '@skylarkmq/env'
import {
  clusterInfoBody,
  GetBrokerClusterInfo,
  hostAndPortText,
  parseOffsetMsgId,
  Perm,
  Property,
  QueryMessage,
  ResponseCode,
  SystemTopic,
  topicProblem,
  UpdateAndCreateTopic,
  ViewMessageById,
  type ClusterInfo,
  type MessageQueue,
  type TopicRouteData,
} from '@skylarkmq/protocol'
import { ClientInstance } from '../client-instance.ts'
import { OptionError, RouteNotFoundError } from '../errors.ts'
import { readMessages, type ReceivedMessage } from '../message.ts'
import type { ClientOptions } from '../options.ts'
import { MASTER_ID, readAddress, subscribeQueues } from '../route/topic-route.ts'

/** A topic to create or to change. */
export interface TopicOptions {
  readonly topic: string
  /** Queues on each broker; default 8. */
  readonly queueNums?: number
  /** See Perm; default readable and writeable. */
  readonly perm?: number
  /** Cluster whose masters get the topic; default all masters. */
  readonly clusterName?: string
}

/** Which messages a query looks for. */
export interface QueryOptions {
  /** Stored at this time or later, ms since 1970; default 0. */
  readonly beginTimestamp?: number
  /** Stored at this time or earlier, ms since 1970; default no end. */
  readonly endTimestamp?: number
  /** Messages per broker, at most; default 32. */
  readonly maxNum?: number
}

const QUERY_TIMEOUT_MS = 10_000
const UNIQ_KEY_BACK_MS = 3 * 24 * 3600 * 1000

/** Creates topics and finds messages. `close` ends it. Apache: `MQAdminImpl.java`. */
export class AdminClient {
  readonly #client: ClientInstance
  readonly #ownsClient: boolean

  /** `client` is shared with others; without it, there is one of its own. Throws RMQ_OPTION. */
  constructor(
    options: ClientOptions = {},
    env: Env = nodeEnv(warnOnce()),
    client?: ClientInstance,
  ) {
    this.#ownsClient = client === undefined
    this.#client = client ?? new ClientInstance(env, options)
  }

  /** All clusters and brokers. Rejects with RMQ_NAME_SERVER. */
  async clusterInfo(): Promise<ClusterInfo> {
    const answer = await this.#client.nameServers.call(GetBrokerClusterInfo, {})
    return clusterInfoBody.decode(answer.body)
  }

  /** Where a topic is; undefined when there is no such topic. Rejects with RMQ_NAME_SERVER. */
  fetchRoute(topic: string): Promise<TopicRouteData | undefined> {
    return this.#client.routes.read(this.#client.wrapped(topic))
  }

  /** The queues of a topic that may be read. Rejects with RMQ_NAME_SERVER or RMQ_TOPIC_NOT_FOUND. */
  async fetchSubscribeQueues(topic: string): Promise<MessageQueue[]> {
    const wrapped = this.#client.wrapped(topic)
    return subscribeQueues(wrapped, await this.#client.routes.get(wrapped))
  }

  /**
   * Creates a topic on masters, or changes it. Rejects with RMQ_OPTION for a name that cannot be,
   * RMQ_NAME_SERVER, RMQ_TOPIC_NOT_FOUND when there is no master, or RMQ_BROKER.
   */
  async createTopic(options: TopicOptions): Promise<void> {
    const { topic, queueNums = 8, perm = Perm.READ | Perm.WRITE } = options
    const problem = topicProblem(topic)
    if (problem !== undefined) throw new OptionError({ option: 'topic', problem })
    const addresses = await this.#masters(options.clusterName)
    if (addresses.length === 0) {
      throw new RouteNotFoundError({
        topic,
        reason: 'the name server knows no master to create it on',
      })
    }
    const header = {
      topic: this.#client.wrapped(topic),
      defaultTopic: SystemTopic.AUTO_CREATE,
      readQueueNums: queueNums,
      writeQueueNums: queueNums,
      perm,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
    }
    for (const address of addresses) {
      await this.#client.caller.call(address, UpdateAndCreateTopic, header)
    }
  }

  /**
   * Messages of a topic that have a key, oldest first. Rejects with RMQ_NAME_SERVER, RMQ_TOPIC_NOT_FOUND or
   * RMQ_BROKER.
   */
  async queryByKey(
    topic: string,
    key: string,
    options: QueryOptions = {},
  ): Promise<ReceivedMessage[]> {
    const found = await this.#query(topic, key, false, options)
    return found.filter((message) => message.keys.includes(key))
  }

  /**
   * The message of an id: an offset id, or the id that its producer gave it, of the last three days. Undefined when
   * there is none. Of a message that was retried or delayed there are several; the oldest is returned. Rejects as
   * `queryByKey`.
   */
  async viewMessage(topic: string, msgId: string): Promise<ReceivedMessage | undefined> {
    const beginTimestamp = this.#client.env.clock.now() - UNIQ_KEY_BACK_MS
    const found = await this.#query(topic, msgId, true, { beginTimestamp })
    const [same] = found.filter((each) => each.properties.get(Property.UNIQ_KEY) === msgId)
    return same ?? this.#byOffsetId(topic, msgId)
  }

  /** Closes the connections if no one else uses them. */
  async close(): Promise<void> {
    if (this.#ownsClient) await this.#client.close()
  }

  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #masters(clusterName: string | undefined): Promise<string[]> {
    const { brokerAddrTable } = await this.clusterInfo()
    return [...brokerAddrTable.values()]
      .filter((each) => clusterName === undefined || each.cluster === clusterName)
      .flatMap((each) => each.brokerAddrs.get(MASTER_ID) ?? [])
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
    const found = (await Promise.all(asked)).flat()
    return found.sort((a, b) => a.storeTimestamp - b.storeTimestamp)
  }

  async #byOffsetId(topic: string, msgId: string): Promise<ReceivedMessage | undefined> {
    const id = parseOffsetMsgId(msgId)
    const wrapped = this.#client.wrapped(topic)
    const route = await this.#client.routes.get(wrapped)
    if (id === undefined) return undefined
    const address = hostAndPortText(id)
    // An id that no broker of the topic gave is asked of nobody: its address may be anything.
    const owner = route.brokerDatas.find((each) => [...each.brokerAddrs.values()].includes(address))
    if (owner === undefined) return undefined
    const header = { topic: wrapped, offset: id.physicalOffset }
    const accept = [ResponseCode.SYSTEM_ERROR]
    const answer = await this.#client.caller.call(address, ViewMessageById, header, { accept })
    if (answer.code !== ResponseCode.SUCCESS || answer.body === undefined) return undefined
    return readMessages(answer.body, owner.brokerName, this.#client.namespace)[0]
  }
}
