import type { Env, Socket } from '@skylarkmq/env'
import {
  ByteSink,
  FLAG_ONEWAY,
  FrameDecoder,
  hostBytes,
  LanguageCode,
  ProtocolError,
  ResponseCode,
  Serialization,
  CURRENT_VERSION,
  writeCommand,
  type FieldMap,
  type Frame,
  type RemotingCommand,
} from '@skylarkmq/protocol'
import { ConnectionClosed } from './errors.ts'
import { frameRefused, readerTooSlow } from './events.ts'
import { InFlight } from './in-flight.ts'
import type { OutputBudget, OutputHolder } from './output-budget.ts'

/** Replies that wait in one connection before it stops handling what it receives. */
const OUTPUT_HIGH_BYTES = 4 * 1024 * 1024
/** A buffer that grew beyond this for one large reply is not kept. */
const KEPT_BUFFER_BYTES = 1024 * 1024

/** Who hears of a connection. */
export interface ConnectionOwner {
  /** A frame came. The frame's bytes are valid until the call returns. */
  frame(connection: Connection, frame: Frame): void
  /** The connection is gone; called once. */
  closed(connection: Connection): void
}

/** A request as a connection sends it. */
export interface OutgoingRequest {
  readonly code: number
  /** For errors and logs. */
  readonly name: string
  readonly fields?: FieldMap
  /** In place of `fields`: see CommandToWrite. */
  readonly fieldsJson?: string | undefined
  readonly body?: Uint8Array | readonly Uint8Array[]
}

/** How a connection is set up. */
export interface ConnectionOptions {
  readonly budget?: OutputBudget
  /** The header serialisation of requests that this side sends. */
  readonly serialization?: Serialization
  /** `ip:port` of the peer when a proxy in between named it. */
  readonly peer?: string
  /** Monotonic ms of the first contact. */
  readonly openedMs?: number
}

/**
 * One remoting connection, of either side: cuts what arrives into frames, gathers what is to be sent in
 * one buffer and writes it once per turn, and matches answers to requests.
 *
 * Back-pressure: while the peer leaves more than 4 MiB unread, nothing more that it sent is handled; while a
 * request of it is queued, nothing more is read from it.
 */
export class Connection implements OutputHolder {
  /** `ip:port` of the peer. */
  readonly peer: string
  /** Address of the peer, 4 or 16 bytes. */
  readonly peerHost: Uint8Array
  readonly peerPort: number
  readonly socket: Socket
  readonly inFlight: InFlight
  /** Monotonic ms of the last bytes received or taken. */
  lastActiveMs: number
  readonly #env: Env
  readonly #owner: ConnectionOwner
  readonly #budget: OutputBudget | undefined
  readonly #decoder: FrameDecoder
  readonly #serialization: Serialization
  readonly #closeListeners = new Set<() => void>()
  #sink = new ByteSink()
  /** Replies of this turn that hold only if the log is written: start, end, opaque of each. */
  readonly #provisional: number[] = []
  #provisionalEnd = 0
  #deferred: Frame[] = []
  #flushWanted = false
  #paused = false
  /** Requests that were read and wait for room in their lane. */
  #queued = 0
  #closed = false
  #opaque = 0

  constructor(env: Env, socket: Socket, owner: ConnectionOwner, options: ConnectionOptions = {}) {
    this.#env = env
    this.#owner = owner
    this.#budget = options.budget
    this.#serialization = options.serialization ?? Serialization.JSON
    this.#decoder = new FrameDecoder()
    this.socket = socket
    this.peer = options.peer ?? `${socket.remoteAddress}:${socket.remotePort}`
    const colon = this.peer.lastIndexOf(':')
    this.peerHost = hostBytes(this.peer.slice(0, colon)) ?? new Uint8Array(4)
    this.peerPort = Number(this.peer.slice(colon + 1))
    this.inFlight = new InFlight(env.clock, this.peer)
    this.lastActiveMs = options.openedMs ?? env.clock.monotonic()
  }

