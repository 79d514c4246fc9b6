import {
  Server,
  type CustomTransportStrategy,
  type MessageHandler,
  type MsPattern,
} from '@nestjs/microservices'
import {
  json,
  RocketMQ,
  RocketMQError,
  type ConsumeContext,
  type Consumer,
  type ConsumerOptions,
  type Producer,
  type ReceivedMessage,
  type RocketMQOptions,
} from '@skylarkmq/client'
import { lastValueFrom, type Observable } from 'rxjs'
import { RocketMQContext } from './context.ts'
import { nestLogger } from './nest-logger.ts'
import type { HandlerOptions } from './patterns.ts'
import { routesOf, wants, type GroupRoutes, type Handler } from './routes.ts'
import { ERROR_PROPERTY, REQUEST_PROPERTY, ROCKETMQ_TRANSPORT } from './transport.ts'

/** What a microservice on RocketMQ may be told, beside what RocketMQ's client may. */
export interface RocketMQServerOptions extends RocketMQOptions {
  /** Consumer group of the handlers that name none. */
  readonly group: string
  /** A client to use in the place of an own one; it is not closed. */
  readonly client?: RocketMQ | undefined
  /** How all its groups consume: `concurrency`, `ordered`, `consumeFrom`, `onInvalid` …; `serde` is `json()` by default. */
  readonly consumer?: Omit<ConsumerOptions<unknown>, 'group' | 'subscriptions'>
  /** How long the end may wait for handlers that run, and then for brokers, ms each; default 10000. */
  readonly closeTimeout?: number
}

/**
 * Runs a Nest microservice on RocketMQ. `@EventPattern(topic)` consumes a topic: an error has the message come again, later
 * each time, and at last go to the dead-letter queue. `@MessagePattern(topic)` answers requests, those of clients in other
 * languages too.
 *
 * ```ts
 * const app = await NestFactory.createMicroservice(AppModule, {
 *   strategy: new RocketMQServer({ nameServers: 'localhost:9876', group: 'billing' }),
 * })
 * await app.listen()
 * ```
 */
export class RocketMQServer extends Server implements CustomTransportStrategy {
  override transportId = ROCKETMQ_TRANSPORT
  readonly #options: RocketMQServerOptions
  readonly #handlers: Handler[] = []
  readonly #consumers: Consumer<unknown>[] = []
  #mq: RocketMQ | undefined
  #replies: Producer<unknown> | undefined

  /** Connects to nothing yet. */
  constructor(options: RocketMQServerOptions) {
    super()
    this.#options = options
  }

  /** Called by Nest for each handler. Several may have one topic: each gets the messages of its tags. */
  override addHandler(
    pattern: unknown,
    callback: MessageHandler,
    isEventHandler = false,
    extras: HandlerOptions = {},
  ): void {
    const topic = this.normalizePattern(pattern as MsPattern)
    callback.isEventHandler = isEventHandler
    callback.extras = extras
    this.#handlers.push({ topic, callback, isEvent: isEventHandler, options: extras })
    const isFirst = !this.messageHandlers.has(topic)
    this.messageHandlers.set(isFirst ? topic : `${topic}#${this.#handlers.length}`, callback)
  }

  /** Joins the groups; `callback` hears when that is done, or why it cannot be. */
  listen(callback: (error?: unknown) => void): void {
    this.#listen().then(() => {
      callback()
    }, callback)
  }

  /** Lets handlers come to an end, stores the offsets, leaves the groups. */
  async close(): Promise<void> {
    const mq = this.#mq
    this.#mq = undefined
    const own = this.#consumers.splice(0)
    const { closeTimeout } = this.#options
    const options = closeTimeout === undefined ? {} : { timeout: closeTimeout }
    await Promise.all(own.map((consumer) => consumer.close(options)))
    await this.#replies?.close()
    this.#replies = undefined
    if (mq !== this.#options.client) await mq?.close(options)
  }

  /** Throws: there are no events; logger and tracing channels say what happens. */
  on(): never {
    throw new Error('RocketMQ has no events here: give a logger, or use diagnostics_channel')
  }

  /** RocketMQ's client beneath; undefined unless it listens. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the signature is Nest's
  unwrap<T = RocketMQ | undefined>(): T {
    return this.#mq as T
  }

  async #listen(): Promise<void> {
    const { group, client, consumer, closeTimeout, ...options } = this.#options
    const routes = routesOf(this.#handlers, group)
    const mq = client ?? new RocketMQ({ logger: nestLogger('RocketMQServer'), ...options })
    this.#mq = mq
    const serde = consumer?.serde ?? json<unknown>()
    if (this.#handlers.some(({ isEvent }) => !isEvent)) {
      this.#replies = await mq.producer<unknown>({ group: `${group}-replies`, serde })
    }
    try {
      for (const each of routes) await this.#consume(mq, each)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async #consume(mq: RocketMQ, { group, subscriptions, handlers }: GroupRoutes): Promise<void> {
    const consumer = await mq.consumer<unknown>({
      serde: json<unknown>(),
      ...this.#options.consumer,
      group,
      subscriptions,
    })
    this.#consumers.push(consumer)
    await consumer.run(async (message, context) => {
      const own = handlers.filter((each) => each.topic === message.topic)
      await Promise.all(
        own
          .filter((handler) => wants(handler, message.tag))
          .map((handler) => this.#handle(handler, message, context)),
      )
    })
  }

  async #handle(
    { callback, isEvent }: Handler,
    message: ReceivedMessage<unknown>,
    context: ConsumeContext,
  ): Promise<void> {
    const run = async (): Promise<unknown> => {
      const result = (await callback(
        message.body,
        new RocketMQContext([message, context]),
      )) as Observable<unknown>
      return lastValueFrom(this.transformToObservable(result), { defaultValue: undefined })
    }
    if (isEvent || !message.properties.has(REQUEST_PROPERTY)) {
      await run()
      return
    }
    let body: unknown
    let properties = {}
    try {
      body = await run()
    } catch (error) {
      body = errorBody(error)
      properties = { [ERROR_PROPERTY]: 'true' }
    }
    await this.#reply(message, body, properties)
  }

  /** A reply that cannot be brought to the one who asked is said and forgotten: asking again is theirs. */
  async #reply(
    message: ReceivedMessage<unknown>,
    body: unknown,
    properties: Record<string, string>,
  ): Promise<void> {
    try {
      await this.#replies?.reply(message, body ?? null, { properties })
    } catch (error) {
      if (!(error instanceof RocketMQError)) throw error
      this.logger.warn(`the reply to ${message.msgId} was not taken: ${error.message}`)
    }
  }
}

/** What the one who asked is told: what Nest's filters made of the error, or its message. */
function errorBody(error: unknown): unknown {
  return error instanceof Error ? { status: 'error', message: error.message } : error
}
