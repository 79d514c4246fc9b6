import { durationMs, RocketMQ, type ReceivedMessage, type RocketMQOptions } from '@skylarkmq/client'
import { memoryDisk, nodeEnv, silentEvents, type Env } from '@skylarkmq/env'
import { startServer as startReal, type RunningServer } from '@skylarkmq/server'
import { TestBroker, type BrokerControl } from './broker-control.ts'
import { MovableClock, type TestClock } from './movable-clock.ts'
import { TestNetwork, type NetworkControl } from './network.ts'
import { Quiet } from './quiet.ts'
import { storedMessages } from './stored-messages.ts'

/** Options of a test server. */
export interface TestServerOptions {
  /** Topics to create, with their number of queues. Others are created on the first send. */
  readonly topics?: Readonly<Record<string, number>> | undefined
  /** Settings of the broker, as in Apache's `broker.conf`. */
  readonly settings?: Readonly<Record<string, string | number | boolean>> | undefined
}

/** Options of a wait. */
export interface WaitOptions {
  /** Timeout in ms of real time; default 5000. */
  readonly timeout?: number | undefined
  /** Aborts the wait. */
  readonly signal?: AbortSignal | undefined
}

const WAIT_MS = 5_000
const LOOK_MS = 2

/**
 * A name server and a broker in this process, in memory, on free ports of the loopback address. Clients in any
 * language can connect. Each server has its own clock, disk and network, so that any number can run side by side.
 */
export class TestServer {
  /** Advances the server's time. */
  readonly clock: TestClock
  /** Stops, kills and starts the broker. */
  readonly broker: BrokerControl
  /** Cuts, refuses and delays connections. */
  readonly network: NetworkControl
  /** `host:port` of the name server. */
  readonly nameServers: string
  readonly #clients: RocketMQ[] = []
  readonly #env: Env
  readonly #namesrv: RunningServer
  readonly #broker: TestBroker
  readonly #quiet: Quiet
  #closing: Promise<void> | undefined

  /** Created by `startServer`. */
  constructor(parts: {
    readonly env: Env
    readonly clock: MovableClock
    readonly network: TestNetwork
    readonly quiet: Quiet
    readonly namesrv: RunningServer
    readonly nameServers: string
    readonly broker: TestBroker
  }) {
    this.#env = parts.env
    this.#namesrv = parts.namesrv
    this.#broker = parts.broker
    this.broker = parts.broker
    this.network = parts.network
    this.nameServers = parts.nameServers
    const { quiet } = parts
    this.#quiet = quiet
    this.clock = {
      now: () => parts.clock.now(),
      advance: async (by) => {
        await parts.clock.move(durationMs(by, 'by'), () => quiet.settle())
        await quiet.wait()
      },
    }
  }

  /** A client of this server, which is closed with it. Create others with `nameServers`. */
  client(options: Omit<RocketMQOptions, 'nameServers'> = {}): RocketMQ {
    const client = new RocketMQ({ ...options, nameServers: this.nameServers })
    this.#clients.push(client)
    return client
  }

  /**
   * All messages of a topic that the broker has, consumed or not, in the order of storage; empty for an unknown
   * topic. The dead letters of a group are in `%DLQ%group`. Throws when the broker is not running.
   */
  messages(topic: string): ReceivedMessage[] {
    return storedMessages(this.#broker.broker, topic)
  }

  /**
   * The first message of a topic for which `matches` returns true, now or later. Rejects after `timeout` with the
   * messages that exist, and with the signal's reason.
   */
  async waitFor(
    topic: string,
    matches: (message: ReceivedMessage) => boolean = () => true,
    { timeout = WAIT_MS, signal }: WaitOptions = {},
  ): Promise<ReceivedMessage> {
    const { clock } = this.#env
    const until = clock.monotonic() + timeout
    for (;;) {
      signal?.throwIfAborted()
      const all = this.broker.isRunning ? this.messages(topic) : []
      const found = all.find(matches)
      if (found !== undefined) return found
      if (clock.monotonic() >= until) throw new Error(missing(topic, timeout, all))
      await new Promise<void>((resolve) => {
        clock.after(LOOK_MS, resolve)
      })
    }
  }

  /** Resolves when nothing is in flight and no handler of a client in this process runs. */
  async quiet(): Promise<void> {
    await this.#quiet.wait()
  }

  /** Closes the clients created by `client`, then the server; all data is discarded. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#quiet.close()
    await Promise.all(this.#clients.map((client) => client.close({ timeout: 1_000 })))
    await this.#broker.stop()
    await this.#namesrv.stop()
  }
}

/**
 * Starts a server for a test, which takes some tens of milliseconds. Rejects with ERR_CONFIG_SETTING when a setting
 * is unknown or has an invalid value.
 *
 * ```ts
 * await using server = await startServer({ topics: { Orders: 4 } })
 * const mq = server.client()
 * const producer = await mq.producer()
 * await producer.send({ topic: 'Orders', body: 'remind me', delay: '2h' })
 * await server.clock.advance('2h')
 * assert.equal(server.messages('Orders').length, 1)
 * ```
 */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const env = nodeEnv(silentEvents)
  const clock = new MovableClock(env.clock)
  const network = new TestNetwork(env.net, env.clock)
  const disk = memoryDisk(() => clock.now())
  const quiet = new Quiet(network, env.clock, env.turn)
  const inTest = (own: Env): Env => ({ ...own, clock, disk, turn: quiet.watched(own.turn) })
  const namesrv = await startReal({
    broker: false,
    namesrvPort: 0,
    host: '127.0.0.1',
    ephemeral: true,
    events: silentEvents,
    strict: true,
    warn: () => undefined,
    env: (own) => ({ ...inTest(own), net: network.uncounted }),
  })
  const nameServers = namesrv.namesrvAddr ?? ''
  // A disk in memory makes every write of a table cheap.
  const settings = { configSaveInterval: 0, ...options.settings }
  const set = Object.entries(settings).map(([key, value]) => `${key}=${value}`)
  const broker = new TestBroker(inTest, network, nameServers, set)
  try {
    await broker.start()
    const server = new TestServer({ env, clock, network, quiet, namesrv, nameServers, broker })
    await createTopics(server, options.topics ?? {})
    return server
  } catch (error) {
    quiet.close()
    await broker.stop()
    await namesrv.stop()
    throw error
  }
}

async function createTopics(
  server: TestServer,
  topics: Readonly<Record<string, number>>,
): Promise<void> {
  const all = Object.entries(topics)
  if (all.length === 0) return
  const client = new RocketMQ({ nameServers: server.nameServers })
  try {
    const admin = client.admin()
    await Promise.all(all.map(([topic, queues]) => admin.topics.create(topic, { queues })))
  } finally {
    await client.close()
  }
}

function missing(topic: string, timeoutMs: number, found: readonly ReceivedMessage[]): string {
  const some = found.slice(-3).map((message) => message.body.toString().slice(0, 100))
  const there =
    found.length === 0
      ? 'the topic has no message'
      : `it has ${found.length}, the last of them ${JSON.stringify(some)}`
  return `no message of ${topic} matched within ${timeoutMs} ms: ${there}`
}
