import { hostErrorCode, type Env, type Timer } from '@skylarkmq/env'
import {
  encodeHeader,
  namesrvRequests,
  NotifyMinBrokerIdChange,
  TableLimit,
} from '@skylarkmq/protocol'
import { Dispatcher, guardedClock, RemotingServer, RequestTimes } from '@skylarkmq/remoting'
import { kvConfigNotSaved, namesrvTableFull } from './events.ts'
import { KvConfig } from './kv-config.ts'
import type { NameServerContext } from './name-server-context.ts'
import type { NamesrvConfig } from './options.ts'
import { services } from './processors/index.ts'
import { leastId, RouteTable, type BrokerGroup, type Departure } from './route-table.ts'

/** One name server. Apache: `NamesrvController.java`. */
export class NameServer {
  readonly #env: Env
  readonly #config: NamesrvConfig
  readonly #context: NameServerContext
  readonly #dispatcher: Dispatcher<NameServerContext, typeof namesrvRequests>
  readonly #server: RemotingServer
  #scan: Timer | undefined

  /** `config` is not copied: live options change in place. */
  constructor(host: Env, config: NamesrvConfig) {
    const env = { ...host, clock: guardedClock(host.clock, host.events) }
    this.#env = env
    this.#config = config
    this.#context = {
      env,
      config,
      routes: new RouteTable(env, {
        brokers: this.#limit('brokers', 'maxBrokers'),
        routes: this.#limit('routes', 'maxRoutes'),
        maxQueues: config.maxQueuesPerTopic,
      }),
      kv: new KvConfig(env, config.kvConfigPath, {
        limit: this.#limit('settings', 'maxKvBytes'),
        saveSpaceMs: () => config.configSaveInterval,
      }),
      startedMs: env.clock.now(),
      departed: (departure) => {
        this.#departed(departure)
      },
      newMinId: (brokerName, id) => {
        this.#newMinId(brokerName, id)
      },
    }
    this.#dispatcher = new Dispatcher({
      context: this.#context,
      requests: namesrvRequests,
      services,
      events: env.events,
    })
    this.#server = new RemotingServer(env, this.#dispatcher, {
      idleMs: config.serverChannelMaxIdleTimeSeconds * 1000,
      proxyProtocolTrustedAddresses: config.proxyProtocolTrustedAddresses,
    })
  }

  /** Its routes, for programs that embed it. */
  get routes(): RouteTable {
    return this.#context.routes
  }

  /** How long requests take from now on, for metrics; nobody measures it before. */
  timeRequests(): RequestTimes {
    const times = new RequestTimes(this.#env.clock)
    this.#dispatcher.times = times
    return times
  }

  /** Connections that are open. */
  get connectionCount(): number {
    return this.#server.connections.size
  }

  /** Opens the port and serves; resolves with the port. Rejects with the host's error (`EADDRINUSE`, …). */
  async start(): Promise<number> {
    const port = await this.#server.listen(this.#config.bindAddress, this.#config.listenPort)
    this.#config.listenPort = port
    const { routes } = this.#context
    this.#server.onClosed((connection) => {
      for (const { group, id, address } of routes.membersOf(connection)) {
        this.#remove(group, id, address, 'its connection closed')
      }
    })
    this.#scan = this.#env.clock.every(this.#config.scanNotActiveBrokerInterval, () => {
      for (const { group, id, address } of routes.expired()) {
        routes.liveAt(group.brokerName, address)?.connection.destroy()
        this.#remove(group, id, address, 'it was silent for too long')
      }
    })
    this.#server.serve()
    return port
  }

  /** Closes the port and all connections. */
  async stop(): Promise<void> {
    this.#scan?.cancel()
    try {
      this.#context.kv.saveLast()
    } catch (error) {
      if (hostErrorCode(error) === undefined) throw error
      this.#env.events.emit(kvConfigNotSaved, { reason: String(error) })
    }
    await this.#server.close()
  }

  #limit(table: string, option: 'maxBrokers' | 'maxRoutes' | 'maxKvBytes'): TableLimit {
    const { events } = this.#env
    return new TableLimit({ table, option, limit: this.#config[option] }, (reached) => {
      events.emit(namesrvTableFull, reached)
    })
  }

  #remove(group: BrokerGroup, id: number, address: string, reason: string): void {
    const { routes } = this.#context
    this.#departed(routes.unregister(group.brokerName, id, address, reason))
  }

  /** Notifies the remaining members that the least id of their group has changed. */
  #departed(departure: Departure | undefined): void {
    if (departure === undefined || !this.#config.notifyMinBrokerIdChanged) return
    const { group, address, wasMinId, haServerAddr } = departure
    if (!wasMinId || group.members.size === 0 || !group.enableActingMaster) return
    this.#notify(group, undefined, { offlineBrokerAddr: address, haBrokerAddr: haServerAddr })
  }

  #newMinId(brokerName: string, id: number): void {
    const group = this.#context.routes.brokers.get(brokerName)
    if (group === undefined || !this.#config.notifyMinBrokerIdChanged) return
    const address = group.members.get(id)
    const live =
      address === undefined ? undefined : this.#context.routes.liveAt(group.brokerName, address)
    this.#notify(group, id, { haBrokerAddr: live?.haServerAddr })
  }

  #notify(
    group: BrokerGroup,
    exceptId: number | undefined,
    more: { offlineBrokerAddr?: string; haBrokerAddr?: string | undefined },
  ): void {
    const minBrokerId = leastId(group)
    const fields = encodeHeader(NotifyMinBrokerIdChange, {
      minBrokerId,
      brokerName: group.brokerName,
      minBrokerAddr: group.members.get(minBrokerId),
      ...more,
    })
    const { code, name } = NotifyMinBrokerIdChange
    for (const [id, address] of group.members) {
      if (id === exceptId) continue
      const live = this.#context.routes.liveAt(group.brokerName, address)
      live?.connection.oneway({ code, name, fields })
    }
  }
}
