import { stackOfThrown, type EventSink } from '@skylarkmq/env'
import {
  decodeCommand,
  decodeHeader,
  encodeReply,
  FLAG_ONEWAY,
  FLAG_RESPONSE,
  hotCodecs,
  LanguageCode,
  peekCode,
  ProtocolError,
  ResponseCode,
  Serialization,
  CURRENT_VERSION,
  writeCommand,
  type ByteSink,
  type FieldMap,
  type Frame,
  type HotCodec,
} from '@skylarkmq/protocol'
import type { Connection } from './connection.ts'
import { ConnectionClosed, RequestTimeout } from './errors.ts'
import { requestFailed } from './events.ts'
import { copyOfFrame } from './frames.ts'
import type { Lane } from './lanes.ts'
import {
  HeldReply,
  NO_REPLY,
  refuse,
  type AnyRequest,
  type Outcome,
  type Processor,
  type ProcessorTable,
  type Reply,
  type Request,
} from './processor.ts'

/** Versions above this one understand GO_AWAY (5.3.1). */
const GO_AWAY_AFTER_VERSION = 475

interface Row<C> {
  readonly definition: AnyRequest
  readonly processor: Processor<C, AnyRequest>
  readonly lane: Lane | undefined
  readonly gate: Gate | undefined
  readonly hot: HotCodec | undefined
}

/** What may turn all requests of a kind away: says why, or undefined when it does not. */
export type Gate = () => string | undefined

/** What a dispatcher is made of. */
export interface DispatcherParts<C, T extends Readonly<Record<string, AnyRequest>>> {
  readonly context: C
  readonly requests: T
  readonly processors: ProcessorTable<C, T>
  readonly events: EventSink
  /** The lane of a request, by its name; none when it never waits. */
  readonly laneOf?: (name: string) => Lane | undefined
  /** What turns a request away, by its name. */
  readonly gateOf?: (name: string) => Gate | undefined
  /** The header serialisation of answers; Apache's processes answer in their own, not the request's. */
  readonly serialization?: Serialization
}

/**
 * Takes frames to processors and answers back: code → row of the table; lane limit; header; a throw
 * becomes SYSTEM_ERROR. Apache: `NettyRemotingAbstract.java`, processRequestCommand.
 */
export class Dispatcher<C, T extends Readonly<Record<string, AnyRequest>>> {
  readonly #context: C
  readonly #events: EventSink
  readonly #serialization: Serialization
  readonly #rows = new Map<number, Row<C>>()
  #goingAway = false

