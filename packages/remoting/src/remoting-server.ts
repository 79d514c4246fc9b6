import { stackOfThrown, type Env, type Listener, type Socket, type Timer } from '@skylarkmq/env'
import type { Frame } from '@skylarkmq/protocol'
import { AddressList } from './address-list.ts'
import { Connection, type ConnectionOwner } from './connection.ts'
import { connectionFailed, connectionIdle, proxyNotTrusted } from './events.ts'
import { OutputBudget } from './output-budget.ts'
import { ProxyPreamble } from './proxy-preamble.ts'
import { TurnShares } from './turn-shares.ts'

const TLS_HANDSHAKE = 0x16
const SWEEP_MS = 5_000

/** How a server treats its connections. */
export interface RemotingServerOptions {
  /** A connection with no byte in either direction for this long is closed. */
  readonly idleMs?: number
  /** Whose PROXY preambles are believed, see AddressList; default nobody's. */
  readonly proxyProtocolTrustedAddresses?: string
  /** Memory that peers which do not read may hold in all. */
  readonly unreadBytesMax?: number
}

/** What serves a server's requests. */
export interface FrameHandler {
  dispatch(connection: Connection, frame: Frame): void
}

/**
 * Listens on one or several ports and hands frames to one handler. Apache: `NettyRemotingServer.java`.
 */
export class RemotingServer {
  readonly #env: Env
  readonly #handler: FrameHandler
  readonly #idleMs: number
  readonly #budget: OutputBudget
  readonly #turns: TurnShares
  readonly #proxies: AddressList
  readonly #connections = new Set<Connection>()
  readonly #undecided = new Set<Socket>()
  readonly #listeners: Listener[] = []
  readonly #closedListeners: ((connection: Connection) => void)[] = []
  #sweep: Timer | undefined
  #early: Socket[] | undefined = []

  constructor(env: Env, handler: FrameHandler, options: RemotingServerOptions = {}) {
    this.#env = env
    this.#handler = handler
    this.#idleMs = options.idleMs ?? 120_000
    this.#turns = new TurnShares(env)
    this.#proxies = new AddressList(options.proxyProtocolTrustedAddresses ?? '')
    this.#budget = new OutputBudget(options.unreadBytesMax ?? 256 * 1024 * 1024)
  }

  /**
   * Opens a port; resolves with the port it got. Who connects before `serve` is called waits. Rejects with
   * the host's error (`EADDRINUSE`, …).
   */
  async listen(host: string, port: number): Promise<number> {
    const listener = await this.#env.net.listen({ host, port }, (socket) => {
      if (this.#early === undefined) this.#accept(socket)
      else this.#early.push(socket)
    })
    this.#listeners.push(listener)
    this.#sweep ??= this.#env.clock.every(SWEEP_MS, () => {
      this.#closeIdle()
    })
    return listener.port
  }

  /** Begins to serve. */
  serve(): void {
    const early = this.#early ?? []
    this.#early = undefined
    for (const socket of early) this.#accept(socket)
  }

  /** Open connections. */
  get connections(): ReadonlySet<Connection> {
    return this.#connections
  }

  /** Calls `listener` for each connection that ends. */
  onClosed(listener: (connection: Connection) => void): void {
    this.#closedListeners.push(listener)
  }

  /** Takes no more connections; those that are there continue. */
  async stopListening(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()))
    this.#listeners.length = 0
  }

  /** Takes no more connections, sends what is gathered and closes all. */
  async close(): Promise<void> {
    await this.stopListening()
    this.#sweep?.cancel()
    for (const connection of this.#connections) connection.end()
    for (const socket of [...this.#undecided, ...(this.#early ?? [])]) socket.destroy()
  }

  /** Closes every connection at once. */
  destroy(): void {
    for (const connection of this.#connections) connection.destroy()
  }

  /**
   * Every port takes plain frames, and frames behind a PROXY preamble; a TLS hello is told from them by
   * its first byte. Apache: `NettyRemotingServer.java`, HandshakeHandler, TlsModeHandler.
   */
  #accept(socket: Socket): void {
    this.#undecided.add(socket)
    const preamble = new ProxyPreamble(this.#proxies.has(socket.remoteAddress))
    const peer = `${socket.remoteAddress}:${socket.remotePort}`
    const opened = this.#env.clock.monotonic()
    let connection: Connection | undefined
    const waiting = this.#env.clock.after(this.#idleMs, () => {
      socket.destroy()
    })
    const decide = (chunk: Buffer): void => {
      const decision = preamble.take(chunk)
      if (decision === 'more') return
      waiting.cancel()
      this.#undecided.delete(socket)
      if (decision === 'untrusted') {
        this.#env.events.emit(proxyNotTrusted, { address: socket.remoteAddress })
      }
      if (typeof decision === 'string' || decision.rest[0] === TLS_HANDSHAKE) {
        socket.destroy()
        return
      }
      connection = this.#adopt(socket, decision.source, opened)
      connection.receive(decision.rest)
    }
    socket.handle({
      data: (chunk) => {
        if (connection !== undefined) connection.receive(chunk)
        else if (this.#undecided.has(socket)) this.#guarded(peer, () => decide(chunk), socket)
      },
      drain: () => connection?.drained(),
      close: () => {
        waiting.cancel()
        this.#undecided.delete(socket)
        connection?.gone()
      },
    })
  }

  /** Calls `f`; what it throws is told, and closes the socket. */
  #guarded(peer: string, f: () => void, socket?: Socket): void {
    try {
      f()
    } catch (error) {
      socket?.destroy()
      this.#env.events.emit(connectionFailed, { peer, reason: stackOfThrown(error) })
    }
  }

  #adopt(socket: Socket, source: string | undefined, openedMs: number): Connection {
    const owner: ConnectionOwner = {
      frame: (each, frame) => {
        this.#handler.dispatch(each, frame)
      },
      closed: (each) => {
        this.#connections.delete(each)
        for (const listener of this.#closedListeners) this.#guarded(each.peer, () => listener(each))
      },
    }
    const connection = new Connection(this.#env, socket, owner, {
      budget: this.#budget,
      turns: this.#turns,
      openedMs,
      ...(source === undefined ? {} : { peer: source }),
    })
    this.#connections.add(connection)
    return connection
  }

  #closeIdle(): void {
    const before = this.#env.clock.monotonic() - this.#idleMs
    for (const connection of this.#connections) {
      if (connection.lastActiveMs > before) continue
      this.#env.events.emit(connectionIdle, { peer: connection.peer })
      connection.destroy()
    }
  }
}
