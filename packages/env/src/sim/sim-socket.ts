import type { Socket, SocketEvents } from '../env.ts'
import { netError } from './net-error.ts'
import type { SimPipe, Piece } from './sim-pipe.ts'
import type { World } from './world.ts'

/** Buffered bytes from which `write` returns false. */
const HIGH_WATER_BYTES = 64 * 1024
/** How long a host retransmits unacknowledged bytes, ms. */
const GIVE_UP_MS = 900_000

/** Where the two ends of a connection are. */
export interface Place {
  readonly address: string
  readonly port: number
}

/** How a machine reads its sockets. */
export interface Reading {
  /** Most bytes per read. */
  readonly pieceBytes: number
  /** Time between two reads, ms; 0: as fast as bytes arrive. */
  readonly pauseMs: number
}

/** What an end of a connection needs. */
export interface SocketParts {
  readonly world: World
  readonly local: Place
  readonly remote: Place
  /** The direction to the other end. */
  readonly out: SimPipe
  /** The direction from the other end, to acknowledge reads. */
  readonly in: SimPipe
  readonly reading: () => Reading
  /** Whether its process is alive. */
  readonly isAlive: () => boolean
  /** The end is closed. */
  readonly gone: () => void
}

/** One end of a connection in virtual time. Behaves as a socket of Node does: see `net-contract` among the tests. */
export class SimSocket implements Socket {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly #parts: SocketParts
  #events: SocketEvents | undefined
  // ---- sending
  #waiting: Uint8Array[] = []
  /** What is being handed to the host; it counts as queued until the host has all of it. */
  #head: Uint8Array[] = []
  #headBytes = 0
  #headTaken = 0
  #queuedBytes = 0
  #needsDrain = false
  #isEnding = false
  #isFinished = false
  #isWatched = false
  // ---- receiving
  readonly #received: Buffer[] = []
  #isPaused = true
  #isReading = false
  #hasPeerEnded = false
  #failure: Error | undefined
  #isGone = false

