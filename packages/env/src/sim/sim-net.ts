import type { Listener, Net, Socket } from '../env.ts'
import { netError } from './net-error.ts'
import { healthyLink, SimPipe, type LinkState, type Piece } from './sim-pipe.ts'
import { SimSocket, type Place } from './sim-socket.ts'
import type { World } from './world.ts'

/** Ports for listeners that ask for any, and for outgoing connections. */
const FIRST_PORT = 32_768
/** Retransmission intervals of an unanswered SYN, ms. */
const SYN_AGAIN_MS = 1000

/** What the network needs to know of the owner of sockets. */
export interface NetUser {
  readonly isAlive: boolean
}

interface Listening {
  readonly user: NetUser
  readonly accept: (socket: Socket) => void
}

/** A machine on the network. */
class SimHost {
  readonly address: string
  /** Without power it does not even refuse. */
  isUp = true
  /** Connections are refused although there is a listener. */
  refuses = false
  /** Connections are neither accepted nor refused. */
  isDeaf = false
  /** Time between two reads of a socket, 4 KiB each, ms; 0: as fast as bytes arrive. */
  readPauseMs = 0
  readonly listening = new Map<number, Listening>()
  #port = FIRST_PORT

  constructor(address: string) {
    this.address = address
  }

  /** A free port. */
  freePort(): number {
    do this.#port++
    while (this.listening.has(this.#port))
    return this.#port
  }
}

/** A connection, and both its ends. */
interface Connection {
  readonly id: number
  readonly hosts: readonly [SimHost, SimHost]
  readonly pipes: SimPipe[]
  readonly ends: (SimSocket | undefined)[]
  readonly users: (NetUser | undefined)[]
}

interface Connecting {
  readonly from: SimHost
  readonly to: string
  readonly port: number
  readonly user: NetUser
  readonly untilMs: number
}

/**
 * The network between simulated machines: byte streams that arrive in order, delayed and in other pieces; links that
 * are slow or cut, in both directions or in one; and connections that are reset or forgotten.
 */
export class SimNet {
  readonly world: World
  /** Faults so far, by kind. */
  readonly struck = { resets: 0, forgotten: 0, refused: 0, unanswered: 0, cuts: 0 }
  /** Number of connections made, and of bytes that arrived. */
  readonly carried = { connections: 0, bytes: 0 }
  /** Names of machines. A missing name fails to resolve; one whose address is `undefined` never gets an answer. */
  readonly names = new Map<string, string | undefined>()
  readonly #hosts = new Map<string, SimHost>()
  readonly #links = new Map<string, LinkState>()
  readonly #connections = new Set<Connection>()

  constructor(world: World) {
    this.world = world
  }

  /** The machine with an address, created on demand. */
  host(address: string): SimHost {
    let host = this.#hosts.get(address)
    if (host === undefined) {
      host = new SimHost(address)
      this.#hosts.set(address, host)
    }
    return host
  }

  /** The link from one address to another; may be changed. */
  link(from: string, to: string): LinkState {
    const key = `${from} ${to}`
    let state = this.#links.get(key)
    if (state === undefined) {
      state = { ...healthyLink }
      if (from === to) state.delayMs = 0.01
      this.#links.set(key, state)
    }
    return state
  }

  /** Blocks traffic from one address to another, or `both` ways. */
  cut(from: string, to: string, both = true): void {
    this.struck.cuts++
    this.link(from, to).isCut = true
    if (both) this.link(to, from).isCut = true
  }

  /** Restores both directions. */
  heal(from: string, to: string): void {
    Object.assign(this.link(from, to), healthyLink)
    Object.assign(this.link(to, from), healthyLink)
  }

  /** Restores all links and all machines. */
  healAll(): void {
    for (const state of this.#links.values()) Object.assign(state, healthyLink)
    for (const host of this.#hosts.values()) {
      host.refuses = false
      host.isDeaf = false
      host.readPauseMs = 0
    }
  }

  /** Number of connections between two addresses. */
  connectionsBetween(one: string, other: string): number {
    return this.#between(one, other).length
  }

  /** Resets the connections between two addresses; returns how many. */
  reset(one: string, other: string): number {
    const all = this.#between(one, other)
    for (const each of all) this.#reset(each)
    return all.length
  }

  /**
   * Drops the state of the connections between two addresses, as a NAT does: nothing passes, and neither side is
   * told.
   */
  forget(one: string, other: string): number {
    const all = this.#between(one, other)
    for (const each of all) {
      this.struck.forgotten++
      for (const pipe of each.pipes) pipe.silence()
    }
    return all.length
  }

  /** The process with these sockets and ports is gone; if its machine lost power, peers are not told. */
  ended(user: NetUser, how: 'killed' | 'power'): void {
    for (const host of this.#hosts.values()) {
      for (const [port, each] of host.listening) if (each.user === user) host.listening.delete(port)
    }
    for (const connection of this.#connections) {
      for (const side of [0, 1] as const) {
        if (connection.users[side] !== user) continue
        const end = this.world.random.chance(0.5) ? 'rst' : 'fin'
        connection.ends[side]?.die(how === 'power' ? 'silence' : end)
      }
    }
  }

  /** The network as a process on a machine sees it. */
  viewOf(address: string, user: NetUser): Net {
    const host = this.host(address)
    return {
      listen: (at, accept) => this.#listen(host, user, at, accept),
      connect: ({ host: to, port, timeoutMs, tls }) => {
        if (tls !== undefined) return Promise.reject(new Error('nothing is encrypted here'))
        const untilMs = this.world.time + timeoutMs
        return this.#connect({ from: host, to, port, user, untilMs }, timeoutMs)
      },
      addresses: () => [address, '127.0.0.1'],
    }
  }

  #between(one: string, other: string): Connection[] {
    return [...this.#connections].filter(({ hosts: [from, to] }) => {
      const isSame = from.address === one && to.address === other
      return isSame || (from.address === other && to.address === one)
    })
  }

  #reset(connection: Connection): void {
    this.struck.resets++
    for (const pipe of connection.pipes) pipe.silence()
    for (const end of connection.ends) end?.reset()
  }

