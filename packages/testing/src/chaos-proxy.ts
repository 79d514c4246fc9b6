import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { nodeEnv, silentEvents, type Env } from '@skylarkmq/env'
import { AS_USUAL, ChaosLink, type ChaosMode } from './chaos-link.ts'

const HOST = '127.0.0.1'
const { clock } = nodeEnv(silentEvents)

/**
 * A proxy on this machine in front of any server that simulates network faults: cuts, stalls, forgotten connections,
 * delays.
 *
 * ```ts
 * const broker = await ChaosProxy.start('127.0.0.1:10911')
 * const mq = new RocketMQ({ nameServers: '127.0.0.1:9876' }, hostBehind(broker))
 * broker.cut('rst')
 * ```
 */
export class ChaosProxy {
  /** What happens to bytes and new connections; `heal` resets it. */
  readonly mode: Readonly<ChaosMode>
  /** Number of connections accepted so far. */
  accepted = 0
  /** `host:port` of the server. */
  readonly target: string
  readonly #mode: ChaosMode = { ...AS_USUAL }
  readonly #server: net.Server
  readonly #links = new Set<ChaosLink>()
  #port = 0

  private constructor(target: string) {
    this.target = target
    this.mode = this.#mode
    this.#server = net.createServer((near) => {
      this.#accept(near)
    })
  }

  /** Starts a proxy in front of `host:port`, on a free port. */
  static async start(target: string): Promise<ChaosProxy> {
    const proxy = new ChaosProxy(target)
    await proxy.#listen()
    return proxy
  }

  /** `host:port` of the proxy. */
  get address(): string {
    return `${HOST}:${this.#port}`
  }

  /** Port of the proxy. */
  get port(): number {
    return this.#port
  }

  /** Number of connections that are connected to the server. */
  get open(): number {
    return [...this.#links].filter(({ isOpen }) => isOpen).length
  }

  /** Changes the mode from now on. */
  set(mode: Partial<ChaosMode>): void {
    Object.assign(this.#mode, mode)
    for (const each of this.#links) each.changed()
  }

  /** Resets the mode; held traffic is delivered. */
  heal(): void {
    this.set(AS_USUAL)
  }

  /** Closes all connections, or resets them. */
  cut(how: 'fin' | 'rst'): void {
    for (const each of [...this.#links]) each.cut(how)
  }

  /** Forgets all connections, as a NAT does: their traffic is swallowed without notice. New ones work. */
  forget(): void {
    for (const each of this.#links) each.forget()
  }

  /** Closes all connections and refuses new ones, as the host of a dead process does. */
  async goAway(): Promise<void> {
    const gone = new Promise((resolve) => this.#server.close(resolve))
    this.cut('rst')
    await gone
  }

  /** Accepts connections again after `goAway`, on the same port. */
  async comeBack(): Promise<void> {
    await this.#listen()
  }

  /** Stops the proxy and closes its connections. */
  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.#server.close(resolve))
    this.cut('fin')
    await gone
  }

  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#port, HOST, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    this.#port = (this.#server.address() as AddressInfo).port
  }

  #accept(near: net.Socket): void {
    this.accepted++
    const colon = this.target.lastIndexOf(':')
    const far = this.#mode.hangs
      ? undefined
      : net.connect(Number(this.target.slice(colon + 1)), this.target.slice(0, colon))
    this.#links.add(
      new ChaosLink(near, far, this.#mode, clock, (link) => {
        this.#links.delete(link)
      }),
    )
  }
}

/**
 * The host for a client, second argument of `new RocketMQ`: leads connections to a proxy's server through the proxy,
 * so that brokers keep the addresses that their name server returns. `detour` maps a `host:port` to another one, or
 * returns undefined.
 */
export function hostBehind(
  proxies: ChaosProxy | readonly ChaosProxy[],
  detour: (target: string) => string | undefined = () => undefined,
): Env {
  const all = [proxies].flat() as readonly ChaosProxy[]
  const env = nodeEnv(silentEvents)
  const connect: Env['net']['connect'] = (address) => {
    const target = `${address.host}:${address.port}`
    const to = detour(target) ?? all.find((each) => each.target === target)?.address
    if (to === undefined) return env.net.connect(address)
    const colon = to.lastIndexOf(':')
    const host = to.slice(0, colon)
    return env.net.connect({ ...address, host, port: Number(to.slice(colon + 1)) })
  }
  return { ...env, net: { ...env.net, connect } }
}
