import { errorOfThrown, stackOfThrown, type Env, type Socket } from '@skylarkmq/env'
import {
  ByteSink,
  FLAG_ONEWAY,
  FrameDecoder,
  hostBytes,
  LanguageCode,
  ProtocolError,
  Serialization,
  CURRENT_VERSION,
  writeCommand,
  type Frame,
  type RemotingCommand,
} from '@skylarkmq/protocol'
import type { ConnectionEnd, ConnectionOptions, OutgoingRequest } from './connection-parts.ts'
import { ConnectionClosed } from './errors.ts'
import { connectionFailed, connectionSilent, frameRefused, readerTooSlow } from './events.ts'
import { InFlight } from './in-flight.ts'
import type { OutputBudget, OutputHolder } from './output-budget.ts'
import { OutputWatch } from './output-watch.ts'
import { ProvisionalReplies } from './provisional-replies.ts'
import { Sayings } from './sayings.ts'
import { patienceMsOf, Silence } from './silence.ts'
import { TurnShare, TurnShares, type Unfinished } from './turn-shares.ts'

/** Replies that a connection gathers in one share of a turn: to hand them to the host takes time, too. */
const SHARE_OUTPUT_BYTES = 512 * 1024
/** Replies that wait in one connection before it stops handling what it receives. */
const OUTPUT_HIGH_BYTES = 4 * 1024 * 1024
/** Requests that may be without an answer before nothing more is handled: more than any client has under way. */
const UNANSWERED_MAX = 32_768
/** Answers to what the peer asked that it may leave unread where this side reads on all the same. */
const ANSWERS_UNREAD_MAX = 32 * 1024 * 1024
/** No process knows this request, so that each answers it at once, and does nothing. */
const ARE_YOU_THERE = { code: 31_999, name: 'ARE_YOU_THERE' }
/** A buffer that grew beyond this for one large reply is not kept. */
const KEPT_BUFFER_BYTES = 1024 * 1024

/** Hears of a connection. */
export interface ConnectionOwner {
  /** A frame came. The frame's bytes are valid until the call returns. */
  frame(connection: Connection, frame: Frame): void
  /** The connection is gone; called once. */
  closed(connection: Connection): void
}

/**
 * One remoting connection, of either side: cuts what arrives into frames, gathers what is to be sent in
 * one buffer and writes it once per turn, and matches answers to requests.
 *
 * Back-pressure: while the peer leaves what it is sent unread, or has too many requests without an answer, nothing more
 * that it sent is handled; while a request of it is queued, nothing more is read from it. What it sent beyond its share
 * of a turn is handled in the next.
 *
 * A client reads on however much of its own output waits: what it is sent is what it asked for, and two sides that each wait
 * for the other to read would wait for ever. A peer that leaves 32 MiB of answers to its own requests unread loses the
 * connection.
 *
 * Whatever the peer's bytes provoke closes this connection and nothing else.
 */
export class Connection implements OutputHolder, Unfinished {
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
  readonly #isClient: boolean
  readonly #watch: OutputWatch
  readonly #silence: Silence | undefined
  #end: ConnectionEnd = 'lost'
  readonly #budget: OutputBudget | undefined
  readonly #turns: TurnShares
  readonly #share: TurnShare
  readonly #decoder: FrameDecoder
  readonly #serialization: Serialization
  readonly #closeListeners = new Set<() => void>()
  #sink = new ByteSink()
  readonly #provisional = new ProvisionalReplies()
  /** What arrived and is to be handled later; nothing more is read meanwhile. */
  #rest: Buffer | undefined
  /** What is to be said once there is room for it. */
  readonly #sayings: Sayings
  #flushWanted = false
  #paused = false
  /** The socket took less than it was given. */
  #isBlocked = false
  /** Of what is gathered in this turn, this side's requests. */
  #requestBytes = 0
  /** Answers that were written since the host had taken all. */
  #answerBytes = 0
  #unanswered = 0
  /** Requests that were read and wait for room in their lane. */
  #queued = 0
  #closed = false
  #opaque = 0

  constructor(env: Env, socket: Socket, owner: ConnectionOwner, options: ConnectionOptions = {}) {
    this.#env = env
    this.#owner = owner
    this.#isClient = options.isClient ?? false
    this.#watch = new OutputWatch(env.clock, socket)
    this.#budget = options.budget
    this.#serialization = options.serialization ?? Serialization.JSON
    this.#turns = options.turns ?? new TurnShares(env)
    this.#share = new TurnShare(this.#turns)
    this.#decoder = new FrameDecoder()
    this.socket = socket
    this.peer = options.peer ?? `${socket.remoteAddress}:${socket.remotePort}`
    const colon = this.peer.lastIndexOf(':')
    this.peerHost = hostBytes(this.peer.slice(0, colon)) ?? new Uint8Array(4)
    this.peerPort = Number(this.peer.slice(colon + 1))
    this.#sayings = new Sayings(this, this.#turns)
    this.inFlight = new InFlight(env.clock, this.peer)
    this.#silence = this.#isClient ? this.#silenceOf() : undefined
    this.lastActiveMs = options.openedMs ?? env.clock.monotonic()
  }

