import type { Socket, SocketEvents } from '@skylarkmq/env'
import { decodeCommand, FrameDecoder, type RemotingCommand } from '@skylarkmq/protocol'

/** A socket whose other end is the test: what is written is kept, and a test decides whether it is taken. */
export class FakeSocket implements Socket {
  readonly remoteAddress = '192.0.2.1'
  readonly remotePort = 5000
  readonly localAddress = '192.0.2.2'
  readonly localPort = 10911
  readonly writes: Buffer[] = []
  queuedBytes = 0
  /** When false, what is written stays queued. */
  takes = true
  isPaused = false
  isDestroyed = false
  isEnded = false
  #events: SocketEvents | undefined

  handle(events: SocketEvents): void {
    this.#events = events
  }

  write(data: Uint8Array): boolean {
    this.writes.push(Buffer.from(data))
    if (!this.takes) this.queuedBytes += data.length
    return this.takes
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  end(): void {
    this.isEnded = true
  }

  destroy(): void {
    this.isDestroyed = true
  }

  /** Bytes come from the peer. */
  arrives(bytes: Buffer): void {
    this.#events?.data(bytes)
  }

  /** The connection ends. */
  ends(): void {
    this.#events?.close(undefined)
  }

  /** The frames that were written. */
  commands(): RemotingCommand[] {
    const found: RemotingCommand[] = []
    new FrameDecoder().push(Buffer.concat(this.writes), (frame) => {
      const command = decodeCommand(frame)
      const body = command.body === undefined ? undefined : Buffer.from(command.body)
      found.push({ ...command, body })
    })
    return found
  }
}
