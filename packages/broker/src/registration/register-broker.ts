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

/** A change is sent this soon, together with others of the same moment. */
const SOON_MS = 5
/** With very many topics a registration takes its time: then changes wait for twice that, and go together. */
const SOON_TIMES_LAST = 2
const SOON_MS_MAX = 250
const RETRY_MS = 1_000

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
  #soon: Timer | undefined
  #retry: Timer | undefined
  #lastTookMs = 0
  #isStopped = false

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

  /** Registers shortly: a topic changed. */
  registerSoon(): void {
    if (this.#isStopped || this.#period === undefined) return
    const ms = Math.max(SOON_MS, SOON_TIMES_LAST * this.#lastTookMs)
    this.#soon ??= this.#env.clock.after(ms, () => {
      this.#soon = undefined
      void this.registerAll()
    })
  }

  /** Registers with all name servers now; failures are events, and are tried again soon. */
  async registerAll(): Promise<void> {
    await this.#registerWith(this.nameServers)
  }

  async #registerWith(nameServers: readonly string[]): Promise<void> {
    if (this.#isStopped) return
    const began = this.#env.clock.monotonic()
    await Promise.all(nameServers.map((address) => this.#register(address)))
    this.#lastTookMs = Math.min(SOON_MS_MAX, this.#env.clock.monotonic() - began)
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
    this.#soon?.cancel()
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
    return { code: RegisterBroker.code, name: RegisterBroker.name, fields, body }
  }
}
