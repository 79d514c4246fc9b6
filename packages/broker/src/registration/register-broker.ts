import type { Env, Timer } from '@skylarkmq/env'
import {
  crc32Positive,
  CURRENT_VERSION,
  encodeHeader,
  encodeRegisterBrokerBody,
  isReadable,
  kvTableBody,
  isWriteable,
  RegisterBroker,
  ResponseCode,
  UnregisterBroker,
  type TopicConfig,
} from '@skylarkmq/protocol'
import type { RemotingClient } from '@skylarkmq/remoting'
import { registered, registrationFailed } from '../events.ts'
import type { BrokerConfig } from '../options.ts'
import type { TopicConfigTable } from '../topic/topic-config-table.ts'

/** Longest wait for name servers that do not answer. */
const KNOWN_WITHIN_MS = 3_000
const RETRY_MS = 1_000
/** After a registration was made, for this many times as long none is made for changes alone. */
const REST_FACTOR = 4

/** What a registration says besides topics. */
export interface BrokerIdentity {
  readonly config: BrokerConfig
  /** `ip:port` for clients. */
  readonly address: string
  readonly haAddress: string
  /** Set when the address is to be what each client asked. */
  readonly followsAsker: boolean
}

/**
 * Keeps every name server told that the broker lives, and of its topics: at the start, every 30 s, and
 * shortly after each change. Apache: `BrokerController.java`, registerBrokerAll; `BrokerOuterAPI.java`.
 */
export class NameServerRegistration {
  readonly #env: Env
  readonly #client: RemotingClient
  readonly #topics: TopicConfigTable
  readonly #identity: () => BrokerIdentity
  readonly #failing = new Set<string>()
  readonly #known = new Set<string>()
  #period: Timer | undefined
  /** The registration under way; resolved when there is none. */
  #current = Promise.resolve()
  /** The one that follows it. */
  #pending: Promise<void> | undefined
  #retry: Timer | undefined
  #isStopped = false
  #restUntilMs = -Infinity

  constructor(
    env: Env,
    client: RemotingClient,
    topics: TopicConfigTable,
    identity: () => BrokerIdentity,
  ) {
    this.#env = env
    this.#client = client
    this.#topics = topics
    this.#identity = identity
  }

  /** Addresses of the name servers. */
  get nameServers(): string[] {
    const { namesrvAddr } = this.#identity().config
    return namesrvAddr
      .split(/[;,]/)
      .map((address) => address.trim().replace(/^https?:\/\//, ''))
      .filter((address) => address !== '')
  }

  /** Registers with all name servers, and from now on by itself. Resolves when each has answered or failed. */
  async start(): Promise<void> {
    this.#period = this.#env.clock.every(this.#identity().config.registerNameServerPeriod, () => {
      void this.registerAll()
    })
    await this.registerAll()
  }

  /**
   * Notes that a topic changed: it is registered at once, or, while a registration is under way, with whatever
   * else changes until that has ended.
   */
  changed(): void {
    if (this.#isStopped || this.#period === undefined) return
    this.#pending ??= this.#registerNext()
  }

  async #registerNext(): Promise<void> {
    await this.#current
    await this.#rest()
    this.#pending = undefined
    this.#current = this.registerAll()
    await this.#current
  }

  /** All topics are registered each time: where they are many, that takes a part of the time only. */
  #rest(): Promise<void> {
    const waitMs = this.#restUntilMs - this.#env.clock.monotonic()
    if (waitMs <= 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#env.clock.after(waitMs, resolve)
    })
  }

  /**
   * Resolves once the name servers know of all changes, or could not be told, or after 3 s: who is told that a
   * topic is there finds it in the routes. Apache waits in the same places.
   */
  whenKnown(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#env.clock.after(KNOWN_WITHIN_MS, resolve)
      void (this.#pending ?? this.#current).then(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  /** Registers with all name servers now; failures are events, and are tried again soon. */
  async registerAll(): Promise<void> {
    await this.#registerWith(this.nameServers)
  }

  async #registerWith(nameServers: readonly string[]): Promise<void> {
    if (this.#isStopped) return
    await Promise.all(nameServers.map((address) => this.#register(address)))
    if (this.#failing.size === 0) return
    this.#retry ??= this.#env.clock.after(RETRY_MS, () => {
      this.#retry = undefined
      void this.#registerWith([...this.#failing])
    })
  }

  /** Leaves the routes of all name servers. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#period?.cancel()
    this.#retry?.cancel()
    const { config, address } = this.#identity()
    const fields = encodeHeader(UnregisterBroker, {
      brokerName: config.brokerName,
      brokerAddr: address,
      clusterName: config.brokerClusterName,
      brokerId: config.brokerId,
    })
    const request = { code: UnregisterBroker.code, name: UnregisterBroker.name, fields }
    const known = this.nameServers.filter((each) => this.#known.has(each))
    await Promise.allSettled(known.map((each) => this.#client.request(each, request, 1_000)))
  }

  async #register(namesrv: string): Promise<void> {
    try {
      const answer = await this.#client.request(
        namesrv,
        this.#request(),
        this.#identity().config.registerBrokerTimeoutMills,
      )
      if (answer.code !== ResponseCode.SUCCESS) {
        this.#failed(namesrv, `code ${answer.code}: ${answer.remark ?? ''}`)
        return
      }
      if (answer.body !== undefined) {
        this.#topics.setOrdered(new Set(kvTableBody.decode(answer.body).table.keys()))
      }
    } catch (error) {
      this.#failed(namesrv, error instanceof Error ? error.message : String(error))
      return
    }
    const isNews = this.#failing.delete(namesrv) || !this.#known.has(namesrv)
    this.#known.add(namesrv)
    if (isNews) this.#env.events.emit(registered, { namesrv })
  }

  #failed(namesrv: string, reason: string): void {
    if (this.#isStopped) return
    if (!this.#failing.has(namesrv)) this.#env.events.emit(registrationFailed, { namesrv, reason })
    this.#failing.add(namesrv)
  }

  #request() {
    const { config, address, haAddress, followsAsker } = this.#identity()
    const beganMs = this.#env.clock.monotonic()
    const isOpen = isReadable(config.brokerPermission) && isWriteable(config.brokerPermission)
    const topicConfigTable = new Map<string, TopicConfig>()
    for (const [name, topic] of this.#topics.all) {
      const perm = topic.perm & config.brokerPermission
      topicConfigTable.set(name, isOpen ? topic : { ...topic, perm })
    }
    const body = encodeRegisterBrokerBody(
      {
        topicConfigSerializeWrapper: {
          dataVersion: this.#topics.dataVersion,
          mappingDataVersion: this.#topics.dataVersion,
          topicConfigTable,
          topicQueueMappingDetailMap: new Map(),
          topicQueueMappingInfoMap: new Map(),
        },
        filterServerList: [],
      },
      { version: CURRENT_VERSION, compressed: config.compressedRegister },
    )
    const fields = encodeHeader(RegisterBroker, {
      brokerName: config.brokerName,
      brokerAddr: address,
      clusterName: config.brokerClusterName,
      haServerAddr: haAddress,
      brokerId: config.brokerId,
      enableActingMaster: false,
      compressed: config.compressedRegister,
      bodyCrc32: crc32Positive(body),
      ...(followsAsker ? { skylarkFollowsAsker: true } : {}),
    })
    const endedMs = this.#env.clock.monotonic()
    this.#restUntilMs = endedMs + REST_FACTOR * (endedMs - beganMs)
    return { code: RegisterBroker.code, name: RegisterBroker.name, fields, body }
  }
}
