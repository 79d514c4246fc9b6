import { ProtocolError } from '../errors.ts'
import { Serialization } from './remoting-command.ts'

/**
 * One frame as it was received: places in a buffer, nothing decoded. Apache: `RemotingCommand.java`,
 * decode; `NettyDecoder.java`.
 *
 * | at | field  | bytes | what it is                                                  |
 * | -- | ------ | ----- | ----------------------------------------------------------- |
 * |  0 | length | 4     | bytes that follow                                           |
 * |  4 | mark   | 4     | high byte: serialization; low three: length of the header   |
 * |  8 | header | n     |                                                             |
 * |  . | body   | rest  |                                                             |
 */
export interface Frame {
  readonly buffer: Buffer
  readonly headerStart: number
  readonly headerEnd: number
  /** Equal to `headerEnd`. */
  readonly bodyStart: number
  readonly bodyEnd: number
  readonly serialization: Serialization
}

/** The largest frame that Apache reads, its length field included. */
export const FRAME_BYTES_MAX = 16_777_216

/**
 * The longest header that is accepted. Apache has no such limit. The longest that its clients write contain the
 * properties of a message: at most 32 KiB, each byte of which takes six when it is escaped.
 */
export const HEADER_BYTES_MAX = 1024 * 1024

/** The most fields that a header may have, names of the header itself included; the longest request has some twenty. */
export const FIELDS_MAX = 1024

const HEAD_BYTES = 8
// A buffer for partial frames up to this size is kept with its connection.
const HELD_BYTES_KEPT = 64 * 1024

/**
 * Splits a stream of bytes into frames. A frame within one chunk is not copied; of a partial one only the received
 * bytes are kept, in a buffer that doubles: a large length field alone costs nothing.
 */
export class FrameDecoder {
  readonly #frameBytesMax: number
  #held: Buffer = Buffer.alloc(0)
  #heldLength = 0

  constructor(options: { readonly maxFrameBytes?: number } = {}) {
    this.#frameBytesMax = options.maxFrameBytes ?? FRAME_BYTES_MAX
  }

  /** Bytes of a frame that has not wholly arrived. */
  get pendingBytes(): number {
    return this.#heldLength
  }

  /**
   * Takes the next bytes of the stream and calls `onFrame` for each frame that they complete. Chunk and frames are
   * valid until `onFrame` returns. After a ProtocolError the stream is unreadable: the connection must be closed.
   */
  push(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    this.pushWhile(chunk, (frame) => {
      onFrame(frame)
      return true
    })
  }

  /**
   * As `push`, but stops behind a frame for which `onFrame` returns false. Returns how many bytes of the chunk were
   * consumed: all, unless it stopped early.
   */
  pushWhile(chunk: Buffer, onFrame: (frame: Frame) => boolean): number {
    let at = 0
    if (this.#heldLength > 0) {
      at = this.#holdRest(chunk)
      const frame = this.#takeHeld()
      if (frame !== undefined && !onFrame(frame)) return at
    }
    while (chunk.length - at >= HEAD_BYTES) {
      const size = this.#frameSize(chunk, at)
      if (at + size > chunk.length) break
      const start = at
      at += size
      if (!onFrame(frameAt(chunk, start, size))) return at
    }
    if (at < chunk.length) this.#hold(chunk, at, chunk.length)
    return chunk.length
  }

  /** Completes the held frame; returns where the next one begins in the chunk. */
  #holdRest(chunk: Buffer): number {
    let at = 0
    if (this.#heldLength < HEAD_BYTES) {
      at = Math.min(chunk.length, HEAD_BYTES - this.#heldLength)
      this.#hold(chunk, 0, at)
      if (this.#heldLength < HEAD_BYTES) return at
    }
    const size = this.#frameSize(this.#held, 0)
    const end = Math.min(chunk.length, at + size - this.#heldLength)
    this.#hold(chunk, at, end)
    return end
  }

  /** The held frame if it is complete; it is released. */
  #takeHeld(): Frame | undefined {
    const held = this.#held
    if (this.#heldLength < HEAD_BYTES) return undefined
    const size = held.readInt32BE(0) + 4
    if (this.#heldLength < size) return undefined
    this.#heldLength = 0
    if (held.length > HELD_BYTES_KEPT) this.#held = Buffer.alloc(0)
    return frameAt(held, 0, size)
  }

  #hold(chunk: Buffer, start: number, end: number): void {
    const needed = this.#heldLength + end - start
    if (needed > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#held.length * 2, 256))
      this.#held.copy(larger, 0, 0, this.#heldLength)
      this.#held = larger
    }
    chunk.copy(this.#held, this.#heldLength, start, end)
    this.#heldLength = needed
  }

  #frameSize(buffer: Buffer, at: number): number {
    const length = buffer.readInt32BE(at)
    const size = length + 4
    if (length < 4 || size > this.#frameBytesMax) {
      throw new ProtocolError({ what: `frame of length ${length}` })
    }
    const type = buffer[at + 4] as number
    if (type > Serialization.ROCKETMQ) {
      throw new ProtocolError({ what: `unknown header serialization ${type}` })
    }
    const headerLength = buffer.readUIntBE(at + 5, 3)
    if (headerLength > length - 4) {
      throw new ProtocolError({
        what: `header of ${headerLength} bytes in a frame of length ${length}`,
      })
    }
    if (headerLength > HEADER_BYTES_MAX) {
      throw new ProtocolError({ what: `header of ${headerLength} bytes` })
    }
    return size
  }
}

function frameAt(buffer: Buffer, at: number, size: number): Frame {
  const headerEnd = at + HEAD_BYTES + buffer.readUIntBE(at + 5, 3)
  return {
    buffer,
    headerStart: at + HEAD_BYTES,
    headerEnd,
    bodyStart: headerEnd,
    bodyEnd: at + size,
    serialization: buffer[at + 4] as Serialization,
  }
}
