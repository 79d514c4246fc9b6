import { nodeEnv, warnOnce, type Env, type Timer } from '@skylarkmq/env'
import {
  parseSubscription,
  queueKey,
  SkylarkError,
  SystemGroup,
  type MessageQueue,
} from '@skylarkmq/protocol'
import { ClientInstance } from '../client-instance.ts'
import { ClosedError, saysOf } from '../errors.ts'
import { pullFailed } from '../events.ts'
import type { ReceivedMessage } from '../message.ts'
import { QueueOffsets, startFrom, type StartFrom } from '../offset/queue-offsets.ts'
import type { ClientOptions } from '../options.ts'
import { pause } from '../pause.ts'
import { subscribeQueues } from '../route/topic-route.ts'
import { underSignal, whenAborted, withSignal, type CloseOptions } from '../waiting.ts'
import { Puller } from './pull.ts'

/** What a reader may be told. */
export interface TopicReaderOptions {
  /** The topic to read; without the namespace. */
  readonly topic: string
  /** Where to begin in each queue; a Date: at the first message stored then or later. Default `last`. */
  readonly from?: StartFrom | Date
  /** Closes the reader when it is aborted; `for await` of it ends. */
  readonly signal?: AbortSignal | undefined
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
  readonly #ownsClient: boolean
  readonly #endSignal: () => void
  readonly #onClosed: (() => void) | undefined
  /** In its namespace. */
  readonly #topic: string
  #endListening: (() => void) | undefined
  readonly #offsets: QueueOffsets
  readonly #puller: Puller
  readonly #options: TopicReaderOptions
  readonly #reading = new Set<string>()
  #alive: Timer | undefined
  #isClosed = false
  /** Wakes who waits for a message. */
  #ended: () => void = () => undefined

  /** `client` is shared with others; without it, this reader has one of its own. Throws RMQ_OPTION. */
  constructor(
    options: TopicReaderOptions & ClientOptions,
    env: Env = nodeEnv(warnOnce()),
    client?: ClientInstance,
    onClosed?: () => void,
  ) {
    this.#onClosed = onClosed
    this.#env = env
    this.#options = options
    this.#ownsClient = client === undefined
    this.#client = client ?? new ClientInstance(env, options)
    this.#topic = this.#client.wrapped(options.topic)
    this.#endSignal = whenAborted(options.signal, () => void this.close())
    this.#offsets = new QueueOffsets(this.#client)
    this.#puller = new Puller(this.#client)
  }

  /**
   * Begins; resolves with the queues once each knows where it begins. Rejects with RMQ_NAME_SERVER,
   * RMQ_TOPIC_NOT_FOUND, RMQ_CLOSED, or what a broker says when it is asked for an offset.
   */
  start(listener: ReadListener): Promise<MessageQueue[]> {
    return underSignal(this.#options, () => this.#start(listener))
  }

  async #start(listener: ReadListener): Promise<MessageQueue[]> {
    if (this.#isClosed) throw new ClosedError({ what: `the reader of ${this.#options.topic}` })
    const topic = this.#topic
    const from = startFrom(this.#options.from ?? 'last')
    const queues = subscribeQueues(topic, await this.#client.routes.get(topic))
    await Promise.all(queues.map((queue) => this.#follow(queue, from, listener)))
    this.#alive = this.#env.clock.keepAlive()
    this.#endListening = this.#client.routes.onChange((changed) => {
      if (changed === topic) void this.#newQueues(listener)
    })
    this.#client.start()
    return queues
  }

  /** Stops, and closes the connections if no one else uses them. */
  async close({ signal }: CloseOptions = {}): Promise<void> {
    this.#isClosed = true
    this.#alive?.cancel()
    this.#endListening?.()
    this.#ended()
    this.#endSignal()
    if (this.#ownsClient) await withSignal(this.#client.close(), signal)
    this.#onClosed?.()
  }

  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The messages as they come, for `for await`; leaving the loop closes the reader. Throws as `start`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ReceivedMessage, void, undefined> {
    const given: { message: ReceivedMessage; taken: () => void }[] = []
    let wake: () => void = () => undefined
    await this.start(
      (message) =>
        new Promise<void>((taken) => {
          given.push({ message, taken })
          wake()
        }),
    )
    try {
      while (!this.#isClosed) {
        const next = given.shift()
        if (next !== undefined) {
          yield next.message
          next.taken()
          continue
        }
        await new Promise<void>((resolve) => {
          wake = resolve
          this.#ended = resolve
        })
      }
    } finally {
      await this.close()
    }
  }

  /** Queues that a topic gets while it is followed are read from their first message on. */
  async #newQueues(listener: ReadListener): Promise<void> {
    const topic = this.#topic
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
    this.#env.events.emit(pullFailed, { queue, reason: saysOf(error) })
  }
}