  /** Whether the connection has ended. */
  get isClosed(): boolean {
    return this.#closed
  }

  /** How it came to its end, or will. */
  get ending(): ConnectionEnd {
    return this.#end
  }

  /** Memory held for the peer: what it has not read, and what it has sent that is not handled. */
  get heldBytes(): number {
    if (this.#closed) return 0
    return this.socket.queuedBytes + this.#decoder.pendingBytes + (this.#rest?.length ?? 0)
  }

  /** Whether the peer leaves unread what it is sent, or much of it is gathered in this turn. */
  get isOutputFull(): boolean {
    return this.#isBlocked || this.#sink.length > OUTPUT_HIGH_BYTES
  }

  /** Requests of the peer that were begun and have no answer yet. */
  get unanswered(): number {
    return this.#unanswered
  }

  /**
   * Calls `say` once the peer takes what it is sent, or is gone; what was said to wait before comes first. While the
   * promise that it returns is open, it has not said all.
   */
  whenOutput(say: () => Promise<void> | undefined): void {
    this.#sayings.add(say)
  }

  /** Calls `f`. What it throws closes this connection, and nothing else. */
  guarded(f: () => void): void {
    try {
      f()
    } catch (error) {
      this.failed(error)
    }
  }

  /** Closes this connection for what was thrown on its behalf. */
  failed(error: unknown): void {
    try {
      if (error instanceof ProtocolError) {
        this.#env.events.emit(frameRefused, { peer: this.peer, reason: error.message })
      } else this.#tell(error)
    } finally {
      this.destroy()
    }
  }

  /** An error of the program, not of the peer. */
  #tell(error: unknown): void {
    this.#env.events.emit(connectionFailed, { peer: this.peer, reason: stackOfThrown(error) })
  }

  /**
   * Calls `listener` once when the connection ends; at once when it has. Returns a function that takes
   * the listener back.
   */
  onClose(listener: () => void): () => void {
    if (this.#closed) this.#call(listener)
    else this.#closeListeners.add(listener)
    return () => {
      this.#closeListeners.delete(listener)
    }
  }

  #silenceOf(): Silence {
    return new Silence({
      clock: this.#env.clock,
      inFlight: this.inFlight,
      queuedBytes: () => this.socket.queuedBytes,
      progress: () => this.socket.progress ?? this.socket.queuedBytes,
      isDeaf: () => this.#paused,
      ask: () => {
        this.guarded(() => {
          this.#write(ARE_YOU_THERE, this.#nextOpaque(), 0)
        })
      },
      giveUp: (ms) => {
        this.#env.events.emit(connectionSilent, { peer: this.peer, silentMs: Math.round(ms) })
        this.#end = 'silent'
        this.destroy()
      },
    })
  }

  /** The buffer of this turn; what is written to it leaves at the end of the turn. */
  output(): ByteSink {
    if (!this.#flushWanted && !this.#closed) {
      this.#flushWanted = true
      this.#env.turn.sends(this.#flushGuarded)
    }
    return this.#sink
  }

  /** Marks the reply that begins at `start` of the buffer as true only once this turn's log write succeeds. */
  holdsIfWritten(start: number, opaque: number): void {
    this.#provisional.add(start, this.#sink.length, opaque)
  }

  /** Sends a request and waits for its answer. Rejects with ERR_REMOTING_TIMEOUT or ERR_REMOTING_CLOSED. */
  request(request: OutgoingRequest, timeoutMs: number): Promise<RemotingCommand> {
    if (this.#closed) {
      return Promise.reject(new ConnectionClosed({ address: this.peer, request: request.name }))
    }
    const opaque = this.#nextOpaque()
    try {
      this.#write(request, opaque, 0)
    } catch (error) {
      return Promise.reject(errorOfThrown(error))
    }
    const patienceMs = request.patienceMs ?? patienceMsOf(timeoutMs)
    this.#silence?.sent(this.#env.clock.monotonic(), patienceMs)
    return this.inFlight.wait(opaque, request.name, timeoutMs, patienceMs)
  }

