import {
  DeleteTopicInBroker,
  DeleteTopicInNamesrv,
  GetAllTopicListFromNameserver,
  GetTopicStatsInfo,
  Perm,
  QueryTopicConsumeByWho,
  groupListBody,
  SystemTopic,
  topicListBody,
  topicProblem,
  topicStatsTableBody,
  UpdateAndCreateTopic,
  type MessageQueue,
  type TopicRouteData,
} from '@skylarkmq/protocol'
import { checkOptions } from '../check/check-options.ts'
import { topicOptions } from '../check/known-options.ts'
import type { ClientInstance } from '../client-instance.ts'
import { OptionError } from '../errors.ts'
import { subscribeQueues } from '../route/topic-route.ts'
import { underSignal, type CallOptions } from '../waiting.ts'
import { mastersOf, readMasters } from './brokers-known.ts'

/** How a topic is to be. */
export interface TopicOptions extends CallOptions {
  /** Queues on each broker; default 8. */
  readonly queues?: number
  /** See Perm; default readable and writeable. */
  readonly perm?: number
  /** Cluster whose masters get the topic; default all masters. */
  readonly cluster?: string
  /** Its queues keep their number and order while brokers come and go; default false. */
  readonly order?: boolean
  /** Changes of attributes, such as `+message.type=FIFO`. */
  readonly attributes?: string
}

/** One queue of a topic. */
export interface QueueState {
  /** Which queue. */
  readonly queue: MessageQueue
  /** Offset of the first message that is there, in messages. */
  readonly minOffset: number
  /** Offset behind the last one. */
  readonly maxOffset: number
  /** When the last one was stored, ms since 1970; 0 when there is none. */
  readonly lastUpdateTimestamp: number
}

/** Topics. All methods reject with RMQ_NAME_SERVER, with RMQ_BROKER when a broker refuses, and with the reason of `signal`. */
export class Topics {
  readonly #client: ClientInstance

  /** `client` makes the connections. */
  constructor(client: ClientInstance) {
    this.#client = client
  }

  /** Names of all topics that the name server knows, those of the system and of retries among them. */
  list(options: CallOptions = {}): Promise<string[]> {
    return underSignal(options, async () => {
      const answer = await this.#client.nameServers.call(GetAllTopicListFromNameserver, {})
      return [...topicListBody.decode(answer.body).topicList].sort()
    })
  }

  /** Creates a topic on masters, or changes it. Rejects with RMQ_OPTION for a name that cannot be too. */
  create(topic: string, options: TopicOptions = {}): Promise<void> {
    return underSignal(options, async () => {
      checkOptions(options, topicOptions)
      const { queues = 8, perm = Perm.READ | Perm.WRITE, order = false, attributes } = options
      const problem = topicProblem(topic)
      if (problem !== undefined) throw new OptionError({ option: 'topic', problem })
      const masters = await readMasters(this.#client, options.cluster)
      const header = {
        topic: this.#client.wrapped(topic),
        defaultTopic: SystemTopic.AUTO_CREATE,
        readQueueNums: queues,
        writeQueueNums: queues,
        perm,
        topicFilterType: 'SINGLE_TAG',
        topicSysFlag: 0,
        order,
        ...(attributes === undefined ? {} : { attributes }),
      }
      for (const { address } of masters) {
        options.signal?.throwIfAborted()
        await this.#client.caller.call(address, UpdateAndCreateTopic, header)
      }
    })
  }

  /** Deletes a topic with all its messages, on all brokers. Nothing happens when there is none. */
  delete(topic: string, options: CallOptions = {}): Promise<void> {
    return underSignal(options, async () => {
      const wrapped = this.#client.wrapped(topic)
      for (const { address } of await readMasters(this.#client)) {
        options.signal?.throwIfAborted()
        await this.#client.caller.call(address, DeleteTopicInBroker, { topic: wrapped })
      }
      await this.#client.nameServers.call(DeleteTopicInNamesrv, { topic: wrapped })
    })
  }

  /** Where a topic is; undefined when there is no such topic. */
  route(topic: string, options: CallOptions = {}): Promise<TopicRouteData | undefined> {
    return underSignal(options, () => this.#client.routes.read(this.#client.wrapped(topic)))
  }

  /** The queues of a topic that may be read. Rejects with RMQ_TOPIC_NOT_FOUND too. */
  queues(topic: string, options: CallOptions = {}): Promise<MessageQueue[]> {
    return underSignal(options, async () => {
      const wrapped = this.#client.wrapped(topic)
      return subscribeQueues(wrapped, await this.#client.routes.get(wrapped))
    })
  }

  /** What is in each queue of a topic. Rejects with RMQ_TOPIC_NOT_FOUND too. */
  stats(topic: string, options: CallOptions = {}): Promise<QueueState[]> {
    return underSignal(options, async () => {
      const wrapped = this.#client.wrapped(topic)
      const tables = await Promise.all(
        (await mastersOf(this.#client, wrapped)).map(async ({ address }) => {
          const answer = await this.#client.caller.call(address, GetTopicStatsInfo, {
            topic: wrapped,
          })
          return [...topicStatsTableBody.decode(answer.body).offsetTable]
        }),
      )
      return tables.flat().map(([queue, offsets]) => ({ queue, ...offsets }))
    })
  }

  /** Names of the groups that consume a topic, or have. Rejects with RMQ_TOPIC_NOT_FOUND too. */
  groups(topic: string, options: CallOptions = {}): Promise<string[]> {
    return underSignal(options, async () => {
      const wrapped = this.#client.wrapped(topic)
      const lists = await Promise.all(
        (await mastersOf(this.#client, wrapped)).map(async ({ address }) => {
          const header = { topic: wrapped }
          const answer = await this.#client.caller.call(address, QueryTopicConsumeByWho, header)
          return groupListBody.decode(answer.body).groupList
        }),
      )
      return [...new Set(lists.flat())].sort()
    })
  }
}
