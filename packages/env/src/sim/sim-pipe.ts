import type { World } from './world.ts'

/** Properties of a link, one per direction. */
export interface LinkState {
  /** How long a byte is on its way, ms. */
  delayMs: number
  /** Random extra delay of up to this many ms per piece; later data never arrives earlier. */
  jitterMs: number
  /** Most bytes per read. */
  pieceBytes: number
  /** Share of pieces within which the connection is reset. */
  resets: number
  /** Nothing passes: data waits, as TCP retransmits it. */
  isCut: boolean
}

/** A link without faults. */
export const healthyLink: Readonly<LinkState> = {
  delayMs: 0.2,
  jitterMs: 0.1,
  pieceBytes: 64 * 1024,
  resets: 0,
  isCut: false,
}

/** What travels from one end of a connection to the other. `open`: the connection is made. */
export type Piece =
  { readonly kind: 'data'; readonly bytes: Buffer } | { readonly kind: 'open' | 'fin' | 'rst' }

/** Capacity of one direction: bytes in flight, or received and not read. */
const WINDOW_BYTES = 256 * 1024
/** Most bytes per piece. */
const SEGMENT_BYTES = 32 * 1024
/** Longest delay before TCP retransmits after a link works again, ms. */
const AGAIN_MS = 500

/** What a direction of a connection needs of the network. */
export interface PipeParts {
  readonly world: World
  /** The link of this direction. */
  readonly link: () => LinkState
  /** The opposite link, which carries acknowledgements. */
  readonly back: () => LinkState
  /** Whether nothing arrives at all. */
  readonly isCut: () => boolean
  /** A piece has arrived at the other end. */
  readonly arrived: (piece: Piece) => void
  /** The other end has read, so there is more room. */
  readonly hasRoom: () => void
  /** A piece is hit by a reset: a part of it arrives before. */
  readonly reset: () => void
}

/** One direction of a connection: pieces arrive in order, delayed. */
export class SimPipe {
  readonly #parts: PipeParts
  readonly #flying: { readonly piece: Piece; readonly at: number }[] = []
  #heldBytes = 0
  #lastAt = 0
  #isArmed = false
  #isSilent = false
  /** When the last piece got through. */
  progressMs: number

  constructor(parts: PipeParts) {
    this.#parts = parts
    this.progressMs = parts.world.time
  }

  /** Bytes that may be handed over now. */
  get roomBytes(): number {
    return Math.max(0, WINDOW_BYTES - this.#heldBytes)
  }

  /** Whether unacknowledged data is in flight. */
  get isBusy(): boolean {
    return this.#heldBytes > 0 || this.#flying.length > 0
  }

  /** Sends bytes, which the caller has copied. */
  push(bytes: Buffer): void {
    this.#heldBytes += bytes.length
    for (let at = 0; at < bytes.length; at += SEGMENT_BYTES) {
      this.send({ kind: 'data', bytes: bytes.subarray(at, at + SEGMENT_BYTES) })
    }
  }

  /** Sends a piece behind all earlier ones. */
  send(piece: Piece): void {
    if (this.#isSilent) return
    const { world } = this.#parts
    const { delayMs, jitterMs } = this.#parts.link()
    const at = world.time + delayMs + jitterMs * world.random.next()
    this.#lastAt = Math.max(this.#lastAt, at)
    this.#flying.push({ piece, at: this.#lastAt })
    this.#arm(this.#lastAt - world.time)
  }

  /** The reader has consumed this many bytes: the sender learns of it later. */
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

  /** Nothing passes any more, without notice. */
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
