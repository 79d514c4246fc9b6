import type { EventSink } from '@skylarkmq/env'
import {
  SkylarkError,
  SystemTopic,
  type BrokerData,
  type TopicRouteData,
} from '@skylarkmq/protocol'
import { saysOf } from '../errors.ts'
import { routeNotRefreshed } from '../events.ts'
import type { NameServers } from '../wire/name-servers.ts'
import { whyNoRoute } from './why-no-route.ts'
import {
  addressesOf,
  DEFAULT_TOPIC_QUEUE_NUMS,
  isSameRoute,
  routeOfTemplate,
} from './topic-route.ts'

/** How often a broker is looked for that has gone from a route, at each `refreshMissing`: some two minutes. */
const LOOKS_MAX = 60

/** Routes that this client has used, read again from time to time. Apache: `MQClientInstance.java`. */
export class TopicRouteTable {
  readonly #nameServers: NameServers
  readonly #events: EventSink
  readonly #routes = new Map<string, TopicRouteData>()
  /** Topics that are not there yet but will be read again. */
  readonly #wanted = new Set<string>()
  /** Topics that brokers have gone from: which, and how often they were looked for. */
  readonly #gone = new Map<string, { readonly names: ReadonlySet<string>; looks: number }>()
  readonly #reading = new Map<string, Promise<TopicRouteData | undefined>>()
  readonly #listeners = new Set<(topic: string) => void>()
  #isEnded = false

  constructor(nameServers: NameServers, events: EventSink) {
    this.#nameServers = nameServers
    this.#events = events
  }

  /** Calls `listener` with each topic whose route has changed or has become known. Returns what ends that. */
  onChange(listener: (topic: string) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** The brokers of all routes in use, each once. */
  get brokers(): BrokerData[] {
    const byName = new Map<string, BrokerData>()
    for (const { brokerDatas } of this.#routes.values()) {
      for (const each of brokerDatas) byName.set(`${each.cluster}/${each.brokerName}`, each)
    }
    return [...byName.values()]
  }

  /** The broker that has an address in one of the routes; undefined when none has. */
  brokerAt(address: string): BrokerData | undefined {
    for (const { brokerDatas } of this.#routes.values()) {
      const found = brokerDatas.find((each) => [...each.brokerAddrs.values()].includes(address))
      if (found !== undefined) return found
    }
    return undefined
  }

  /** The route as known; undefined before it was read. */
  known(topic: string): TopicRouteData | undefined {
    return this.#routes.get(topic)
  }

  /**
   * The route of a topic, read if need be; undefined when there is none, and then it is looked for again
   * at each refresh. Rejects with RMQ_NAME_SERVER.
   */
  async find(topic: string): Promise<TopicRouteData | undefined> {
    return this.#routes.get(topic) ?? this.read(topic)
  }

  /** The route of a topic that must be there. Rejects with RMQ_TOPIC_NOT_FOUND or RMQ_NAME_SERVER. */
  async get(topic: string): Promise<TopicRouteData> {
    const found = await this.find(topic)
    if (found !== undefined) return found
    throw await whyNoRoute(this.#nameServers, topic)
  }

  /**
   * The route to send by: of the topic, or of the template of topics that brokers make by themselves.
   * Rejects with RMQ_TOPIC_NOT_FOUND or RMQ_NAME_SERVER.
   */
  async forSending(topic: string): Promise<TopicRouteData> {
    const found = await this.find(topic)
    if (found !== undefined) return found
    const template = await this.#nameServers.route(SystemTopic.AUTO_CREATE)
    if (template === undefined) throw await whyNoRoute(this.#nameServers, topic)
    const route = routeOfTemplate(template, DEFAULT_TOPIC_QUEUE_NUMS)
    this.#keep(topic, route)
    return route
  }

  /** Reads a route now. Rejects with RMQ_NAME_SERVER. */
  read(topic: string): Promise<TopicRouteData | undefined> {
    const running = this.#reading.get(topic)
    if (running !== undefined) return running
    const reading = this.#nameServers.route(topic).then((route) => {
      if (route === undefined) this.#wanted.add(topic)
      else this.#keep(topic, route)
      return route
    })
    this.#reading.set(topic, reading)
    const done = (): void => {
      this.#reading.delete(topic)
    }
    reading.then(done, done)
    return reading
  }

  /** Reads all routes in use again; one that cannot be read stays as it is. */
  refresh(): Promise<void> {
    return this.#readAll(new Set([...this.#routes.keys(), ...this.#wanted]))
  }

  /** Reads the routes again that lead to an address: its broker may be elsewhere by now. */
  refreshAt(address: string): Promise<void> {
    const topics = [...this.#routes].filter(([, { brokerDatas }]) =>
      brokerDatas.some(({ brokerAddrs }) => [...brokerAddrs.values()].includes(address)),
    )
    return this.#readAll(new Set(topics.map(([topic]) => topic)))
  }

  /** Looks for the topics that are wanted and not there, and for a while for those that a broker has gone from. */
  refreshMissing(): Promise<void> {
    for (const [topic, gone] of this.#gone) {
      gone.looks++
      if (gone.looks > LOOKS_MAX) this.#gone.delete(topic)
    }
    return this.#readAll(new Set([...this.#wanted, ...this.#gone.keys()]))
  }

  async #readAll(topics: ReadonlySet<string>): Promise<void> {
    for (const topic of [...topics]) {
      try {
        await this.read(topic)
      } catch (error) {
        if (!(error instanceof SkylarkError)) throw error
        if (this.#isEnded) return
        this.#events.emit(routeNotRefreshed, { topic, reason: saysOf(error) })
      }
    }
  }

  /** The client has ended: what is being read is not missed any more. */
  end(): void {
    this.#isEnded = true
  }

  /** Addresses of the brokers of all routes in use. */
  addresses(slaves: boolean): string[] {
    return [...new Set([...this.#routes.values()].flatMap((route) => addressesOf(route, slaves)))]
  }

  #keep(topic: string, route: TopicRouteData): void {
    const before = this.#routes.get(topic)
    this.#routes.set(topic, route)
    this.#wanted.delete(topic)
    if (before !== undefined && isSameRoute(before, route)) return
    this.#noteGone(topic, before, route)
    for (const listener of this.#listeners) listener(topic)
  }

  /** A broker that is restarted is in the routes again a moment later. */
  #noteGone(topic: string, before: TopicRouteData | undefined, route: TopicRouteData): void {
    const known = this.#gone.get(topic)
    const names = new Set([
      ...(known?.names ?? []),
      ...(before?.brokerDatas ?? []).map(({ brokerName }) => brokerName),
    ])
    for (const { brokerName } of route.brokerDatas) names.delete(brokerName)
    if (names.size === 0) this.#gone.delete(topic)
    else this.#gone.set(topic, { names, looks: 0 })
  }
}