  #listen(
    host: SimHost,
    user: NetUser,
    at: { readonly host: string; readonly port: number },
    accept: (socket: Socket) => void,
  ): Promise<Listener> {
    const isOwn = ['0.0.0.0', '::', '', '127.0.0.1', host.address].includes(at.host)
    const wrong = isOwn ? (host.listening.has(at.port) ? 'EADDRINUSE' : undefined) : 'EADDRNOTAVAIL'
    if (wrong !== undefined) {
      return Promise.reject(netError(wrong, `listen ${wrong}: ${at.host}:${at.port}`))
    }
    const port = at.port === 0 ? host.freePort() : at.port
    const listening = { user, accept }
    host.listening.set(port, listening)
    return Promise.resolve({
      address: at.host,
      port,
      close: () => {
        if (host.listening.get(port) === listening) host.listening.delete(port)
        return Promise.resolve()
      },
    })
  }

  #connect(asked: Connecting, timeoutMs: number): Promise<Socket> {
    const { world } = this
    const { from, to, port, user } = asked
    const isLocal = to === '127.0.0.1' || to === 'localhost'
    const isName = !isLocal && !this.#hosts.has(to) && !/^[\d.:]+$/.test(to)
    const address = isLocal ? from.address : isName ? this.names.get(to) : to
    const where = `${to}:${port}`
    return new Promise((resolve, reject) => {
      let isOver = false
      const over = (f: () => void): void => {
        if (isOver) return
        isOver = true
        timer.cancel()
        if (user.isAlive) f()
      }
      const timer = world.after(timeoutMs, () => {
        over(() => {
          this.struck.unanswered++
          const code = isName && address === undefined ? 'ETIMEOUT' : 'ETIMEDOUT'
          reject(netError(code, `connect to ${where} timed out after ${timeoutMs} ms`))
        })
      })
      if (isName && !this.names.has(to)) {
        world.after(1, () => {
          over(() => {
            reject(netError('ENOTFOUND', `getaddrinfo ENOTFOUND ${to}`))
          })
        })
      }
      if (address === undefined) return
      const knock = (): void => {
        if (isOver || !user.isAlive) return
        this.#knock(asked, address, {
          refused: () => {
            over(() => {
              this.struck.refused++
              reject(netError('ECONNREFUSED', `connect ECONNREFUSED ${where}`))
            })
          },
          opened: () => {
            over(() => {
              resolve(this.#open(asked, this.host(address)))
            })
          },
        })
        world.after(SYN_AGAIN_MS, knock)
      }
      knock()
    })
  }

  /** Sends a SYN, and handles its answer, if there is one. */
  #knock(
    { from, port }: Connecting,
    address: string,
    heard: { readonly refused: () => void; readonly opened: () => void },
  ): void {
    const { world } = this
    const there = this.link(from.address, address)
    const back = this.link(address, from.address)
    const host = this.#hosts.get(address)
    world.after(there.delayMs + there.jitterMs * world.random.next(), () => {
      if (there.isCut || host === undefined || !host.isUp || host.isDeaf) return
      const isRefused = host.refuses || !host.listening.has(port)
      world.after(back.delayMs + back.jitterMs * world.random.next(), () => {
        if (back.isCut || !host.isUp) return
        if (isRefused) heard.refused()
        else heard.opened()
      })
    })
  }

  /** Creates a connection; its server learns of it with the first piece. */
  #open({ from, port, user }: Connecting, to: SimHost): SimSocket {
    const { world } = this
    const connection: Connection = {
      id: ++this.carried.connections,
      hosts: [from, to],
      pipes: [],
      ends: [],
      users: [user, undefined],
    }
    this.#connections.add(connection)
    world.trace?.add(`open ${from.address} ${to.address}`, world.time, connection.id, port)
    const places = [
      { address: from.address, port: from.freePort() },
      { address: to.address, port },
    ] as const
    for (const side of [0, 1] as const) connection.pipes.push(this.#pipe(connection, side, places))
    const client = this.#end(connection, 0, places, user)
    connection.ends[0] = client
    ;(connection.pipes[0] as SimPipe).send({ kind: 'open' })
    return client
  }

  /** The direction that begins at a side. */
  #pipe(connection: Connection, side: 0 | 1, places: readonly [Place, Place]): SimPipe {
    const other = side === 0 ? 1 : 0
    const [from, to] = [connection.hosts[side].address, connection.hosts[other].address]
    return new SimPipe({
      world: this.world,
      link: () => this.link(from, to),
      back: () => this.link(to, from),
      isCut: () => this.link(from, to).isCut || !connection.hosts[other].isUp,
      arrived: (piece) => {
        this.#arrived(connection, other, piece, places)
      },
      hasRoom: () => {
        connection.ends[side]?.pump()
      },
      reset: () => {
        this.#reset(connection)
      },
    })
  }

  #end(
    connection: Connection,
    side: 0 | 1,
    places: readonly [Place, Place],
    user: NetUser,
  ): SimSocket {
    const other = side === 0 ? 1 : 0
    const [own, peer] = [connection.hosts[side], connection.hosts[other]]
    return new SimSocket({
      world: this.world,
      local: places[side],
      remote: places[other],
      out: connection.pipes[side] as SimPipe,
      in: connection.pipes[other] as SimPipe,
      reading: () => {
        const { pieceBytes } = this.link(peer.address, own.address)
        const pauseMs = own.readPauseMs
        return { pieceBytes: pauseMs > 0 ? Math.min(4096, pieceBytes) : pieceBytes, pauseMs }
      },
      isAlive: () => user.isAlive,
      gone: () => {
        connection.ends[side] = undefined
        if (connection.ends.every((each) => each === undefined))
          this.#connections.delete(connection)
      },
    })
  }

  /** A piece has arrived at a side. An unknown connection is answered with a reset. */
  #arrived(
    connection: Connection,
    side: 0 | 1,
    piece: Piece,
    places: readonly [Place, Place],
  ): void {
    const { world } = this
    if (piece.kind === 'data') {
      this.carried.bytes += piece.bytes.length
      world.trace?.bytes(piece.bytes)
    }
    world.trace?.add(piece.kind, world.time, connection.id, side)
    if (piece.kind === 'open') this.#accept(connection, places)
    else if (connection.ends[side] !== undefined) connection.ends[side].arrived(piece)
    else if (piece.kind === 'data') this.#refuse(connection, side)
  }

  /** A side does not know the connection, and resets it. */
  #refuse(connection: Connection, side: 0 | 1): void {
    const other = side === 0 ? 1 : 0
    const link = this.link(connection.hosts[side].address, connection.hosts[other].address)
    this.world.after(link.delayMs, () => {
      if (!link.isCut) connection.ends[other]?.reset()
    })
  }

  #accept(connection: Connection, places: readonly [Place, Place]): void {
    const listening = connection.hosts[1].listening.get(places[1].port)
    if (listening === undefined) {
      this.#refuse(connection, 1)
      return
    }
    connection.users[1] = listening.user
    const socket = this.#end(connection, 1, places, listening.user)
    connection.ends[1] = socket
    listening.accept(socket)
  }
}
