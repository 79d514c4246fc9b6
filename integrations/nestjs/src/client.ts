import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices'
import {
  json,
  RocketMQ,
  type Message,
  type Producer,
  type ProducerOptions,
  type ReceivedMessage,
  type RocketMQOptions,
  type Serde,
} from '@skylarkmq/client'
import { nestLogger } from './nest-logger.ts'
import { RocketMQRecord } from './record.ts'
import { ERROR_PROPERTY } from './transport.ts'

/** What a client of microservices may be told, beside what RocketMQ's client may. */
export interface RocketMQClientOptions extends RocketMQOptions {
  /** A client to use in the place of an own one; it is not closed. */
  readonly client?: RocketMQ | undefined
  /** How it sends. Data is written as JSON unless its `serde` says otherwise. */
  readonly producer?: Omit<ProducerOptions<unknown>, 'checkTransaction'>
  /** How long a reply may take, ms; default 5000. */
  readonly requestTimeout?: number
}

const REQUEST_MS = 5_000

/**
 * Sends events and requests to microservices over RocketMQ: `emit(topic, data)` and `send(topic, data)`. Patterns are
 * names of topics. It connects with the first of them.
 *
 * ```ts
 * ClientsModule.register([
 *   { name: 'SHOP', customClass: RocketMQClient, options: { nameServers: 'localhost:9876' } },
 * ])
 * ```
 */
export class RocketMQClient extends ClientProxy {
  readonly #options: RocketMQClientOptions
  readonly #serde: Serde<unknown>
  #mq: RocketMQ | undefined
  #producer: Promise<Producer<unknown>> | undefined

  /** Connects to nothing yet. */
  constructor(options: RocketMQClientOptions = {}) {
    super()
    this.#options = options
    this.#serde = options.producer?.serde ?? json()
  }

  /** The producer that sends. Rejects with RMQ_OPTION, RMQ_CLOSED. */
  connect(): Promise<Producer<unknown>> {
    const { client, producer, requestTimeout, ...options } = this.#options
    this.#mq ??= client ?? new RocketMQ({ logger: nestLogger('RocketMQClient'), ...options })
    this.#producer ??= this.#mq.producer({ ...producer, serde: this.#serde })
    return this.#producer
  }

  /** Closes the producer and what it was made of. It may be used again after it. */
  async close(): Promise<void> {
    const mq = this.#mq
    const producer = this.#producer
    this.#mq = undefined
    this.#producer = undefined
    await (await producer)?.close()
    if (mq !== this.#options.client) await mq?.close()
  }

  /** Throws: there are no events; logger and tracing channels say what happens. */
  override on(): never {
    throw new Error('RocketMQ clients have no events: give a logger, or use diagnostics_channel')
  }

  /** RocketMQ's client beneath; undefined before it connects. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the signature is Nest's
  unwrap<T = RocketMQ | undefined>(): T {
    return this.#mq as T
  }

  protected publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    const ended = new AbortController()
    this.#request(packet, ended.signal).then(
      (reply) => {
        const isError = reply.properties.has(ERROR_PROPERTY)
        const said = isError ? { err: reply.body } : { response: reply.body }
        callback({ ...said, isDisposed: true })
      },
      (err: unknown) => {
        if (!ended.signal.aborted) callback({ err, isDisposed: true })
      },
    )
    return () => {
      ended.abort()
    }
  }

  protected async dispatchEvent<T = unknown>(packet: ReadPacket): Promise<T> {
    const { message, timeout } = this.#messageOf(packet)
    const producer = await this.connect()
    return (await producer.send(message, timeout === undefined ? {} : { timeout })) as T
  }

  async #request(packet: ReadPacket, signal: AbortSignal): Promise<ReceivedMessage<unknown>> {
    const { message, timeout } = this.#messageOf(packet)
    const producer = await this.connect()
    return producer.request(message, {
      timeout: timeout ?? this.#options.requestTimeout ?? REQUEST_MS,
      signal,
      serde: this.#serde,
    })
  }

  #messageOf({ pattern, data }: ReadPacket): { message: Message<unknown>; timeout?: number } {
    const topic = this.normalizePattern(pattern as string)
    if (!(data instanceof RocketMQRecord)) return { message: { topic, body: data as unknown } }
    const { timeout, ...options } = data.options
    const message = { ...options, topic, body: data.data as unknown }
    return timeout === undefined ? { message } : { message, timeout }
  }
}