  /** Whether the connection has ended. */
  get isClosed(): boolean {
    return this.#closed
  }

  /** Memory held for the peer: what it has not read, and the piece of a frame it has sent. */
  get heldBytes(): number {
    return this.#closed ? 0 : this.socket.queuedBytes + this.#decoder.pendingBytes
  }

  /**
   * Calls `listener` once when the connection ends; at once when it has. Returns a function that takes
   * the listener back.
   */
  onClose(listener: () => void): () => void {
    if (this.#closed) listener()
    else this.#closeListeners.add(listener)
    return () => {
      this.#closeListeners.delete(listener)
    }
  }

  /** The buffer of this turn; what is written to it leaves at the end of the turn. */
  output(): ByteSink {
    if (!this.#flushWanted && !this.#closed) {
      this.#flushWanted = true
      this.#env.turn.sends((failure) => {
        this.#flush(failure)
      })
    }
    return this.#sink
  }

  /** Marks the reply that begins at `start` of the buffer as true only once this turn's log write succeeds. */
  holdsIfWritten(start: number, opaque: number): void {
    const all = this.#provisional
    all[this.#provisionalEnd++] = start
    all[this.#provisionalEnd++] = this.#sink.length
    all[this.#provisionalEnd++] = opaque
  }

  /** Sends a request and waits for its answer. Rejects with ERR_REMOTING_TIMEOUT or ERR_REMOTING_CLOSED. */
  request(request: OutgoingRequest, timeoutMs: number): Promise<RemotingCommand> {
    if (this.#closed) {
      return Promise.reject(new ConnectionClosed({ address: this.peer, request: request.name }))
    }
    const opaque = this.#nextOpaque()
    const answer = this.inFlight.wait(opaque, request.name, timeoutMs)
    this.#write(request, opaque, 0)
    return answer
  }

  /** Sends a request that wants no answer; dropped when the connection has ended. */
  oneway(request: OutgoingRequest): void {
    if (!this.#closed) this.#write(request, this.#nextOpaque(), FLAG_ONEWAY)
  }

  /** Sends what is gathered, at the end of the turn like all that rests on the turn's log write, then closes. */
  end(): void {
    if (!this.#flushWanted) {
      this.socket.end()
      return
    }
    this.#env.turn.sends(() => {
      this.socket.end()
    })
  }

  /** Closes at once; who waits for an answer hears of `reason`, if it is known. */
  destroy(reason?: Error): void {
    this.socket.destroy()
    this.gone(reason)
  }

  /** Closes because memory is short and this peer holds most of it. */
  drop(): void {
    this.#env.events.emit(readerTooSlow, { peer: this.peer, bytes: this.socket.queuedBytes })
    this.destroy()
  }

  #write(request: OutgoingRequest, opaque: number, flag: number): void {
    writeCommand(this.output(), {
      code: request.code,
      language: LanguageCode.JAVA,
      version: CURRENT_VERSION,
      opaque,
      flag,
      remark: undefined,
      fields: request.fields,
      fieldsJson: request.fieldsJson,
      body: request.body,
      serialization: request.code > 0x7fff ? Serialization.JSON : this.#serialization,
    })
  }

  #nextOpaque(): number {
    this.#opaque = (this.#opaque + 1) & 0x7fffffff
    return this.#opaque
  }

  /** Takes bytes from the socket; they are valid until the call returns. */
  receive(chunk: Buffer): void {
    if (this.#closed) return
    this.lastActiveMs = this.#env.clock.monotonic()
    try {
      this.#decoder.push(chunk, this.#onFrame)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#env.events.emit(frameRefused, { peer: this.peer, reason: error.message })
      this.destroy()
      return
    }
    if (this.#decoder.pendingBytes > 0) this.#budget?.note(this)
  }

  readonly #onFrame = (frame: Frame): void => {
    if (this.#closed) return
    if (this.#deferred.length > 0 || this.#sink.length > OUTPUT_HIGH_BYTES) {
      this.#deferred.push(copyOfFrame(frame))
      this.#pause()
    } else {
      this.#owner.frame(this, frame)
    }
  }

  #flush(failure: unknown): void {
    this.#flushWanted = false
    const sink = this.#sink
    if (this.#closed || sink.length === 0) return
    if (failure !== undefined && this.#provisionalEnd > 0) this.#takeBackProvisional(failure)
    this.#provisionalEnd = 0
    const goOn = this.socket.write(sink.buffer.subarray(0, sink.length))
    // The host may still read a buffer that it did not take at once.
    if (this.socket.queuedBytes === 0 && sink.buffer.length <= KEPT_BUFFER_BYTES) sink.reset()
    else this.#sink = new ByteSink()
    this.#budget?.note(this)
    if (goOn) this.#resumeDeferred()
    else this.#pause()
  }

  /** The log write of this turn failed: nothing that rests on it may be acknowledged. */
  #takeBackProvisional(failure: unknown): void {
    const old = this.#sink
    const sink = new ByteSink()
    const remark = `the message was not stored: ${failure instanceof Error ? failure.message : String(failure)}`
    let from = 0
    for (let i = 0; i < this.#provisionalEnd; i += 3) {
      const [start = 0, end = 0, opaque = 0] = this.#provisional.slice(i, i + 3)
      sink.writeBytes(old.buffer.subarray(from, start))
      writeCommand(sink, failureReply(opaque, remark))
      from = end
    }
    sink.writeBytes(old.buffer.subarray(from, old.length))
    old.reset()
    old.writeBytes(sink.buffer.subarray(0, sink.length))
  }

  /** The socket took what it had refused before. */
  drained(): void {
    this.lastActiveMs = this.#env.clock.monotonic()
    this.#budget?.note(this)
    this.#resumeDeferred()
  }

  #resumeDeferred(): void {
    const frames = this.#deferred
    if (frames.length > 0 && !this.#closed) {
      this.#deferred = []
      for (const frame of frames) this.#onFrame(frame)
    }
    this.#resume()
  }

  /** A request that was read waits for room in its lane. Until `requestUnqueued`, no more is read. */
  requestQueued(): void {
    this.#queued++
    this.#pause()
  }

  /** Such a request waits no more. */
  requestUnqueued(): void {
    this.#queued--
    if (!this.#closed) this.#resume()
  }

  #resume(): void {
    if (!this.#paused || this.#queued > 0) return
    if (this.#deferred.length > 0 || this.socket.queuedBytes > 0) return
    this.#paused = false
    this.socket.resume()
  }

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.socket.pause()
  }

  /** The socket has ended, for `reason` if that is known. */
  gone(reason?: Error): void {
    if (this.#closed) return
    this.#closed = true
    this.#deferred = []
    this.#sink.reset()
    this.#budget?.forget(this)
    this.inFlight.closed(reason)
    this.#owner.closed(this)
    for (const listener of this.#closeListeners) listener()
  }
}

function failureReply(opaque: number, remark: string) {
  return {
    code: ResponseCode.SERVICE_NOT_AVAILABLE,
    language: LanguageCode.JAVA,
    version: CURRENT_VERSION,
    opaque,
    flag: 1,
    remark,
    fields: undefined,
    body: undefined,
    serialization: Serialization.JSON,
  }
}

/** A copy of a frame, which is valid for as long as it is needed. */
export function copyOfFrame(frame: Frame): Frame {
  const from = frame.headerStart
  return {
    ...frame,
    buffer: Buffer.from(frame.buffer.subarray(from, frame.bodyEnd)),
    headerStart: 0,
    headerEnd: frame.headerEnd - from,
    bodyStart: frame.bodyStart - from,
    bodyEnd: frame.bodyEnd - from,
  }
}
