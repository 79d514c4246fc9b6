import type { Clock } from '@skylarkmq/env'
import {
  compareQueues,
  decodeTopicRouteData,
  encodeHeader,
  GetRouteinfoByTopic,
  isReadable,
  ResponseCode,
  type MessageQueue,
  type RemotingCommand,
} from '@skylarkmq/protocol'
import {
  ConnectFailed,
  ConnectionClosed,
  RequestTimeout,
  type RemotingClient,
} from '@skylarkmq/remoting'

const TIMEOUT_MS = 3_000
/** A route that says that a broker has more queues of a topic is wrong. */
const QUEUES_MAX = 1_000_000
/** Routes that are kept. */
const KEPT_MAX = 10_000

/** What routes are looked up with. */
export interface TopicRouteSource {
  readonly client: RemotingClient
  /** Addresses of the name servers, now. */
  readonly nameServers: () => readonly string[]
  /** The queues of a topic on this broker; for a broker without a name server. */
  readonly own: (topic: string) => readonly MessageQueue[] | undefined
  /** How long a route is good for, ms. */
  readonly freshMs: () => number
}

interface Known {
  readonly queues: readonly MessageQueue[]
  readonly atMs: number
}

/**
 * The queues of topics in the whole cluster, for a broker that shares them out among the clients of a group. Apache:
 * `TopicRouteInfoManager.java`.
 */
export class TopicRoutes {
  readonly #clock: Clock
  readonly #source: TopicRouteSource
  readonly #known = new Map<string, Known>()

  constructor(clock: Clock, source: TopicRouteSource) {
    this.#clock = clock
    this.#source = source
  }

  /** The queues that can be read, in the order in which all sort them; undefined for a topic without a route. */
  async queuesOf(topic: string): Promise<readonly MessageQueue[] | undefined> {
    const nameServers = this.#source.nameServers()
    if (nameServers.length === 0) return this.#source.own(topic)
    const known = this.#known.get(topic)
    const now = this.#clock.monotonic()
    if (known !== undefined && now - known.atMs < this.#source.freshMs()) return known.queues
    for (const nameServer of nameServers) {
      const answer = await this.#ask(nameServer, topic)
      if (answer === 'silent') continue
      this.#known.delete(topic)
      if (answer !== undefined) this.#keep(topic, { queues: answer, atMs: now })
      return answer
    }
    return known?.queues
  }

  #keep(topic: string, known: Known): void {
    for (const oldest of this.#known.keys()) {
      if (this.#known.size < KEPT_MAX) break
      this.#known.delete(oldest)
    }
    this.#known.set(topic, known)
  }

  /** Undefined when the name server knows of no such topic; `silent` when it says nothing of use. */
  async #ask(nameServer: string, topic: string): Promise<MessageQueue[] | undefined | 'silent'> {
    const { code, name } = GetRouteinfoByTopic
    const fields = encodeHeader(GetRouteinfoByTopic, { topic })
    const request = { code, name, fields }
    let answer: RemotingCommand
    try {
      answer = await this.#source.client.request(nameServer, request, TIMEOUT_MS)
    } catch (error) {
      // Another name server may be there.
      if (isNoAnswer(error)) return 'silent'
      throw error
    }
    if (answer.code === ResponseCode.TOPIC_NOT_EXIST) return undefined
    if (answer.code !== ResponseCode.SUCCESS || answer.body === undefined) return 'silent'
    const queues: MessageQueue[] = []
    for (const { brokerName, perm, readQueueNums } of decodeTopicRouteData(answer.body)
      .queueDatas) {
      if (!isReadable(perm) || readQueueNums > QUEUES_MAX) continue
      for (let queueId = 0; queueId < readQueueNums; queueId++) {
        queues.push({ topic, brokerName, queueId })
      }
    }
    return queues.sort(compareQueues)
  }
}

function isNoAnswer(error: unknown): boolean {
  return (
    error instanceof ConnectFailed ||
    error instanceof ConnectionClosed ||
    error instanceof RequestTimeout
  )
}
