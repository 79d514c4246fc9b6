import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common'
import { DiscoveryService, ExternalContextCreator, MetadataScanner, Reflector } from '@nestjs/core'
import type { ConsumeContext, Consumer, ReceivedMessage, RocketMQ } from '@skylarkmq/client'
import { LISTENER, type ListenerOptions } from './listener.ts'

type Call = (message: ReceivedMessage<unknown>, context: ConsumeContext) => Promise<unknown>

/** Runs the methods that `RocketMQListener` marks, from the start of the application to its end. */
export class Listeners implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #mq: RocketMQ
  readonly #discovery: DiscoveryService
  readonly #scanner: MetadataScanner
  readonly #reflector: Reflector
  readonly #contexts: ExternalContextCreator
  #consumers: Consumer<unknown>[] = []

  /** Everything but `mq` is Nest's. */
  constructor(
    mq: RocketMQ,
    discovery: DiscoveryService,
    scanner: MetadataScanner,
    reflector: Reflector,
    contexts: ExternalContextCreator,
  ) {
    this.#mq = mq
    this.#discovery = discovery
    this.#scanner = scanner
    this.#reflector = reflector
    this.#contexts = contexts
  }

  /** Rejects as `Consumer.run`. */
  async onApplicationBootstrap(): Promise<void> {
    const wrappers = [...this.#discovery.getProviders(), ...this.#discovery.getControllers()]
    const instances = new Set(wrappers.map(({ instance }) => instance as unknown))
    for (const instance of instances) {
      if (typeof instance === 'object' && instance !== null) await this.#listenTo(instance)
    }
  }

  /** Handlers come to an end while what they need is still there. */
  async onModuleDestroy(): Promise<void> {
    await Promise.all(this.#consumers.splice(0).map((consumer) => consumer.close()))
  }

  async #listenTo(instance: object): Promise<void> {
    const prototype = Object.getPrototypeOf(instance) as Record<string, unknown> | null
    for (const name of this.#scanner.getAllMethodNames(prototype)) {
      const method = prototype?.[name]
      if (typeof method !== 'function') continue
      const options = this.#reflector.get<ListenerOptions | undefined>(LISTENER, method as Call)
      if (options === undefined) continue
      const call = this.#contexts.create(
        instance,
        method as (...args: unknown[]) => unknown,
        name,
        undefined,
        undefined,
        undefined,
        undefined,
        { guards: true, interceptors: true, filters: true },
        'rocketmq',
      ) as Call
      await this.#consume(options, call)
    }
  }

  async #consume(options: ListenerOptions, call: Call): Promise<void> {
    const { topic, expression = '*', subscriptions, ...rest } = options
    const consumer = await this.#mq.consumer({
      ...rest,
      subscriptions: subscriptions ?? (topic === undefined ? {} : { [topic]: expression }),
    })
    this.#consumers.push(consumer)
    await consumer.run((message, context) => call(message, context))
  }
}