  constructor(parts: DispatcherParts<C, T>) {
    this.#context = parts.context
    this.#events = parts.events
    this.#serialization = parts.serialization ?? Serialization.JSON
    for (const [name, definition] of Object.entries(parts.requests)) {
      this.#rows.set(definition.code, {
        definition,
        processor: parts.processors[name] as Processor<C, AnyRequest>,
        lane: parts.laneOf?.(name),
        gate: parts.gateOf?.(name),
        hot: hotCodecs.get(definition.code),
      })
    }
  }

  /** From now on clients that understand it are told to go elsewhere. */
  goAway(): void {
    this.#goingAway = true
  }

  /** Handles one frame: an answer to one of ours, or a request. */
  dispatch(connection: Connection, frame: Frame): void {
    const row = this.#rows.get(peekCode(frame))
    const hot = row?.hot?.decode(frame)
    if (row !== undefined && hot !== undefined) {
      if ((hot.flag & FLAG_RESPONSE) === 0) {
        this.#serve(row, new HotlyDecoded(row.definition, connection, frame, hot), frame)
        return
      }
    }
    this.#dispatchPlain(connection, frame)
  }

  #dispatchPlain(connection: Connection, frame: Frame): void {
    const command = decodeCommand(frame)
    if ((command.flag & FLAG_RESPONSE) !== 0) {
      // The waiter goes on in a later microtask, when the frame's bytes are no longer valid.
      const body = command.body === undefined ? undefined : Buffer.from(command.body)
      connection.inFlight.answer({ ...command, body })
      return
    }
    const isOneway = (command.flag & FLAG_ONEWAY) !== 0
    const row = this.#rows.get(command.code)
    const fields = command.fields ?? {}
    const base = {
      body: command.body,
      connection,
      opaque: command.opaque,
      version: command.version,
      language: command.language,
      isOneway,
      fields: () => fields,
    }
    if (row === undefined) {
      const remark = ` request type ${command.code} not supported`
      if (!isOneway)
        this.#write(connection, command.opaque, {
          code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
          remark,
        })
      return
    }
    let header: unknown
    try {
      header = decodeHeader(row.definition, fields)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      if (!isOneway)
        this.#write(connection, command.opaque, {
          ...refuse(error.responseCode, error.message),
        })
      return
    }
    const { definition } = row
    this.#serve(row, { ...base, definition, header: header as Request['header'] }, frame)
  }

  #serve(row: Row<C>, request: Request, frame: Frame): void {
    const away = this.#turnedAway(row, request)
    if (away === undefined && row.lane?.isFull === true) {
      this.#queue(row, row.lane, request, frame)
      return
    }
    const outcome = away ?? this.#process(row, request)
    if (!(outcome instanceof Promise) && !(outcome instanceof HeldReply)) {
      if (outcome !== NO_REPLY) this.#answer(row, request, outcome)
      return
    }
    row.lane?.enter()
    request.connection.requestBegun()
    void this.#settle(row, request, outcome)
  }

  /** Answers a request once its answer is there; the promise, which does not reject, is open until then. */
  #settle(row: Row<C>, request: Request, outcome: Outcome): Promise<void> | undefined {
    if (outcome instanceof Promise) {
      return outcome.then(
        (reply) => this.#settle(row, request, reply),
        (error: unknown) => this.#settle(row, request, this.#failed(request, error)),
      )
    }
    const { connection } = request
    if (outcome instanceof HeldReply) {
      connection.whenOutput(() =>
        this.#settle(row, request, connection.isClosed ? NO_REPLY : this.#build(request, outcome)),
      )
      return undefined
    }
    connection.requestEnded()
    try {
      if (outcome !== NO_REPLY) this.#answer(row, request, outcome)
    } catch (error) {
      connection.failed(error)
    }
    row.lane?.leave()
    return undefined
  }

  #build(request: Request, held: HeldReply): Outcome {
    try {
      return held.build()
    } catch (error) {
      return this.#failed(request, error)
    }
  }

  #turnedAway(row: Row<C>, request: Request): Reply | undefined {
    if (this.#goingAway && request.version > GO_AWAY_AFTER_VERSION) {
      return { code: ResponseCode.GO_AWAY, remark: 'please go away' }
    }
    const why = row.gate?.()
    if (why === undefined) return undefined
    return busy(`[REJECTREQUEST]system busy, start flow control for a while, because ${why}`)
  }

  /** The lane is full: the request waits its turn, and the peer is read no more until then. */
  #queue(row: Row<C>, lane: Lane, request: Request, frame: Frame): void {
    const { connection, opaque, isOneway } = request
    const sizeBytes = frame.bodyEnd - frame.headerStart
    let copy: Frame | undefined
    const isQueued = lane.queue({
      sizeBytes,
      arrivedMs: connection.lastActiveMs,
      serve: () => {
        const frame = copy
        connection.guarded(() => {
          connection.requestUnqueued()
          if (frame !== undefined && !connection.isClosed) this.dispatch(connection, frame)
        })
      },
      refuse: (remark) => {
        connection.guarded(() => {
          connection.requestUnqueued()
          if (!isOneway && !connection.isClosed) this.#write(connection, opaque, busy(remark))
        })
      },
    })
    if (isQueued) {
      copy = copyOfFrame(frame)
      connection.requestQueued()
      return
    }
    const why = lane.reason()
    const remark = `[OVERLOAD]system busy, start flow control for a while, because ${why}`
    this.#answer(row, request, busy(remark))
  }

  #process(row: Row<C>, request: Request): Outcome {
    try {
      return row.processor(this.#context, request)
    } catch (error) {
      return this.#failed(request, error)
    }
  }

  /** The one place that catches everything: a request must not take the process down. */
  #failed(request: Request, error: unknown): Reply {
    if (error instanceof ProtocolError) {
      return refuse(error.responseCode, error.message)
    }
    // Somebody who was asked on behalf of this request is gone, or silent: nothing of this program failed.
    if (error instanceof ConnectionClosed || error instanceof RequestTimeout) {
      return refuse(ResponseCode.SYSTEM_ERROR, error.message)
    }
    const { code } = request.definition
    this.#events.emit(requestFailed, {
      peer: request.connection.peer,
      code,
      reason: stackOfThrown(error),
    })
    const remark = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    return { code: ResponseCode.SYSTEM_ERROR, remark }
  }

  /** Appends the answer. One that cannot be written leaves nothing behind: the peer is told so instead. */
  #answer(row: Row<C>, request: Request, reply: Reply): void {
    if (request.isOneway || request.connection.isClosed) return
    const { connection, opaque } = request
    const sink = connection.output()
    const start = sink.length
    try {
      this.#encode(sink, row, request, reply)
    } catch (error) {
      sink.length = start
      this.#write(connection, opaque, this.#failed(request, error))
      return
    }
    if (reply.holdsIfWritten === true) connection.holdsIfWritten(start, opaque)
  }

  #encode(sink: ByteSink, row: Row<C>, { connection, opaque }: Request, reply: Reply): void {
    if (
      this.#serialization === Serialization.JSON &&
      row.hot?.writeReply(sink, opaque, reply) === true
    ) {
      return
    }
    const header =
      reply.header === undefined ? undefined : encodeReply(row.definition, reply.header)
    const fields =
      header === undefined || reply.fields === undefined
        ? (header ?? reply.fields)
        : { ...header, ...reply.fields }
    this.#write(connection, opaque, reply, fields)
  }

  #write(connection: Connection, opaque: number, reply: Reply, fields?: FieldMap): void {
    writeCommand(connection.output(), {
      code: reply.code,
      language: LanguageCode.JAVA,
      version: CURRENT_VERSION,
      opaque,
      flag: FLAG_RESPONSE,
      remark: reply.remark,
      fields,
      body: reply.body,
      serialization: this.#serialization,
    })
  }
}

function busy(remark: string): Reply {
  return { code: ResponseCode.SYSTEM_BUSY, remark }
}

type HotHeader = NonNullable<ReturnType<HotCodec['decode']>>

/** A request that came by a hot codec. */
class HotlyDecoded implements Request {
  readonly definition: AnyRequest
  readonly header: Request['header']
  readonly body: Buffer | undefined
  readonly connection: Connection
  readonly opaque: number
  readonly version: number
  readonly language: number | undefined
  readonly isOneway: boolean
  readonly #frame: Frame

  constructor(definition: AnyRequest, connection: Connection, frame: Frame, hot: HotHeader) {
    const { bodyStart, bodyEnd } = frame
    this.definition = definition
    this.header = hot.header as Request['header']
    this.body = bodyEnd > bodyStart ? frame.buffer.subarray(bodyStart, bodyEnd) : undefined
    this.connection = connection
    this.opaque = hot.opaque
    this.version = hot.version
    this.language = hot.language
    this.isOneway = (hot.flag & FLAG_ONEWAY) !== 0
    this.#frame = frame
  }

  fields(): FieldMap {
    return decodeCommand(this.#frame).fields ?? {}
  }
}
