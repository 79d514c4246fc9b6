import net from 'node:net'
import os from 'node:os'
import type { Listener, Net, Socket, SocketEvents } from '../env.ts'
import { readDirectly, type Receiver } from './read-directly.ts'

/** The host's TCP. `isDirect`: whether accepted connections are read without a buffer of their own. */
export const nodeNetWith = ({ isDirect }: { readonly isDirect: boolean }): Net => ({
  listen: ({ host, port }, accept) =>
    new Promise((resolve, reject) => {
      const server = net.createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
        const receiver: Receiver = { data: undefined }
        const direct = isDirect ? readDirectly(socket, receiver) : undefined
        accept(direct === undefined ? new NodeSocket(socket) : new NodeSocket(direct, receiver))
      })
      server.once('error', reject)
      server.listen({ host, port }, () => {
        server.off('error', reject)
        // A failed accept (no file descriptor left) must not end the process; the peer sees a reset.
        server.on('error', () => undefined)
        resolve(listenerOf(server))
      })
    }),
  connect: async ({ host, port, timeoutMs, tls }) => {
    // Loaded on demand, because it takes some milliseconds.
    const encrypt = tls === undefined ? undefined : (await import('node:tls')).connect
    return new Promise((resolve, reject) => {
      const plain = net.connect({
        host,
        port,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_MS,
      })
      // Errors of the plain socket are passed on by the encrypted one.
      if (encrypt !== undefined) plain.on('error', () => undefined)
      const name = net.isIP(host) === 0 ? { servername: host } : {}
      const socket = encrypt?.({ socket: plain, ...name, ...tls }) ?? plain
      let isResolved = net.isIP(host) !== 0
      plain.once('lookup', (error: Error | null) => {
        isResolved = error === null
      })
      const timer = setTimeout(() => {
        const error: NodeJS.ErrnoException = new Error(
          `connect to ${host}:${port} timed out after ${timeoutMs} ms`,
        )
        error.code = isResolved ? 'ETIMEDOUT' : 'ETIMEOUT'
        socket.destroy(error)
      }, timeoutMs)
      socket.once('error', (error: Error) => {
        clearTimeout(timer)
        plain.destroy()
        reject(error)
      })
      socket.once(encrypt === undefined ? 'connect' : 'secureConnect', () => {
        clearTimeout(timer)
        socket.removeAllListeners('error')
        socket.pause()
        resolve(new NodeSocket(socket, undefined, plain))
      })
    })
  },
  addresses: () => {
    const all = Object.values(os.networkInterfaces()).flatMap((list) => list ?? [])
    const rank = (a: os.NetworkInterfaceInfo): number =>
      (a.internal ? 2 : 0) + (a.family === 'IPv4' ? 0 : 1)
    return all.sort((a, b) => rank(a) - rank(b)).map((each) => each.address)
  },
})

/** The host's TCP. */
export const nodeNet: Net = nodeNetWith({
  // On Windows the host fills a buffer while others are read, so that buffers cannot be shared.
  isDirect: process.platform !== 'win32',
})

function listenerOf(server: net.Server): Listener {
  const address = server.address() as net.AddressInfo
  return {
    address: address.address,
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        // close() waits for connections to end; the listener itself is closed immediately.
        resolve()
      }),
  }
}

/** Idle time after which the host probes an outgoing connection, ms. */
const KEEP_ALIVE_MS = 15_000

/** Undocumented parts of Node's sockets that are used, as Node itself does to detect progress of a write. */
interface Inside {
  readonly _handle?: { readonly writeQueueSize?: unknown } | null
}

class NodeSocket implements Socket {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly #socket: net.Socket
  readonly #receiver: Receiver | undefined
  readonly #carrier: net.Socket

  /** With `receiver`, the socket passes what it reads to that. `carrier` is what an encrypted one writes to. */
  constructor(socket: net.Socket, receiver?: Receiver, carrier = socket) {
    this.#socket = socket
    this.#carrier = carrier
    this.#receiver = receiver
    this.remoteAddress = plainAddress(socket.remoteAddress)
    this.remotePort = socket.remotePort ?? 0
    this.localAddress = plainAddress(socket.localAddress)
    this.localPort = socket.localPort ?? 0
    // Without a listener, an error would end the process.
    socket.on('error', () => undefined)
  }

  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  get progress(): number {
    const size = (this.#carrier as Inside)._handle?.writeQueueSize
    return typeof size === 'number' ? size : 0
  }

  handle(events: SocketEvents): void {
    const socket = this.#socket
    let failure: Error | undefined
    const data = (chunk: Buffer): void => {
      events.data(chunk)
    }
    if (this.#receiver === undefined) socket.on('data', data)
    else this.#receiver.data = data
    socket.on('drain', () => {
      events.drain()
    })
    socket.on('error', (error) => {
      failure = error
    })
    socket.once('close', () => {
      events.close(failure)
    })
    if (socket.destroyed) queueMicrotask(() => socket.emit('close'))
    else socket.resume()
  }

  write(data: Uint8Array): boolean {
    return this.#socket.write(data)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

/** A listener on `::` reports IPv4 peers as `::ffff:a.b.c.d`; RocketMQ and its clients use `a.b.c.d`. */
function plainAddress(address: string | undefined): string {
  if (address === undefined) return ''
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
