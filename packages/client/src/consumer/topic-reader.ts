import { nodeEnv, silentEvents, type Env, type Timer } from '@skylarkmq/env'
import {
  parseSubscription,
  queueKey,
  SkylarkError,
  SystemGroup,
  type MessageQueue,
} from '@skylarkmq/protocol'
import { ClientInstance } from '../client-instance.ts'
import { ClientClosed } from '../errors.ts'
import { pullFailed } from '../events.ts'
import type { ReceivedMessage } from '../message.ts'
import { QueueOffsets, type StartFrom } from '../offset/queue-offsets.ts'
import type { ClientOptions } from '../options.ts'
import { pause } from '../pause.ts'
import { reasonOf } from '../reason.ts'
import { subscribeQueues } from '../route/topic-route.ts'
import { Puller } from './pull.ts'

/** What a reader may be told. */
export interface TopicReaderOptions extends ClientOptions {
  readonly topic: string
  /** Where to begin in each queue; default `last`. */
  readonly from?: StartFrom
  /** Tags to read, such as `paid || refunded`; default all. */
  readonly expression?: string
}

/** Takes one message; the next one of its queue waits until it is done. */
export type ReadListener = (message: ReceivedMessage) => void | Promise<void>

const COUNT_MAX = 32
const AGAIN_MS = 1_000

/**
 * Reads all queues of a topic and follows them, without being in a group and without storing how far it has come:
 * a look that disturbs nobody. Within a queue messages come in order. Apache: `DefaultMQPullConsumer.java`.
 */
export class TopicReader {
  readonly #env: Env
  readonly #client: ClientInstance
  readonly #offsets: QueueOffsets
  readonly #puller: Puller
  readonly #options: TopicReaderOptions
  readonly #reading = new Set<string>()
  #alive: Timer | undefined
  #isClosed = false

  /** Throws ERR_CLIENT_OPTION. */
  constructor(options: TopicReaderOptions, env: Env = nodeEnv(silentEvents)) {
    this.#env = env
    this.#options = options
    this.#client = new ClientInstance(env, options)
    this.#offsets = new QueueOffsets(this.#client)
    this.#puller = new Puller(this.#client)
  }

  /**
   * Begins; resolves with the queues once each knows where it begins. Rejects with ERR_CLIENT_NAMESRV,
   * ERR_CLIENT_NO_ROUTE, ERR_CLIENT_CLOSED, or what a broker says when it is asked for an offset.
   */
  async start(listener: ReadListener): Promise<MessageQueue[]> {
    if (this.#isClosed) throw new ClientClosed({ what: `the reader of ${this.#options.topic}` })
    const { topic, from = 'last' } = this.#options
    const queues = subscribeQueues(topic, await this.#client.routes.get(topic))
    await Promise.all(queues.map((queue) => this.#follow(queue, from, listener)))
    this.#alive = this.#env.clock.keepAlive()
    this.#client.routes.onChange((changed) => {
      if (changed === topic) void this.#newQueues(listener)
    })
    this.#client.start()
    return queues
  }

  /** Stops and closes the connections. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#alive?.cancel()
    await this.#client.close()
  }

  /** Queues that a topic gets while it is followed are read from their first message on. */
  async #newQueues(listener: ReadListener): Promise<void> {
    const { topic } = this.#options
    const route = this.#client.routes.known(topic)
    if (route === undefined) return
    for (const queue of subscribeQueues(topic, route)) {
      try {
        await this.#follow(queue, 'first', listener)
      } catch (error) {
        this.#report(queue, error)
      }
    }
  }

  async #follow(queue: MessageQueue, from: StartFrom, listener: ReadListener): Promise<void> {
    const key = queueKey(queue)
    if (this.#reading.has(key)) return
    this.#reading.add(key)
    try {
      const offset = await this.#offsets.at(queue, from)
      void this.#run(queue, offset, listener)
    } catch (error) {
      this.#reading.delete(key)
      throw error
    }
  }

  async #run(queue: MessageQueue, from: number, listener: ReadListener): Promise<void> {
    const subscription = parseSubscription(queue.topic, this.#options.expression)
    let offset = from
    while (!this.#isClosed) {
      try {
        const pulled = await this.#puller.pull({
          group: SystemGroup.TOOLS_CONSUMER,
          queue,
          offset,
          countMax: COUNT_MAX,
          subscription,
          sendsSubscription: true,
          commitOffset: undefined,
        })
        offset = pulled.nextOffset
        for (const message of pulled.messages) await this.#give(message, listener)
      } catch (error) {
        this.#report(queue, error)
        await pause(this.#env.clock, AGAIN_MS)
      }
    }
  }

  async #give(message: ReceivedMessage, listener: ReadListener): Promise<void> {
    if (!this.#isClosed) await listener(message)
  }

  #report({ topic, brokerName, queueId }: MessageQueue, error: unknown): void {
    if (!(error instanceof SkylarkError)) throw error
    if (this.#isClosed) return
    const queue = `${topic} on ${brokerName}, queue ${queueId}`
    this.#env.events.emit(pullFailed, { queue, reason: reasonOf(error) })
  }
}
