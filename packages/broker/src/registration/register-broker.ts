import { hostErrorCode, textOfThrown, type Env, type Timer } from '@skylarkmq/env'
import {
  brokerMemberGroupBody,
  crc32Positive,
  dataVersionBody,
  encodeHeader,
  GetBrokerMemberGroup,
  kvTableBody,
  QueryDataVersion,
  RegisterBroker,
  ResponseCode,
  SkylarkError,
  UnregisterBroker,
  type FieldMap,
} from '@skylarkmq/protocol'
import type { OutgoingRequest, RemotingClient } from '@skylarkmq/remoting'
import { nameShared, registered, registrationFailed } from '../events.ts'
import type { BrokerConfig } from '../options.ts'
import type { TopicConfigTable } from '../topic/topic-config-table.ts'
import { registrationBody, topicRegistration } from './registration-body.ts'

/** Longest wait for name servers that do not answer. */
const KNOWN_WITHIN_MS = 3_000
const RETRY_MS = 1_000
/** After a registration was made, for this many times as long none is made for changes alone. */
const REST_FACTOR = 4
/** From so many topics on, a few that changed are told alone. */
const MANY_TOPICS = 1_000
const SINGLE_TOPICS_MAX = 100

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
  /** Those whose connection was lost: they may have forgotten this broker with it. */
  readonly #lost = new Set<string>()
  #period: Timer | undefined
  /** The registration under way; resolved when there is none. */
  #current = Promise.resolve()
  /** The one that follows it. */
  #pending: Promise<void> | undefined
  #retry: Timer | undefined
  #isStopped = false
  readonly #changedTopics = new Set<string>()
  /** Something changed that is no topic, or one was deleted. */
  #isAllChanged = false
  /** Who had this broker's name and id, by name server. */
  readonly #others = new Map<string, string>()
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
      void this.#registerAgain()
    })
    await this.#registerAgain()
  }

  /** Registers with each name server that does not have all topics, or with all of them as `forceRegister` has it. */
  async #registerAgain(): Promise<void> {
    const addresses = this.nameServers
    const isDue = await Promise.all(addresses.map((address) => this.#isDue(address)))
    await this.#registerWith(addresses.filter((_, i) => isDue[i]))
  }

  async #isDue(namesrv: string): Promise<boolean> {
    await this.#lookForOther(namesrv)
    if (this.#identity().config.forceRegister || !this.#known.has(namesrv)) return true
    const { config, address: brokerAddr } = this.#identity()
    const { brokerName, brokerId, brokerClusterName: clusterName } = config
    const fields = encodeHeader(QueryDataVersion, {
      brokerName,
      brokerAddr,
      clusterName,
      brokerId,
    })
    const body = dataVersionBody.encode(this.#topics.dataVersion)
    const { code, name } = QueryDataVersion
    const answer = await this.#asked(namesrv, { code, name, fields, body })
    return answer?.['changed'] !== 'false'
  }

  /** Who else has this broker's name and id is told of at both: the name server says it, too. */
  async #lookForOther(namesrv: string): Promise<void> {
    const { config, address, followsAsker } = this.#identity()
    const { brokerName, brokerId, brokerClusterName: clusterName } = config
    const fields = encodeHeader(GetBrokerMemberGroup, { clusterName, brokerName })
    const { code, name } = GetBrokerMemberGroup
    let other: string | undefined
    await this.#asked(namesrv, { code, name, fields }, (body) => {
      other = brokerMemberGroupBody.decode(body).brokerMemberGroup.brokerAddrs.get(brokerId)
    })
    // An address that follows who asks is known by its port.
    const isOwn = (each: string): boolean =>
      each === address || (followsAsker && portOf(each) === portOf(address))
    if (other === undefined || isOwn(other)) this.#others.delete(namesrv)
    else if (this.#others.get(namesrv) !== other) {
      this.#others.set(namesrv, other)
      this.#env.events.emit(nameShared, { namesrv, broker: brokerName, id: brokerId, other })
    }
  }

  /** The fields of an answer; undefined when there is none, or it says that it did not work. */
  async #asked(
    namesrv: string,
    request: OutgoingRequest,
    read: (body: Buffer | undefined) => void = () => undefined,
  ): Promise<FieldMap | undefined> {
    const { registerBrokerTimeoutMills: timeoutMs } = this.#identity().config
    try {
      const answer = await this.#client.request(namesrv, request, timeoutMs)
      if (answer.code !== ResponseCode.SUCCESS) return undefined
      read(answer.body)
      return answer.fields ?? {}
    } catch (error) {
      if (!(error instanceof SkylarkError) && hostErrorCode(error) === undefined) throw error
      // The registration itself finds out what is the matter, and says it.
      return undefined
    }
  }

  /**
   * Notes that a topic changed, or with none that anything did: it is registered at once, or, while a registration is
   * under way, with whatever else changes until that has ended.
   */
  changed(topic?: string): void {
    if (this.#isStopped || this.#period === undefined) return
    if (topic === undefined) this.#isAllChanged = true
    else this.#changedTopics.add(topic)
    this.#pending ??= this.#registerNext()
  }

  async #registerNext(): Promise<void> {
    await this.#current
    if (!this.#isForSingleTopics()) await this.#rest()
    this.#pending = undefined
    const topics = this.#isForSingleTopics() ? [...this.#changedTopics] : undefined
    this.#changedTopics.clear()
    this.#isAllChanged = false
    this.#current = topics === undefined ? this.registerAll() : this.#registerTopics(topics)
    await this.#current
  }

  /** Whether what changed is few topics of many, which are told alone. */
  #isForSingleTopics(): boolean {
    const count = this.#changedTopics.size
    if (this.#isAllChanged || count > SINGLE_TOPICS_MAX) return false
    const { enableSingleTopicRegister } = this.#identity().config
    return enableSingleTopicRegister || this.#topics.all.size > MANY_TOPICS
  }

  /** Tells name servers that know this broker of some topics; one that does not take them gets everything. */
  async #registerTopics(topics: readonly string[]): Promise<void> {
    const { config } = this.#identity()
    const { registerBrokerTimeoutMills: timeoutMs } = config
    const requests = topics.flatMap((name) => {
      const topic = this.#topics.get(name)
      return topic === undefined ? [] : [topicRegistration(topic, config)]
    })
    const tell = async (namesrv: string): Promise<boolean> => {
      if (!this.#known.has(namesrv) || this.#failing.has(namesrv)) return false
      const asked = requests.map((each) => this.#client.request(namesrv, each, timeoutMs))
      const answers = await Promise.allSettled(asked)
      return answers.every(
        (each) => each.status === 'fulfilled' && each.value.code === ResponseCode.SUCCESS,
      )
    }
    const addresses = this.nameServers
    const isTold = await Promise.all(addresses.map(tell))
    await this.#registerWith(addresses.filter((_, i) => !isTold[i]))
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
    if (this.#failing.size > 0) this.#registerSoon()
  }

  /** The connection to a name server has ended, and not because this broker wanted that. */
  lost(namesrv: string): void {
    if (this.#isStopped || !this.#known.has(namesrv)) return
    this.#lost.add(namesrv)
    this.#registerSoon()
  }

  #registerSoon(): void {
    this.#retry ??= this.#env.clock.after(RETRY_MS, () => {
      this.#retry = undefined
      const due = new Set([...this.#failing, ...this.#lost])
      this.#lost.clear()
      void this.#registerWith(this.nameServers.filter((address) => due.has(address)))
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
      this.#failed(namesrv, textOfThrown(error))
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
    const { body, compressed } = registrationBody(this.#topics, config)
    const fields = encodeHeader(RegisterBroker, {
      brokerName: config.brokerName,
      brokerAddr: address,
      clusterName: config.brokerClusterName,
      haServerAddr: haAddress,
      brokerId: config.brokerId,
      enableActingMaster: false,
      compressed,
      bodyCrc32: crc32Positive(body),
      ...(followsAsker ? { skylarkFollowsAsker: true } : {}),
    })
    const endedMs = this.#env.clock.monotonic()
    this.#restUntilMs = endedMs + REST_FACTOR * (endedMs - beganMs)
    return { code: RegisterBroker.code, name: RegisterBroker.name, fields, body }
  }
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(':') + 1)
}
