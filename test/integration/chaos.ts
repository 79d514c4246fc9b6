import net from 'node:net'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { nodeEnv, silentEvents, type Env } from '@skylarkmq/env'
import { atEnd } from './cluster.ts'

interface Pair {
  readonly near: net.Socket
  /** Undefined where a new connection hangs. */
  readonly far: net.Socket | undefined
  /** Nothing goes through any more, and nobody is told. */
  isDead: boolean
}

/** What a proxy does to bytes that go through it from now on. */
export interface ChaosMode {
  /** Each chunk is late by so many ms, both ways. */
  latencyMs: number
  /** Each byte is written alone. */
  isBytewise: boolean
  /** Of what goes to the client next, half is passed on, then the connection is reset; so many times. */
  resetsInFrame: number
  /** New connections are taken, and nothing is done with them. */
  hangs: boolean
}

const NONE: ChaosMode = { latencyMs: 0, isBytewise: false, resetsInFrame: 0, hangs: false }

/** A proxy before a server that does what networks do. */
export class Chaos {
  readonly mode: ChaosMode = { ...NONE }
  /** Connections that were taken so far. */
  accepted = 0
  /** `host:port` of the server. */
  readonly target: string
  readonly #server: net.Server
  readonly #pairs = new Set<Pair>()

  private constructor(target: string) {
    this.target = target
    this.#server = net.createServer((near) => {
      this.#accept(near)
    })
  }

  /** Starts a proxy before `host:port`, stopped at the test's end. */
  static async start(t: TestContext, target: string): Promise<Chaos> {
    const chaos = new Chaos(target)
    await new Promise<void>((resolve) => chaos.#server.listen(0, '127.0.0.1', resolve))
    atEnd(t, () => {
      chaos.#server.close()
      chaos.cut('fin')
    })
    return chaos
  }

  /** `host:port` of the proxy. */
  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Connections that lead through to the server. */
  get open(): number {
    return [...this.#pairs].filter(({ isDead }) => !isDead).length
  }

  /** The host, with all that goes to one of the servers led through its proxy: so brokers keep their addresses. */
  static host(...all: readonly Chaos[]): Env {
    const env = nodeEnv(silentEvents)
    const connect: Env['net']['connect'] = (address) => {
      const chaos = all.find(({ target }) => target === `${address.host}:${address.port}`)
      return env.net.connect(chaos === undefined ? address : { ...address, port: chaos.#port })
    }
    return { ...env, net: { ...env.net, connect } }
  }

  /** As usual from now on. */
  heal(): void {
    Object.assign(this.mode, NONE)
  }

  /** Ends all connections, or resets them. */
  cut(how: 'fin' | 'rst'): void {
    for (const { near, far } of [...this.#pairs]) {
      for (const socket of [near, far]) {
        if (how === 'rst') socket?.resetAndDestroy()
        else socket?.destroy()
      }
    }
  }

  /** Forgets all connections, as a NAT does: what comes is swallowed, and nobody is told. New ones work. */
  forget(): void {
    for (const pair of this.#pairs) {
      pair.isDead = true
      pair.far?.destroy()
    }
  }

  #accept(near: net.Socket): void {
    this.accepted++
    near.setNoDelay(true)
    near.on('error', () => undefined)
    const colon = this.target.lastIndexOf(':')
    const far = this.mode.hangs
      ? undefined
      : net.connect(Number(this.target.slice(colon + 1)), this.target.slice(0, colon))
    const pair: Pair = { near, far, isDead: far === undefined }
    this.#pairs.add(pair)
    near.on('close', () => {
      this.#pairs.delete(pair)
      far?.destroy()
    })
    if (far === undefined) near.resume()
    else this.#join(pair, far)
  }

  #join(pair: Pair, far: net.Socket): void {
    const { near } = pair
    far.setNoDelay(true)
    far.on('error', () => undefined)
    far.on('close', () => {
      if (!pair.isDead) near.end()
    })
    near.on('data', (chunk: Buffer) => {
      this.#pass(pair, far, chunk)
    })
    far.on('data', (chunk: Buffer) => {
      if (this.mode.resetsInFrame > 0) {
        this.mode.resetsInFrame--
        pair.isDead = true
        near.write(chunk.subarray(0, Math.ceil(chunk.length / 2)), () => near.resetAndDestroy())
        return
      }
      this.#pass(pair, near, chunk)
    })
  }

  #pass(pair: Pair, to: net.Socket, chunk: Buffer): void {
    const { latencyMs, isBytewise } = this.mode
    const write = (): void => {
      if (pair.isDead || to.destroyed) return
      if (!isBytewise) to.write(chunk)
      else for (let i = 0; i < chunk.length; i++) to.write(chunk.subarray(i, i + 1))
    }
    if (latencyMs === 0) write()
    else setTimeout(write, latencyMs)
  }
}
