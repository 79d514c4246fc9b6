import type net from 'node:net'
import type { Clock, Timer } from '@skylarkmq/env'

/** What a proxy does to its traffic. */
export interface ChaosMode {
  /** Delay of each chunk in ms, in both directions. */
  latencyMs: number
  /** Writes each byte separately. */
  isBytewise: boolean
  /** Number of resets: of the server's next chunk, half is forwarded, and then the connection is reset. */
  resetsInFrame: number
  /** Holds all traffic without losing it, until the proxy is healed. Connections stay open. */
  isStalled: boolean
  /** Accepts new connections and does nothing with them. */
  hangs: boolean
}

/** A proxy that only forwards. */
export const AS_USUAL: ChaosMode = {
  latencyMs: 0,
  isBytewise: false,
  resetsInFrame: 0,
  isStalled: false,
  hangs: false,
}

/** One connection through a proxy. */
export class ChaosLink {
  readonly #near: net.Socket
  readonly #far: net.Socket | undefined
  readonly #mode: ChaosMode
  readonly #clock: Clock
  readonly #lanes: Lane[] = []
  #isForgotten = false

  /** `near` is the client's connection; `far` leads to the server, undefined for a new connection that hangs. */
  constructor(
    near: net.Socket,
    far: net.Socket | undefined,
    mode: ChaosMode,
    clock: Clock,
    onClosed: (link: ChaosLink) => void,
  ) {
    this.#clock = clock
    this.#near = near
    this.#far = far
    this.#mode = mode
    near.setNoDelay(true)
    near.on('error', () => undefined)
    near.on('close', () => {
      onClosed(this)
      far?.destroy()
    })
    if (far === undefined) near.resume()
    else this.#join(far)
  }

  /** Whether it is connected to the server. */
  get isOpen(): boolean {
    return this.#far !== undefined && !this.#isForgotten
  }

  /** Closes both connections, or resets them. */
  cut(how: 'fin' | 'rst'): void {
    for (const socket of [this.#near, this.#far]) {
      if (how === 'fin') socket?.destroy()
      else if (socket !== undefined) reset(socket)
    }
  }

  /** Swallows all traffic from now on without telling the client. */
  forget(): void {
    this.#isForgotten = true
    this.#far?.destroy()
    this.#near.resume()
  }

  /** Applies a changed mode. */
  changed(): void {
    for (const lane of this.#lanes) lane.go()
  }

  #join(far: net.Socket): void {
    const near = this.#near
    const there = new Lane(near, far, this.#mode, this.#clock)
    const back = new Lane(far, near, this.#mode, this.#clock)
    this.#lanes.push(there, back)
    far.setNoDelay(true)
    far.on('error', () => undefined)
    far.on('close', (isFailed) => {
      if (this.#isForgotten) return
      // Also when the server refuses: behind a proxy, the client sees that as a reset.
      if (isFailed) reset(near)
      else back.end()
    })
    near.on('data', (chunk: Buffer) => {
      if (!this.#isForgotten) there.add(chunk)
    })
    far.on('data', (chunk: Buffer) => {
      if (this.#isForgotten) return
      if (this.#mode.resetsInFrame > 0) this.#resetInFrame(chunk)
      else back.add(chunk)
    })
  }

  #resetInFrame(chunk: Buffer): void {
    this.#mode.resetsInFrame--
    this.#isForgotten = true
    const half = chunk.subarray(0, Math.ceil(chunk.length / 2))
    this.#near.write(half, () => {
      // Within this call it would be closed cleanly.
      this.#clock.after(1, () => {
        reset(this.#near)
      })
    })
  }
}

/** The fields that Node's sockets check when they are destroyed. */
interface Resettable {
  resetAndClosing?: unknown
}

/** Resets a connection. Node's `resetAndDestroy` ends it first, so that the peer sees an orderly end and no reset. */
function reset(socket: net.Socket): void {
  const inside = socket as Resettable
  if (socket.connecting || inside.resetAndClosing === undefined) {
    socket.resetAndDestroy()
    return
  }
  inside.resetAndClosing = true
  socket.destroy()
}

/** Bytes to buffer at most before reading from the sender pauses. */
const WAITING_MAX = 4 * 1024 * 1024

/** One direction of a connection: bytes keep their order when the mode changes. */
class Lane {
  readonly #from: net.Socket
  readonly #to: net.Socket
  readonly #mode: ChaosMode
  readonly #clock: Clock
  #waiting: { readonly chunk: Buffer; readonly dueMs: number }[] = []
  #bytes = 0
  #timer: Timer | undefined
  #isEnded = false

  constructor(from: net.Socket, to: net.Socket, mode: ChaosMode, clock: Clock) {
    this.#clock = clock
    this.#from = from
    this.#to = to
    this.#mode = mode
    to.on('drain', () => {
      this.go()
    })
  }

  add(chunk: Buffer): void {
    this.#waiting.push({ chunk, dueMs: this.#clock.monotonic() + this.#mode.latencyMs })
    this.#bytes += chunk.length
    this.go()
  }

  /** Ends the other side once everything has been forwarded. */
  end(): void {
    this.#isEnded = true
    this.go()
  }

  /** Forwards what is due. */
  go(): void {
    this.#timer?.cancel()
    while (!this.#isHeld) {
      const [first] = this.#waiting
      if (first === undefined) break
      const leftMs = this.#mode.latencyMs === 0 ? 0 : first.dueMs - this.#clock.monotonic()
      if (leftMs > 0) {
        this.#timer = this.#clock.after(leftMs, () => {
          this.go()
        })
        break
      }
      this.#waiting.shift()
      this.#bytes -= first.chunk.length
      this.#write(first.chunk)
    }
    if (this.#isEnded && this.#waiting.length === 0) this.#to.end()
    if (this.#bytes > WAITING_MAX) this.#from.pause()
    else if (this.#from.isPaused()) this.#from.resume()
  }

  get #isHeld(): boolean {
    return this.#mode.isStalled || this.#to.destroyed || this.#to.writableNeedDrain
  }

  #write(chunk: Buffer): void {
    if (!this.#mode.isBytewise) this.#to.write(chunk)
    else for (let i = 0; i < chunk.length; i++) this.#to.write(chunk.subarray(i, i + 1))
  }
}
