import type { World } from './world.ts'

/** How bytes get from one machine to another. One such state for each direction. */
export interface LinkState {
  /** How long a byte is on its way, ms. */
  delayMs: number
  /** Up to so many ms more, drawn for each piece; what is sent later never arrives earlier. */
  jitterMs: number
  /** Bytes that the reader gets in one call, at most. */
  pieceBytes: number
  /** Share of pieces in the midst of which the connection is reset. */
  resets: number
  /** Nothing gets through: bytes wait, as TCP sends them again. */
  isCut: boolean
}

/** A link of which nothing is wrong. */
export const healthyLink: Readonly<LinkState> = {
  delayMs: 0.2,
  jitterMs: 0.1,
  pieceBytes: 64 * 1024,
  resets: 0,
  isCut: false,
}

/** What goes from one end of a connection to the other. `open`: the connection is made. */
export type Piece =
  { readonly kind: 'data'; readonly bytes: Buffer } | { readonly kind: 'open' | 'fin' | 'rst' }

/** Bytes that one direction of a connection holds: on their way, or received and not read. */
const WINDOW_BYTES = 256 * 1024
/** What travels in one piece, at most. */
const SEGMENT_BYTES = 32 * 1024
/** TCP tries again so long after a link works again, at most, ms. */
const AGAIN_MS = 500

/** What a direction of a connection needs of the network. */
export interface PipeParts {
  readonly world: World
  /** Of this direction. */
  readonly link: () => LinkState
  /** Of the other one, by which it is heard that bytes were read. */
  readonly back: () => LinkState
  /** Whether nothing gets there at all. */
  readonly isCut: () => boolean
  /** A piece has come to the other end. */
  readonly arrived: (piece: Piece) => void
  /** The other end has read, so that there is room for more. */
  readonly hasRoom: () => void
  /** A piece is hit by a reset: what is left of it arrives before. */
  readonly reset: () => void
}

/** One direction of a connection: pieces that arrive in their order, later. */
export class SimPipe {
  readonly #parts: PipeParts
  readonly #flying: { readonly piece: Piece; readonly at: number }[] = []
  #heldBytes = 0
  #lastAt = 0
  #isArmed = false
  #isSilent = false
  /** When something got through last. */
  progressMs: number

  constructor(parts: PipeParts) {
    this.#parts = parts
    this.progressMs = parts.world.time
  }

  /** Bytes that may be handed over now. */
  get roomBytes(): number {
    return Math.max(0, WINDOW_BYTES - this.#heldBytes)
  }

  /** Whether something was handed over that the other end is not known to have read. */
  get isBusy(): boolean {
    return this.#heldBytes > 0 || this.#flying.length > 0
  }

  /** Sends bytes; they are copied by who calls. */
  push(bytes: Buffer): void {
    this.#heldBytes += bytes.length
    for (let at = 0; at < bytes.length; at += SEGMENT_BYTES) {
      this.send({ kind: 'data', bytes: bytes.subarray(at, at + SEGMENT_BYTES) })
    }
  }

  /** Sends a piece behind all that was sent before. */
  send(piece: Piece): void {
    if (this.#isSilent) return
    const { world } = this.#parts
    const { delayMs, jitterMs } = this.#parts.link()
    const at = world.time + delayMs + jitterMs * world.random.next()
    this.#lastAt = Math.max(this.#lastAt, at)
    this.#flying.push({ piece, at: this.#lastAt })
    this.#arm(this.#lastAt - world.time)
  }

  /** The reader has taken so many bytes: the sender hears of it later. */
  read(bytes: number): void {
    const { world } = this.#parts
    const told = (): void => {
      if (this.#isSilent) return
      if (this.#parts.back().isCut) {
        world.after(AGAIN_MS, told)
        return
      }
      this.#heldBytes -= bytes
      this.progressMs = world.time
      this.#parts.hasRoom()
    }
    world.after(this.#parts.back().delayMs, told)
  }

  /** Nothing gets through any more, and nobody is told. */
  silence(): void {
    this.#isSilent = true
    this.#flying.length = 0
  }

  #arm(ms: number): void {
    if (this.#isArmed || this.#flying.length === 0) return
    this.#isArmed = true
    this.#parts.world.after(ms, () => {
      this.#isArmed = false
      this.#arrive()
    })
  }

  #arrive(): void {
    const next = this.#flying[0]
    if (this.#isSilent || next === undefined) return
    const { world } = this.#parts
    const link = this.#parts.link()
    if (this.#parts.isCut()) {
      this.#arm(world.random.next() * AGAIN_MS)
      return
    }
    this.#flying.shift()
    this.progressMs = world.time
    const { piece } = next
    if (piece.kind === 'data' && link.resets > 0 && world.random.chance(link.resets)) {
      const bytes = piece.bytes.subarray(0, world.random.below(piece.bytes.length))
      if (bytes.length > 0) this.#parts.arrived({ kind: 'data', bytes })
      this.#parts.reset()
      return
    }
    this.#parts.arrived(piece)
    const following = this.#flying[0]
    if (following !== undefined) this.#arm(Math.max(0, following.at - world.time))
  }
}