  /** Sends a request that wants no answer; dropped when the connection has ended. */
  oneway(request: OutgoingRequest): void {
    if (this.#closed) return
    try {
      this.#write(request, this.#nextOpaque(), FLAG_ONEWAY)
      // Nothing answers it, but whether anybody is there to get it can be asked.
      this.#silence?.sent(this.#env.clock.monotonic(), patienceMsOf(0))
    } catch (error) {
      this.#tell(error)
    }
  }

  /**
   * Sends what is gathered, at the end of the turn like all that rests on the turn's log write, then closes. A client's
   * connection that the peer takes nothing of any more, or does not end, is closed all the same.
   */
  end(): void {
    this.#end = 'left'
    if (this.#flushWanted) this.#env.turn.sends(this.#endNow)
    else this.#endNow()
  }

  readonly #endNow = (): void => {
    if (this.#closed) return
    this.socket.end()
    if (!this.#isClient) return
    this.#watch.untilStuck(() => {
      this.destroy()
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
    const sink = this.output()
    const start = sink.length
    writeCommand(sink, {
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
    this.#requestBytes += sink.length - start
  }

  #nextOpaque(): number {
    do this.#opaque = (this.#opaque + 1) & 0x7fffffff
    while (this.inFlight.has(this.#opaque))
    return this.#opaque
  }

  /** Takes bytes from the socket; they are valid until the call returns. */
  receive(chunk: Buffer): void {
    if (this.#closed) return
    this.lastActiveMs = this.#env.clock.monotonic()
    this.#silence?.heard(this.lastActiveMs)
    // A socket may give what it had read when it was told to pause.
    if (this.#rest !== undefined) this.#rest = Buffer.concat([this.#rest, chunk])
    else this.#take(chunk, true)
    if (this.heldBytes > 0) this.#budget?.note(this)
  }

  /** Handles a chunk as far as this turn allows; whether nothing of it is left. */
  #take(chunk: Buffer, isShared: boolean): boolean {
    let taken = 0
    try {
      if (this.#share.begin() && !this.#isHeldBack) {
        taken = this.#decoder.pushWhile(chunk, this.#onFrame)
      }
    } catch (error) {
      this.failed(error)
    }
    if (this.#closed || taken === chunk.length) return true
    const rest = chunk.subarray(taken)
    this.#rest = isShared ? Buffer.from(rest) : rest
    this.#pause()
    if (!this.#isHeldBack) this.#turns.wait(this, isShared && taken === 0)
    return false
  }

  readonly #onFrame = (frame: Frame): boolean => {
    this.#owner.frame(this, frame)
    if (this.#closed || this.#isHeldBack) return false
    if (!this.#isClient && this.#sink.length > SHARE_OUTPUT_BYTES) return false
    return this.#share.goesOn()
  }

  get #isHeldBack(): boolean {
    if (this.#unanswered >= UNANSWERED_MAX) return true
    return this.isOutputFull && !this.#isClient
  }

  /** Handles more of what arrived before: its share of a new turn has begun. */
  goOn(): void {
    this.#sayings.goOn()
    const rest = this.#rest
    if (this.#closed || rest === undefined || this.#isHeldBack) return
    this.#rest = undefined
    const isDone = this.#take(rest, false)
    this.#budget?.note(this)
    if (isDone) this.#resume()
  }

  readonly #flushGuarded = (failure: unknown): void => {
    try {
      this.#flush(failure)
    } catch (error) {
      this.failed(error)
    }
  }

  #flush(failure: unknown): void {
    this.#flushWanted = false
    const sink = this.#sink
    if (this.#closed || sink.length === 0) return
    if (failure !== undefined) this.#provisional.takeBack(sink, failure)
    this.#provisional.clear()
    this.#answerBytes += sink.length - this.#requestBytes
    this.#requestBytes = 0
    const mayGoOn = this.socket.write(sink.buffer.subarray(0, sink.length))
    const isTaken = this.socket.queuedBytes === 0
    // The host may still read a buffer that it did not take at once.
    if (isTaken && sink.buffer.length <= KEPT_BUFFER_BYTES) sink.reset()
    else this.#sink = new ByteSink()
    this.#budget?.note(this)
    if (isTaken || mayGoOn) {
      if (isTaken) this.#answerBytes = 0
      this.#isBlocked = false
      this.#hasRoom()
    } else this.#refused()
  }

  /** The host has not taken all. */
  #refused(): void {
    this.#isBlocked = true
    this.#watch.untilTaken(this.#drainedGuarded)
    if (!this.#isClient) this.#pause()
    else if (this.#answerBytes > ANSWERS_UNREAD_MAX) this.drop()
  }

  readonly #drainedGuarded = (): void => {
    this.guarded(() => {
      this.drained()
    })
  }

  /** The socket took what it had refused before. */
  drained(): void {
    this.lastActiveMs = this.#env.clock.monotonic()
    this.#isBlocked = false
    this.#answerBytes = 0
    this.#watch.drained()
    this.#budget?.note(this)
    this.#hasRoom()
  }

  /** Goes on with what was held, and with what arrived. */
  #hasRoom(): void {
    if (this.#closed) return
    this.#sayings.mayGoOn()
    this.#resume()
  }

  /** A request of the peer was begun whose answer comes later. */
  requestBegun(): void {
    this.#unanswered++
  }

  /** Such a request has its answer. */
  requestEnded(): void {
    if (this.#unanswered-- === UNANSWERED_MAX && !this.#closed) this.#resume()
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
    if (!this.#paused || this.#closed || this.#isHeldBack) return
    if (this.#rest !== undefined) {
      this.#turns.wait(this)
      return
    }
    if (this.#queued > 0) return
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
    this.#rest = undefined
    this.#sink.reset()
    this.#watch.cancel()
    this.#silence?.cancel()
    this.#budget?.forget(this)
    this.inFlight.closed(reason)
    this.#call(() => {
      this.#owner.closed(this)
    })
    for (const listener of this.#closeListeners) this.#call(listener)
    this.#sayings.goOn()
  }

  /** A listener that throws keeps none of the others from hearing. */
  #call(listener: () => void): void {
    try {
      listener()
    } catch (error) {
      this.#tell(error)
    }
  }
}
