import { errorOfThrown, nodeEnv, warnOnce, type Env, type Timer } from '@skylarkmq/env'
import {
  queueKey,
  SkylarkError,
  SystemGroup,
  type MessageQueue,
  type SubscriptionData,
} from '@skylarkmq/protocol'
import { inBackground, whatFailed } from '../background.ts'
import { checkOptions } from '../check/check-options.ts'
import { lonelyReaderOptions } from '../check/known-options.ts'
import { ClientInstance } from '../client-instance.ts'
import { ClosedError, saysOf } from '../errors.ts'
import { backgroundFailed, listenerFailed, pullFailed } from '../events.ts'
import type { ReceivedMessage } from '../message.ts'
import { QueueOffsets, startFrom, type StartFrom } from '../offset/queue-offsets.ts'
import type { ClientOptions } from '../options.ts'
import { pause } from '../pause.ts'
import { subscribeQueues } from '../route/topic-route.ts'
import { decodeBody } from '../serde/bodies.ts'
import type { Serde } from '../serde/serde.ts'
import { UserContext } from '../user-code.ts'
import { underSignal, whenAborted, withSignal, type CloseOptions } from '../waiting.ts'
import { subscriptionTo, type SqlSelector } from './check-expressions.ts'
import { Puller } from './pull.ts'

/** What a reader may be told. */
export interface TopicReaderOptions<T = Buffer> {
  /** The topic to read; without the namespace. */
  readonly topic: string
  /**
   * Where to begin in each queue; a Date: at the first message stored then or later; an offset that a queue does not have
   * stands for the nearest one that it has. Default `last`.
   */
  readonly from?: StartFrom | Date | { readonly offset: number }
  /** Queues to read, such as some of `admin.topics.queues()`; default all of the topic, also those that it gets. */
  readonly queues?: readonly MessageQueue[] | undefined
  /** How bodies are read, such as `json()`; default bytes. */
  readonly serde?: Serde<T, never> | undefined
  /** Closes the reader when it is aborted; `for await` of it ends. */
  readonly signal?: AbortSignal | undefined
  /** Tags to read, such as `paid || refunded`, or a SQL92 expression; default all. */
  readonly expression?: string | SqlSelector
}

/** Takes one message; the next one of its queue waits until it is done. */
export type ReadListener<T = Buffer> = (message: ReceivedMessage<T>) => void | Promise<void>

const COUNT_MAX = 32
const AGAIN_MS = 1_000

/**
 * Reads all queues of a topic and follows them, without being in a group and without storing how far it has come:
 * a look that disturbs nobody. Within a queue messages come in order. Apache: `DefaultMQPullConsumer.java`.
 */
export class TopicReader<T = Buffer> {
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
  readonly #options: TopicReaderOptions<T>
  readonly #subscription: SubscriptionData
  readonly #reading = new Set<string>()
  #alive: Timer | undefined
  #isClosed = false
  /** Wakes whoever waits for a message. */
  #ended: () => void = () => undefined

  /** `client` is shared with others; without it, this reader has one of its own. Throws RMQ_OPTION. */
  constructor(
    options: TopicReaderOptions<T> & ClientOptions,
    env: Env = nodeEnv(warnOnce()),
    client?: ClientInstance,
    onClosed?: () => void,
  ) {
    // What `mq.reader` makes was looked at there.
    if (client === undefined) checkOptions(options, lonelyReaderOptions)
    this.#onClosed = onClosed
    this.#env = env
    this.#options = options
    this.#ownsClient = client === undefined
    this.#client = client ?? new ClientInstance(env, options)
    this.#topic = this.#client.wrapped(options.topic)
    this.#subscription = subscriptionTo(this.#topic, options.expression, env.clock.now())
    this.#endSignal = whenAborted(options.signal, () => void this.close())
    this.#offsets = new QueueOffsets(this.#client)
    this.#puller = new Puller(this.#client)
  }

