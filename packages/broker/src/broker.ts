import { Parts, type Env } from '@skylarkmq/env'
import {
  Dispatcher,
  guardedClock,
  RemotingClient,
  RemotingServer,
  RequestTimes,
  type Connection,
} from '@skylarkmq/remoting'
import type { FullBrokerConfig } from './all-options.ts'
import type { BrokerContext } from './broker-context.ts'
import { brokerParts } from './broker-parts.ts'
import { openContext } from './open-context.ts'
import { servedRequests, servicesOf } from './processors/index.ts'
import { tableLimits } from './table-limits.ts'

/** The fast port is for what must not wait behind pulls; slaves take their tables from it. */
const FAST_PORT_LESS = 2
/** So many ports are tried whose fast port may be taken. */
const PORTS_TRIED = 10

/** Where a broker serves. */
export interface BrokerPorts {
  readonly port: number
  /** Undefined when it was taken. */
  readonly fastPort: number | undefined
}

/**
 * One broker: a store, tables, and the processors that serve clients from them. What it consists of is listed in
 * `broker-parts.ts`. Apache: `BrokerController.java`.
 */
export class Broker {
  readonly #host: Env
  readonly #env: Env
  readonly #config: FullBrokerConfig
  readonly #server: RemotingServer
  readonly #client: RemotingClient
  readonly #parts = new Parts()
  #dispatcher: Dispatcher<BrokerContext, typeof servedRequests> | undefined
  #context: BrokerContext | undefined

  /** `config` is kept: live options change in it. */
  constructor(env: Env, config: FullBrokerConfig) {
    this.#host = env
    this.#env = { ...env, clock: guardedClock(env.clock, env.events) }
    this.#config = config
    const handler = {
      dispatch: (connection: Connection, frame: Parameters<RemotingServerHandler>[1]) => {
        this.#dispatcher?.dispatch(connection, frame)
      },
    }
    this.#server = new RemotingServer(env, handler, {
      idleMs: config.serverChannelMaxIdleTimeSeconds * 1000,
      proxyProtocolTrustedAddresses: config.proxyProtocolTrustedAddresses,
    })
    this.#client = new RemotingClient(env, {
      handler,
      onClosed: (address, end) => {
        if (end !== 'left') this.#context?.registration.lost(address)
      },
    })
    this.#parts.add({
      name: 'connections',
      stop: async () => {
        await this.#server.close()
        this.#client.close()
      },
    })
  }

  /**
   * Opens the ports; nobody is served yet. Rejects with the host's error (`EADDRINUSE`, …). A port that may be any is
   * one whose fast port is free too, so that the broker can be started there again; after some that are not, the
   * fast port is done without.
   */
  async listen(): Promise<BrokerPorts> {
    const { bindAddress, listenPort } = this.#config
    for (let left = listenPort === 0 ? PORTS_TRIED : 0; ; left--) {
      const port = await this.#server.listen(bindAddress, listenPort)
      this.#config.listenPort = port
      try {
        return { port, fastPort: await this.#server.listen(bindAddress, port - FAST_PORT_LESS) }
      } catch (error) {
        if (listenPort !== 0 || !(error instanceof Error)) throw error
        if (left === 0) return { port, fastPort: undefined }
        await this.#server.stopListening()
      }
    }
  }

  /** Opens the store and the tables, serves, and registers. Throws the errors of the store and of `config/`. */
  async start(): Promise<void> {
    const context = await openContext({
      host: this.#host,
      env: this.#env,
      config: this.#config,
      client: this.#client,
      limits: tableLimits(this.#config, this.#env.events),
    })
    this.#context = context
    this.#dispatcher = new Dispatcher({
      context,
      requests: servedRequests,
      services: servicesOf(context.lanes),
      events: this.#env.events,
    })
    this.#parts.add(...brokerParts(context, this.#server))
    await this.#parts.start()
  }

  /** Leaves the routes, answers everyone who waits, saves everything and closes. Rejects with the first error. */
  stop(): Promise<void> {
    return this.#parts.stop()
  }

  /** How long requests take from now on, for metrics; nobody measures it before. */
  timeRequests(): RequestTimes {
    const times = new RequestTimes(this.#env.clock)
    if (this.#dispatcher !== undefined) this.#dispatcher.times = times
    return times
  }

  /** Connections that are open. */
  get connectionCount(): number {
    return this.#server.connections.size
  }

  /** The parts, for programs that embed a broker; undefined before `start`. */
  get context(): BrokerContext | undefined {
    return this.#context
  }
}

type RemotingServerHandler = ConstructorParameters<typeof RemotingServer>[1]['dispatch']
