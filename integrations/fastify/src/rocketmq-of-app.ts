import {
  RocketMQ,
  type ConsumeContext,
  type Consumer,
  type ConsumerOptions,
  type Producer,
  type ReceivedMessage,
} from '@skylarkmq/client'
import type { FastifyBaseLogger } from 'fastify'

/** What a handler of an app can say of its message, and where it writes. */
export interface AppConsumeContext extends ConsumeContext {
  /** The app's logger, with the message's topic and id. */
  readonly log: FastifyBaseLogger
}

/** Consumes one message. Returning means that it is done; what it throws has it come again later. */
export type AppMessageHandler<T> = (
  message: ReceivedMessage<T>,
  context: AppConsumeContext,
) => unknown

/** What `fastify.rocketmq` is. */
export class RocketMQOfApp {
  /** The client: for further producers, readers, administration. It is closed with the app. */
  readonly client: RocketMQ
  /** Sends; connected with the first message. */
  readonly producer: Producer
  readonly #log: FastifyBaseLogger
  readonly #consumers: Consumer<never>[] = []
  readonly #waiting: (() => Promise<void>)[] = []
  #isReady = false

  /** Made by the plug-in. */
  constructor(client: RocketMQ, producer: Producer, log: FastifyBaseLogger) {
    this.client = client
    this.producer = producer
    this.#log = log
  }

  /**
   * Consumes from the time that the app is ready until it closes: a request handler and a message handler find the same
   * decorators. Resolves with the consumer, which has joined its group if the app is ready already. What `Consumer.run`
   * rejects with makes `fastify.ready()` reject.
   */
  async consume<T = Buffer>(
    options: ConsumerOptions<T>,
    handler: AppMessageHandler<T>,
  ): Promise<Consumer<T>> {
    const consumer = await this.client.consumer(options)
    this.#consumers.push(consumer as unknown as Consumer<never>)
    const run = (): Promise<void> =>
      consumer.run((message, context) => {
        const { topic, msgId } = message
        const log = this.#log.child({ topic, msgId })
        return handler(message, { ...context, log })
      })
    if (this.#isReady) await run()
    else this.#waiting.push(run)
    return consumer
  }

  /** Called by the plug-in when the app is ready. */
  async start(): Promise<void> {
    this.#isReady = true
    for (const run of this.#waiting.splice(0)) await run()
  }

  /** Called by the plug-in when the app begins to close: handlers that run come to an end. */
  async stopConsuming(timeout: number): Promise<void> {
    await Promise.all(this.#consumers.splice(0).map((consumer) => consumer.close({ timeout })))
  }
}
