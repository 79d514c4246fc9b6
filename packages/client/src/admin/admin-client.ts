import { nodeEnv, silentEvents, type Env } from '@skylarkmq/env'
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
import { InvalidOption, NoRoute } from '../errors.ts'
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

  /** Throws ERR_CLIENT_OPTION. */
  constructor(options: ClientOptions = {}, env: Env = nodeEnv(silentEvents)) {
    this.#client = new ClientInstance(env, options)
  }

  /** All clusters and brokers. Rejects with ERR_CLIENT_NAMESRV. */
  async clusterInfo(): Promise<ClusterInfo> {
    const answer = await this.#client.nameServers.call(GetBrokerClusterInfo, {})
    return clusterInfoBody.decode(answer.body)
  }

  /** Where a topic is; undefined when there is no such topic. Rejects with ERR_CLIENT_NAMESRV. */
  fetchRoute(topic: string): Promise<TopicRouteData | undefined> {
    return this.#client.routes.read(topic)
  }

  /** The queues of a topic that may be read. Rejects with ERR_CLIENT_NAMESRV or ERR_CLIENT_NO_ROUTE. */
  async fetchSubscribeQueues(topic: string): Promise<MessageQueue[]> {
    return subscribeQueues(topic, await this.#client.routes.get(topic))
  }

  /**
   * Creates a topic on masters, or changes it. Rejects with ERR_CLIENT_OPTION for a name that cannot be,
   * ERR_CLIENT_NAMESRV, ERR_CLIENT_NO_ROUTE when there is no master, or ERR_CLIENT_BROKER.
   */
  async createTopic(options: TopicOptions): Promise<void> {
    const { topic, queueNums = 8, perm = Perm.READ | Perm.WRITE } = options
    const problem = topicProblem(topic)
    if (problem !== undefined) throw new InvalidOption({ option: 'topic', problem })
    const addresses = await this.#masters(options.clusterName)
    if (addresses.length === 0) {
      throw new NoRoute({ topic, reason: 'the name server knows no master to create it on' })
    }
    const header = {
      topic,
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
   * Messages of a topic that have a key, oldest first. Rejects with ERR_CLIENT_NAMESRV, ERR_CLIENT_NO_ROUTE or
   * ERR_CLIENT_BROKER.
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

  /** Closes the connections. */
  async close(): Promise<void> {
    await this.#client.close()
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
    const route = await this.#client.routes.get(topic)
    const header = {
      topic,
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
      return answer.body === undefined ? [] : readMessages(answer.body, brokerName)
    })
    const found = (await Promise.all(asked)).flat()
    return found.sort((a, b) => a.storeTimestamp - b.storeTimestamp)
  }

  async #byOffsetId(topic: string, msgId: string): Promise<ReceivedMessage | undefined> {
    const id = parseOffsetMsgId(msgId)
    const route = await this.#client.routes.get(topic)
    if (id === undefined) return undefined
    const address = hostAndPortText(id)
    // An id that no broker of the topic gave is asked of nobody: its address may be anything.
    const owner = route.brokerDatas.find((each) => [...each.brokerAddrs.values()].includes(address))
    if (owner === undefined) return undefined
    const header = { topic, offset: id.physicalOffset }
    const accept = [ResponseCode.SYSTEM_ERROR]
    const answer = await this.#client.caller.call(address, ViewMessageById, header, { accept })
    if (answer.code !== ResponseCode.SUCCESS || answer.body === undefined) return undefined
    return readMessages(answer.body, owner.brokerName)[0]
  }
}
