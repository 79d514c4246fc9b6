import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common'
import {
  ContextIdFactory,
  DiscoveryService,
  ExternalContextCreator,
  MetadataScanner,
  ModuleRef,
  Reflector,
  type ContextId,
} from '@nestjs/core'
import { Injector } from '@nestjs/core/injector/injector.js'
import type {
  CloseOptions,
  ConsumeContext,
  Consumer,
  ReceivedMessage,
  RocketMQ,
} from '@skylarkmq/client'
import { RocketMQContext } from './context.ts'
import { LISTENER, type ListenerOptions } from './listener.ts'

type Call = (message: ReceivedMessage<unknown>, context: ConsumeContext) => Promise<unknown>
type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number]
type Method = (...args: unknown[]) => unknown

/** Runs the methods that `RocketMQListener` marks, from the start of the application to its end. */
export class Listeners implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #mq: RocketMQ
  readonly #discovery: DiscoveryService
  readonly #scanner: MetadataScanner
  readonly #reflector: Reflector
  readonly #contexts: ExternalContextCreator
  readonly #closing: CloseOptions
  readonly #moduleRef: ModuleRef
  readonly #injector = new Injector()
  #consumers: Consumer<unknown>[] = []

  /** Everything but `mq` and how long its handlers may take at the end, ms, is Nest's. */
  constructor(
    mq: RocketMQ,
    { closeTimeout }: { readonly closeTimeout?: number },
    discovery: DiscoveryService,
    scanner: MetadataScanner,
    reflector: Reflector,
    contexts: ExternalContextCreator,
    moduleRef: ModuleRef,
  ) {
    this.#mq = mq
    this.#closing = closeTimeout === undefined ? {} : { timeout: closeTimeout }
    this.#discovery = discovery
    this.#scanner = scanner
    this.#reflector = reflector
    this.#contexts = contexts
    this.#moduleRef = moduleRef
  }

  /** Rejects as `Consumer.run`. */
  async onApplicationBootstrap(): Promise<void> {
    const known = new Set<unknown>()
    for (const wrapper of [
      ...this.#discovery.getProviders(),
      ...this.#discovery.getControllers(),
    ]) {
      const instance = wrapper.instance as unknown
      if (typeof instance !== 'object' || instance === null || known.has(instance)) continue
      known.add(instance)
      await this.#listenTo(wrapper, instance)
    }
  }

  /** Handlers come to an end while what they need is still there. */
  async onModuleDestroy(): Promise<void> {
    await Promise.all(this.#consumers.splice(0).map((consumer) => consumer.close(this.#closing)))
  }

  async #listenTo(wrapper: InstanceWrapper, instance: object): Promise<void> {
    const prototype = Object.getPrototypeOf(instance) as Record<string, unknown> | null
    for (const name of this.#scanner.getAllMethodNames(prototype)) {
      const method = prototype?.[name]
      if (typeof method !== 'function') continue
      const options = this.#reflector.get<ListenerOptions | undefined>(LISTENER, method as Call)
      if (options === undefined) continue
      // Without a scope Nest has made it, with what it wants. Otherwise that is only its shape.
      const isMade = wrapper.isDependencyTreeStatic() && !wrapper.isTransient
      const call = isMade
        ? this.#callOf(instance, method as Method, name)
        : this.#callPerMessage(wrapper, method as Method, name)
      await this.#consume(options, call)
    }
  }

  /** A method with guards, interceptors and filters around it. */
  #callOf(instance: object, method: Method, name: string, within?: Within): Call {
    return this.#contexts.create(
      instance,
      method,
      name,
      undefined,
      undefined,
      within?.contextId,
      within?.inquirerId,
      { guards: true, interceptors: true, filters: true },
      'rocketmq',
    ) as Call
  }

  /** Has Nest make the provider again for each message, which is its request: `@Inject(REQUEST) context: RocketMQContext`. */
  #callPerMessage(wrapper: InstanceWrapper, method: Method, name: string): Call {
    return async (message, context) => {
      const request = new RocketMQContext([message, context])
      const contextId = ContextIdFactory.getByRequest(request)
      this.#moduleRef.registerRequestByContextId(request, contextId)
      const instance = await this.#made(wrapper, contextId)
      const within = { contextId, inquirerId: wrapper.id }
      return this.#callOf(instance, method, name, within)(message, context)
    }
  }

  async #made(wrapper: InstanceWrapper, contextId: ContextId): Promise<object> {
    const { host } = wrapper
    if (host === undefined) throw new Error(`${wrapper.name} belongs to no module`)
    const isController = host.controllers.get(wrapper.token) === wrapper
    const among = isController ? host.controllers : host.providers
    const shape = wrapper.instance as object
    return this.#injector.loadPerContext(shape, host, among, contextId, wrapper)
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

/** What Nest makes for one message, and who wants it. */
interface Within {
  readonly contextId: ContextId
  readonly inquirerId: string
}