  constructor(parts: SocketParts) {
    this.#parts = parts
    this.remoteAddress = parts.remote.address
    this.remotePort = parts.remote.port
    this.localAddress = parts.local.address
    this.localPort = parts.local.port
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  get progress(): number {
    return this.#headBytes - this.#headTaken
  }

  /** Whether received bytes are unread. */
  get hasUnread(): boolean {
    return this.#received.length > 0
  }

  /** Whether it has ended, in any way. */
  get isGone(): boolean {
    return this.#isGone
  }

  handle(events: SocketEvents): void {
    this.#events = events
    if (this.#isGone) this.#later(() => this.#tellClosed())
    else this.resume()
  }

  write(data: Uint8Array): boolean {
    if (this.#isGone) return false
    if (this.#isEnding) {
      this.#close(netError('ERR_STREAM_WRITE_AFTER_END', 'write after end'))
      return false
    }
    this.#waiting.push(data)
    this.#queuedBytes += data.length
    const mayGoOn = this.#queuedBytes < HIGH_WATER_BYTES
    if (!mayGoOn) this.#needsDrain = true
    if (this.#failure !== undefined) this.#later(() => this.#close(this.#failure))
    else this.pump()
    return mayGoOn
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused || this.#isGone) return
    this.#isPaused = false
    this.#readSoon(0)
  }

  end(): void {
    if (this.#isEnding || this.#isGone) return
    this.#isEnding = true
    this.#finishIfEmpty()
  }

  destroy(): void {
    if (this.#isGone) return
    this.#parts.out.send({ kind: this.hasUnread ? 'rst' : 'fin' })
    this.#close(undefined)
  }

  /** Its process dies: it sends nothing more, and its host reports the end. */
  die(how: 'fin' | 'rst' | 'silence'): void {
    if (this.#isGone) return
    this.#isGone = true
    if (how === 'silence') this.#parts.out.silence()
    else this.#parts.out.send({ kind: this.hasUnread ? 'rst' : how })
    this.#parts.gone()
  }

  /** The connection was reset. A paused socket notices when it reads or writes. */
  reset(): void {
    this.#failure ??= netError('ECONNRESET', 'read ECONNRESET')
    if (!this.#isPaused || this.#queuedBytes > 0) this.#close(this.#failure)
  }

  /** A piece arrived. */
  arrived(piece: Piece): void {
    if (piece.kind === 'rst') {
      this.reset()
      return
    }
    if (piece.kind === 'data') this.#received.push(piece.bytes)
    else this.#hasPeerEnded = true
    if (!this.#isPaused && !this.#isReading) this.#read()
  }

  /** Hands the host as much as it accepts. */
  pump(): void {
    const { out } = this.#parts
    while (!this.#isGone && !this.#isFinished) {
      if (this.#head.length === 0) {
        if (this.#waiting.length === 0) break
        this.#begin()
      }
      const next = this.#head[0] as Uint8Array
      const room = Math.min(out.roomBytes, next.length)
      if (room === 0 && next.length > 0) break
      out.push(Buffer.from(next.subarray(0, room)))
      this.#headTaken += room
      if (room < next.length) this.#head[0] = next.subarray(room)
      else this.#head.shift()
      if (this.#head.length === 0) this.#taken()
    }
    this.#watch()
  }

  #begin(): void {
    this.#head = this.#waiting
    this.#waiting = []
    this.#headTaken = 0
    this.#headBytes = this.#head.reduce((sum, each) => sum + each.length, 0)
  }

  #taken(): void {
    this.#queuedBytes -= this.#headBytes
    this.#headBytes = 0
    this.#headTaken = 0
    if (this.#queuedBytes > 0) return
    if (this.#needsDrain) {
      this.#needsDrain = false
      this.#later(() => {
        if (!this.#isGone) this.#events?.drain()
      })
    }
    this.#finishIfEmpty()
  }

  #finishIfEmpty(): void {
    if (!this.#isEnding || this.#isFinished || this.#queuedBytes > 0) return
    this.#isFinished = true
    this.#parts.out.send({ kind: 'fin' })
    this.#closeIfBothEnded()
  }

  /** Ends the connection when the host has retransmitted for too long. */
  #watch(): void {
    if (this.#isWatched || this.#isGone || !this.#parts.out.isBusy) return
    this.#isWatched = true
    this.#parts.world.after(GIVE_UP_MS, () => {
      this.#isWatched = false
      const { out, world } = this.#parts
      if (this.#isGone || !out.isBusy) return
      if (world.time - out.progressMs < GIVE_UP_MS) this.#watch()
      else this.#close(netError('ETIMEDOUT', 'write ETIMEDOUT'))
    })
  }

  #readSoon(ms: number): void {
    if (this.#isReading) return
    this.#isReading = true
    this.#parts.world.after(ms, () => {
      this.#isReading = false
      if (this.#parts.isAlive() && !this.#isPaused) this.#read()
    })
  }

  #read(): void {
    if (this.#events === undefined || this.#isGone) return
    if (this.#failure !== undefined) {
      this.#close(this.#failure)
      return
    }
    const { pieceBytes, pauseMs } = this.#parts.reading()
    for (let next = this.#received[0]; next !== undefined; next = this.#received[0]) {
      if (!this.#mayRead()) return
      const piece = Buffer.from(next.subarray(0, pieceBytes))
      if (piece.length < next.length) this.#received[0] = next.subarray(piece.length)
      else this.#received.shift()
      this.#parts.in.read(piece.length)
      this.#events.data(piece)
      // The bytes are only valid until the call returns.
      piece.fill(0xdd)
      if (pauseMs > 0) {
        this.#readSoon(pauseMs)
        return
      }
    }
    if (this.#hasPeerEnded && this.#mayRead()) {
      // All data was read and no more will arrive: the other direction ends with it.
      this.end()
      this.#closeIfBothEnded()
    }
  }

  /** The listener may pause the socket while it is called. */
  #mayRead(): boolean {
    return !this.#isPaused && !this.#isGone
  }

  #closeIfBothEnded(): void {
    const isRead = this.#hasPeerEnded && this.#received.length === 0
    if (isRead && this.#isFinished && !this.#isPaused) this.#close(undefined)
  }

  #close(error: Error | undefined): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#failure = error
    this.#waiting = []
    this.#head = []
    this.#queuedBytes = 0
    this.#headBytes = 0
    this.#headTaken = 0
    this.#parts.gone()
    if (this.#events !== undefined) this.#later(() => this.#tellClosed())
  }

  #tellClosed(): void {
    const events = this.#events
    this.#events = undefined
    events?.close(this.#failure)
  }

  #later(f: () => void): void {
    this.#parts.world.after(0, () => {
      if (this.#parts.isAlive()) f()
    })
  }
}
