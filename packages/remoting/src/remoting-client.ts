import { hostErrorCode, type Env, type TlsOptions } from '@skylarkmq/env'
import type { RemotingCommand, Serialization } from '@skylarkmq/protocol'
import type { ConnectionEnd, OutgoingRequest } from './connection-parts.ts'
import { Connection } from './connection.ts'
import { ConnectFailed, ForeignProtocol } from './errors.ts'
import { foreignProtocol } from './foreign-protocol.ts'
import type { FrameHandler } from './remoting-server.ts'
import { TurnShares } from './turn-shares.ts'

const CONNECT_TIMEOUT_MS = 3_000

/** How a client treats its connections. */
export interface RemotingClientOptions {
  /** Serves what the other side asks of us; also hands answers back to whoever waits. */
  readonly handler: FrameHandler
  readonly serialization?: Serialization
  readonly connectTimeoutMs?: number
  /** Encrypts the connections. */
  readonly tls?: TlsOptions | undefined
  /** Called when a connection that had been made ends, with how it did. */
  readonly onClosed?: (address: string, end: ConnectionEnd) => void
}

/**
 * Keeps one connection per address, made when first needed. Apache: `NettyRemotingClient.java`.
 */
export class RemotingClient {
  readonly #env: Env
  readonly #options: RemotingClientOptions
  readonly #turns: TurnShares
  readonly #connections = new Map<string, Promise<Connection>>()
  /** Those of them that have been made. */
  readonly #ready = new Map<string, Connection>()
  #closed = false

  constructor(env: Env, options: RemotingClientOptions) {
    this.#env = env
    this.#options = options
    this.#turns = new TurnShares(env)
  }

  /**
   * Sends a request and waits for its answer, whatever its code. Rejects with ERR_REMOTING_CONNECT,
   * ERR_REMOTING_CLOSED or ERR_REMOTING_TIMEOUT.
   */
  async request(
    address: string,
    request: OutgoingRequest,
    timeoutMs: number,
  ): Promise<RemotingCommand> {
    const connection = await this.connection(address)
    return connection.request(request, timeoutMs)
  }

  /** Sends a request that wants no answer. Rejects with ERR_REMOTING_CONNECT. */
  async oneway(address: string, request: OutgoingRequest): Promise<void> {
    const connection = await this.connection(address)
    connection.oneway(request)
  }

  /** The addresses that there are connections to. */
  get addresses(): string[] {
    return [...this.#ready.keys()]
  }

  /** The connection to `host:port` that there is already; undefined when there is none. */
  existing(address: string): Connection | undefined {
    return this.#ready.get(address)
  }

  /** The connection to `host:port`, made if need be. Rejects with ERR_REMOTING_CONNECT. */
  connection(address: string): Promise<Connection> {
    const found = this.#connections.get(address)
    if (found !== undefined) return found
    const made = this.#connect(address, () => {
      this.#forget(address, made)
    })
    this.#connections.set(address, made)
    made.then(
      (connection) => {
        const isCurrent = this.#connections.get(address) === made
        if (isCurrent && !connection.isClosed) this.#ready.set(address, connection)
      },
      () => {
        this.#forget(address, made)
      },
    )
    return made
  }

  /** A connection that ended after another took its place leaves that one alone. */
  #forget(address: string, made: Promise<Connection>): void {
    if (this.#connections.get(address) !== made) return
    this.#connections.delete(address)
    this.#ready.delete(address)
  }

  /** Closes the connection to an address, if there is one. */
  disconnect(address: string): void {
    const found = this.#connections.get(address)
    this.#connections.delete(address)
    this.#ready.delete(address)
    found?.then(
      (connection) => {
        connection.end()
      },
      () => undefined,
    )
  }

  /** Sends what is gathered and closes all. */
  close(): void {
    this.#closed = true
    for (const address of [...this.#connections.keys()]) this.disconnect(address)
  }

  async #connect(address: string, ended: () => void): Promise<Connection> {
    const colon = address.lastIndexOf(':')
    const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
    const port = Number(address.slice(colon + 1))
    if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65535) {
      throw new ConnectFailed({ address, reason: 'an address is host:port' })
    }
    if (this.#closed) throw new ConnectFailed({ address, reason: 'this client is closed' })
    const timeoutMs = this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS
    let socket
    try {
      const { tls } = this.#options
      const target = { host, port, timeoutMs }
      socket = await this.#env.net.connect(tls === undefined ? target : { ...target, tls })
    } catch (error) {
      throw new ConnectFailed({ address, reason: hostErrorCode(error) ?? String(error) }, error)
    }
    const connection = new Connection(
      this.#env,
      socket,
      {
        frame: (each, frame) => {
          this.#options.handler.dispatch(each, frame)
        },
        closed: ({ ending }) => {
          ended()
          this.#options.onClosed?.(address, ending)
        },
      },
      {
        isClient: true,
        turns: this.#turns,
        ...(this.#options.serialization === undefined
          ? {}
          : { serialization: this.#options.serialization }),
      },
    )
    let isFirst = true
    socket.handle({
      data: (chunk) => {
        const protocol = isFirst ? foreignProtocol(chunk) : undefined
        isFirst = false
        if (protocol === undefined) connection.receive(chunk)
        else connection.destroy(new ForeignProtocol({ address, protocol }))
      },
      drain: () => {
        connection.drained()
      },
      close: () => {
        connection.gone()
      },
    })
    return connection
  }
}
