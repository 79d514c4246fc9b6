import type { Clock, Listener, Net, Socket, SocketEvents } from '@skylarkmq/env'

/** Controls the connections of a test server. */
export interface NetworkControl {
  /** Number of open connections. */
  readonly connections: number
  /** Cuts all open connections; clients may reconnect. */
  cut(): void
  /** Cuts all connections and refuses new ones until `heal`. */
  refuse(): void
  /** Delays everything that is received or sent by this many ms; 0 for none. */
  delay(ms: number): void
  /** Ends `refuse` and `delay`. */
  heal(): void
}

/** The host's network with the faults that a test injects, and a count of transfers. */
export class TestNetwork implements Net, NetworkControl {
  readonly #base: Net
  readonly #clock: Clock
  readonly #sockets = new Map<Socket, Listener>()
  #isRefusing = false
  #delayMs = 0
  #transfers = 0

  /** `clock` is the host's. */
  constructor(base: Net, clock: Clock) {
    this.#base = base
    this.#clock = clock
  }

  /** Number of relevant transfers in either direction; it only grows. */
  get transfers(): number {
    return this.#transfers
  }

  get connections(): number {
    return this.#sockets.size
  }

  cut(): void {
    for (const socket of [...this.#sockets.keys()]) socket.destroy()
  }

  refuse(): void {
    this.#isRefusing = true
    this.cut()
  }

  delay(ms: number): void {
    this.#delayMs = ms
  }

  heal(): void {
    this.#isRefusing = false
    this.#delayMs = 0
  }

  /** The same network, for a server whose traffic has no consequences and is not counted. */
  get uncounted(): Net {
    return {
      listen: (address, accept) => this.#listen(address, accept, () => undefined),
      connect: (address) => this.connect(address),
      addresses: () => this.addresses(),
    }
  }

  listen(
    address: { host: string; port: number },
    accept: (socket: Socket) => void,
  ): Promise<Listener> {
    return this.#listen(address, accept, () => {
      this.#transfers++
    })
  }

  async #listen(
    address: { host: string; port: number },
    accept: (socket: Socket) => void,
    count: () => void,
  ): Promise<Listener> {
    const listener = await this.#base.listen(address, (socket) => {
      if (this.#isRefusing) {
        socket.destroy()
        return
      }
      this.#sockets.set(socket, listener)
      accept(this.#watched(socket, count))
    })
    return listener
  }

  /** Closes a port and cuts its connections, as the death of a process does. */
  close(listener: Listener): void {
    void listener.close()
    for (const [socket, via] of [...this.#sockets]) if (via === listener) socket.destroy()
  }

  /** The server's own outgoing connections are not affected. */
  connect(address: { host: string; port: number; timeoutMs: number }): Promise<Socket> {
    return this.#base.connect(address)
  }

  addresses(): string[] {
    return this.#base.addresses()
  }

  #watched(socket: Socket, count: () => void): Socket {
    const received = new Lane<Buffer>(this.#clock)
    const sent = new Lane<Uint8Array>(this.#clock)
    let heard: SocketEvents | undefined
    const receive = (chunk: Buffer): void => {
      count()
      heard?.data(chunk)
    }
    const send = (data: Uint8Array): boolean => {
      count()
      return socket.write(data)
    }
    return {
      remoteAddress: socket.remoteAddress,
      remotePort: socket.remotePort,
      localAddress: socket.localAddress,
      localPort: socket.localPort,
      get queuedBytes() {
        return socket.queuedBytes + sent.bytes
      },
      handle: (to) => {
        heard = to
        socket.handle({
          data: (chunk) => {
            if (this.#delayMs === 0 && received.bytes === 0) receive(chunk)
            else received.add(Buffer.from(chunk), this.#delayMs, receive)
          },
          drain: () => {
            to.drain()
          },
          close: (error) => {
            this.#sockets.delete(socket)
            heard = undefined
            to.close(error)
          },
        })
      },
      write: (data) => {
        if (this.#delayMs === 0 && sent.bytes === 0) return send(data)
        sent.add(Uint8Array.from(data), this.#delayMs, send)
        return true
      },
      pause: () => {
        socket.pause()
      },
      resume: () => {
        socket.resume()
      },
      end: () => {
        sent.whenEmpty(() => {
          socket.end()
        })
      },
      destroy: () => {
        socket.destroy()
      },
    }
  }
}

/** One direction of a delayed connection: bytes keep their order when the delay changes. */
class Lane<T extends Uint8Array> {
  readonly #clock: Clock
  #waiting: { readonly data: T; readonly take: (data: T) => void }[] = []
  #lastMs = 0
  #whenEmpty: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Number of bytes in flight. */
  get bytes(): number {
    return this.#waiting.reduce((sum, { data }) => sum + data.length, 0)
  }

  add(data: T, delayMs: number, take: (data: T) => void): void {
    const nowMs = this.#clock.monotonic()
    this.#lastMs = Math.max(this.#lastMs, nowMs + delayMs)
    this.#waiting.push({ data, take })
    this.#clock.after(this.#lastMs - nowMs, () => {
      const first = this.#waiting.shift()
      first?.take(first.data)
      if (this.#waiting.length > 0) return
      this.#whenEmpty?.()
      this.#whenEmpty = undefined
    })
  }

  whenEmpty(f: () => void): void {
    if (this.#waiting.length === 0) f()
    else this.#whenEmpty = f
  }
}
