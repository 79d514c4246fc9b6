import {
  Module,
  type DynamicModule,
  type FactoryProvider,
  type InjectionToken,
  type ModuleMetadata,
  type OnApplicationShutdown,
  type OptionalFactoryDependency,
  type Provider,
} from '@nestjs/common'
import {
  DiscoveryModule,
  DiscoveryService,
  ExternalContextCreator,
  MetadataScanner,
  ModuleRef,
  Reflector,
} from '@nestjs/core'
import {
  Producer,
  RocketMQ,
  type CloseOptions,
  type ProducerOptions,
  type RocketMQOptions,
  type TransactionProducerOptions,
} from '@skylarkmq/client'
import { Listeners } from './listeners.ts'
import { nestLogger } from './nest-logger.ts'
import { getProducerToken } from './tokens.ts'

/** What the module may be told, beside what RocketMQ's client may. */
export interface RocketMQModuleOptions extends RocketMQOptions {
  /** How the producer sends that is injected as `Producer`. */
  readonly producer?: Omit<ProducerOptions<unknown>, 'checkTransaction'>
  /** How long the end of the application may wait for handlers that run, and then for brokers, ms each; default 10000. */
  readonly closeTimeout?: number
}

/** The options of the module, made of what else is provided. */
export interface RocketMQModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** What the factory is called with. */
  readonly inject?: (InjectionToken | OptionalFactoryDependency)[]
  /** Returns the options, or a promise of them. */
  readonly useFactory: (...args: never[]) => RocketMQModuleOptions | Promise<RocketMQModuleOptions>
}

/** A producer with a name, for `@InjectProducer(name)`. */
export interface FeatureProducer extends Omit<ProducerOptions<unknown>, 'checkTransaction'> {
  /** What it is injected by. */
  readonly name: string
  /** Makes it a producer of transactions; it needs a `group` then. Says what became of one when a broker asks. */
  readonly check?: TransactionProducerOptions<never>['check']
}

const OPTIONS = Symbol('RocketMQModuleOptions')

/** Closes the client when everything else has ended. */
class Ending implements OnApplicationShutdown {
  readonly #mq: RocketMQ
  readonly #options: CloseOptions

  constructor(mq: RocketMQ, { closeTimeout }: RocketMQModuleOptions) {
    this.#mq = mq
    this.#options = closeTimeout === undefined ? {} : { timeout: closeTimeout }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#mq.close(this.#options)
  }
}

/**
 * Provides `RocketMQ` (the client) and `Producer` everywhere, runs the methods that `@RocketMQListener` marks, and closes
 * all of it with the application.
 *
 * ```ts
 * @Module({ imports: [RocketMQModule.forRoot({ nameServers: 'localhost:9876' })] })
 * export class AppModule {}
 * ```
 */
export class RocketMQModule {
  /** With options that are known when the program is loaded. Nothing connects before it is needed. */
  static forRoot(options: RocketMQModuleOptions = {}): DynamicModule {
    return rootModule({ provide: OPTIONS, useValue: options }, [])
  }

  /** With options that other providers have, such as a ConfigService. */
  static forRootAsync(options: RocketMQModuleAsyncOptions): DynamicModule {
    const { imports = [], inject = [], useFactory } = options
    return rootModule({ provide: OPTIONS, inject, useFactory } as FactoryProvider, imports)
  }

  /** Producers with names, for the module that imports this. */
  static forFeature(producers: readonly FeatureProducer[]): DynamicModule {
    const providers = producers.map(({ name, check, ...options }) => ({
      provide: getProducerToken(name),
      inject: [RocketMQ],
      useFactory: (mq: RocketMQ) =>
        check === undefined
          ? mq.producer(options)
          : mq.transactionProducer<unknown, unknown>({
              ...{ group: '', ...options },
              check: check as TransactionProducerOptions<unknown, unknown>['check'],
            }),
    }))
    return { module: RocketMQModule, providers, exports: providers.map(({ provide }) => provide) }
  }
}
Module({})(RocketMQModule)

function rootModule(options: Provider, imports: ModuleMetadata['imports'] & {}): DynamicModule {
  return {
    module: RocketMQModule,
    global: true,
    imports: [DiscoveryModule, ...imports],
    providers: [
      options,
      {
        provide: RocketMQ,
        inject: [OPTIONS],
        useFactory: ({ producer, closeTimeout, ...rest }: RocketMQModuleOptions) =>
          new RocketMQ({ logger: nestLogger('RocketMQ'), ...rest }),
      },
      {
        provide: Producer,
        inject: [RocketMQ, OPTIONS],
        useFactory: (mq: RocketMQ, { producer }: RocketMQModuleOptions) => mq.producer(producer),
      },
      {
        provide: Listeners,
        inject: [
          RocketMQ,
          OPTIONS,
          DiscoveryService,
          MetadataScanner,
          Reflector,
          ExternalContextCreator,
          ModuleRef,
        ],
        useFactory: (...parts: ConstructorParameters<typeof Listeners>) => new Listeners(...parts),
      },
      {
        provide: Ending,
        inject: [RocketMQ, OPTIONS],
        useFactory: (mq: RocketMQ, all: RocketMQModuleOptions) => new Ending(mq, all),
      },
    ],
    exports: [RocketMQ, Producer],
  }
}
