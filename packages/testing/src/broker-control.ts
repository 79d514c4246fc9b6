import type { Broker } from '@skylarkmq/broker'
import type { Env } from '@skylarkmq/env'
import { startServer, type RunningServer } from '@skylarkmq/server'
import { beginLife, type Life } from './life.ts'
import type { TestNetwork } from './network.ts'

/** Controls the broker of a test server. Name server, disk and clock keep running. */
export interface BrokerControl {
  /** `host:port`, unchanged by restarts. */
  readonly address: string
  /** Whether it runs. */
  readonly isRunning: boolean
  /** Stops it cleanly: it unregisters and writes everything to disk. */
  stop(): Promise<void>
  /** Ends it as `kill -9` does, at any point. What it wrote is there at the next start. */
  kill(): void
  /** Starts it again after `stop` or `kill`. */
  start(): Promise<void>
  /** `stop`, then `start`. */
  restart(): Promise<void>
}

/** Starts brokers, one after the other, with the same disk and port. */
export class TestBroker implements BrokerControl {
  readonly #env: (own: Env) => Env
  readonly #network: TestNetwork
  readonly #namesrvAddr: string
  readonly #set: readonly string[]
  #port = 0
  #life: Life | undefined
  #running: RunningServer | undefined

  /** `env` replaces the disk and the clock of the host. */
  constructor(
    env: (own: Env) => Env,
    network: TestNetwork,
    namesrvAddr: string,
    set: readonly string[],
  ) {
    this.#env = env
    this.#network = network
    this.#namesrvAddr = namesrvAddr
    this.#set = set
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /** The running broker. Throws when there is none. */
  get broker(): Broker {
    const broker = this.#running?.broker
    if (broker === undefined) throw new Error('the broker does not run: call broker.start() first')
    return broker
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return
    let life: Life | undefined
    const running = await startServer({
      namesrv: false,
      namesrvAddr: this.#namesrvAddr,
      brokerPort: this.#port,
      host: '127.0.0.1',
      ephemeral: true,
      set: this.#set,
      events: { emit: () => undefined },
      strict: true,
      warn: () => undefined,
      env: (own) => (life ??= beginLife(this.#env(own), this.#network)).env,
    })
    this.#port = running.brokerPort ?? 0
    this.#life = life
    this.#running = running
  }

  async stop(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    await running?.stop()
  }

  kill(): void {
    this.#running = undefined
    this.#life?.end()
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }
}