  /**
   * Begins; resolves with the queues once each knows where it begins. Rejects with RMQ_NAME_SERVER,
   * RMQ_TOPIC_NOT_FOUND, RMQ_CLOSED, or what a broker says when it is asked for an offset. A message whose body the serde
   * cannot read, or that the listener throws on, is told to the log and passed over.
   */
  start(listener: ReadListener<T>): Promise<MessageQueue[]> {
    const { serde } = this.#options
    const context = new UserContext()
    const read = async (whole: ReceivedMessage): Promise<void> =>
      listener(await decodeBody(serde, whole))
    const decoded = async (message: ReceivedMessage): Promise<void> =>
      context.run(() => this.#client.bodies.use(message, read))
    return underSignal(this.#options, () => this.#start(decoded))
  }

  async #start(listener: ReadListener): Promise<MessageQueue[]> {
    if (this.#isClosed) throw new ClosedError({ what: `the reader of ${this.#options.topic}` })
    const topic = this.#topic
    const { from = 'last' } = this.#options
    const queues = this.#wanted(subscribeQueues(topic, await this.#client.routes.get(topic)))
    await Promise.all(queues.map((queue) => this.#follow(queue, from, listener)))
    this.#alive = this.#env.clock.keepAlive()
    this.#endListening = this.#client.routes.onChange((changed) => {
      if (changed === topic) {
        inBackground(this.#env.events, `reading ${topic}`, this.#newQueues(listener))
      }
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

  /**
   * The messages as they come, for `for await`; leaving the loop closes the reader. Throws as `start`, and RMQ_SERDE for
   * a message whose body the serde cannot read, and RMQ_BODY_TOO_LARGE for one that has too much of it.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<ReceivedMessage<T>, void, undefined> {
    const given: { message: ReceivedMessage; taken: () => void }[] = []
    let wake: () => void = () => undefined
    const give = (message: ReceivedMessage): Promise<void> =>
      new Promise((taken) => {
        given.push({ message, taken })
        wake()
      })
    await underSignal(this.#options, () => this.#start(give))
    try {
      while (!this.#isClosed) {
        const next = given.shift()
        if (next !== undefined) {
          yield await decodeBody(this.#options.serde, this.#client.bodies.restored(next.message))
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

  #wanted(all: readonly MessageQueue[]): MessageQueue[] {
    const { queues } = this.#options
    if (queues === undefined) return [...all]
    const wanted = new Set(queues.map(({ brokerName, queueId }) => `${brokerName} ${queueId}`))
    return all.filter(({ brokerName, queueId }) => wanted.has(`${brokerName} ${queueId}`))
  }

  /** Queues that a topic gets while it is followed are read from their first message on. */
  async #newQueues(listener: ReadListener): Promise<void> {
    const topic = this.#topic
    const route = this.#client.routes.known(topic)
    if (route === undefined) return
    for (const queue of this.#wanted(subscribeQueues(topic, route))) {
      try {
        await this.#follow(queue, 'first', listener)
      } catch (error) {
        this.#report(queue, error)
      }
    }
  }

  async #follow(
    queue: MessageQueue,
    from: NonNullable<TopicReaderOptions['from']>,
    listener: ReadListener,
  ): Promise<void> {
    const key = queueKey(queue)
    if (this.#reading.has(key)) return
    this.#reading.add(key)
    try {
      const isOffset = typeof from === 'object' && 'offset' in from
      const offset = isOffset ? from.offset : await this.#offsets.at(queue, startFrom(from))
      inBackground(this.#env.events, `reading ${key}`, this.#run(queue, offset, listener))
    } catch (error) {
      this.#reading.delete(key)
      throw error
    }
  }

  async #run(queue: MessageQueue, from: number, listener: ReadListener): Promise<void> {
    let offset = from
    while (!this.#isClosed) {
      try {
        const pulled = await this.#puller.pull({
          group: SystemGroup.TOOLS_CONSUMER,
          queue,
          offset,
          countMax: COUNT_MAX,
          subscription: this.#subscription,
          sendsSubscription: true,
          commitOffset: undefined,
        })
        offset = pulled.nextOffset
        for (const message of pulled.messages) await this.#give(queue, message.read(), listener)
      } catch (error) {
        this.#report(queue, error)
        await pause(this.#env.clock, AGAIN_MS)
      }
    }
  }

  async #give(
    queue: MessageQueue,
    message: ReceivedMessage,
    listener: ReadListener,
  ): Promise<void> {
    if (this.#isClosed) return
    try {
      await listener(message)
    } catch (error) {
      if (errorOfThrown(error) instanceof SkylarkError) {
        this.#report(queue, error)
        return
      }
      const { topic, msgId } = message
      this.#env.events.emit(listenerFailed, { topic, msgId, reason: saysOf(error) })
    }
  }

  #report({ topic, brokerName, queueId }: MessageQueue, error: unknown): void {
    if (this.#isClosed) return
    const queue = `${topic} on ${brokerName}, queue ${queueId}`
    if (error instanceof SkylarkError) {
      this.#env.events.emit(pullFailed, { queue, reason: saysOf(error) })
      return
    }
    const what = `reading ${queue}`
    this.#env.events.emit(backgroundFailed, { what, reason: whatFailed(error) })
  }
}
