import { stackOfThrown, type EventSink } from '@skylarkmq/env'
import {
  createHotCodecs,
  decodeCommand,
  defineRequest,
  encodeReply,
  FLAG_RESPONSE,
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
import { answered, type Answered } from './answered.ts'
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
  type Reply,
  type Request,
  type Service,
  type ServiceTable,
} from './processor.ts'
import { ReceivedRequest } from './received-request.ts'
import type { RequestTimes } from './request-times.ts'

interface Row<C> extends Service<C, AnyRequest> {
  readonly definition: AnyRequest
  readonly hot: HotCodec | undefined
  /** Nobody serves the code. */
  readonly isUnknown?: true
}

/** What a dispatcher is made of. */
export interface DispatcherParts<C, T extends Readonly<Record<string, AnyRequest>>> {
  readonly context: C
  readonly requests: T
  readonly services: ServiceTable<C, T>
  readonly events: EventSink
  /** The header serialisation of answers; Apache's processes answer in their own, not the request's. */
  readonly serialization?: Serialization
}

/**
 * The way of every request: decode → gates → lane → processor → answer. Whatever throws on it is turned into an answer in
 * one place (`#failed`). Apache: `NettyRemotingAbstract.java`, processRequestCommand.
 */
export class Dispatcher<C, T extends Readonly<Record<string, AnyRequest>>> {
  readonly #context: C
  readonly #events: EventSink
  readonly #serialization: Serialization
  readonly #rows = new Map<number, Row<C>>()
  /** Takes the time of each request that is served; undefined when nobody wants to know. */
  times: RequestTimes | undefined

  constructor(parts: DispatcherParts<C, T>) {
    this.#context = parts.context
    this.#events = parts.events
    this.#serialization = parts.serialization ?? Serialization.JSON
    const hotCodecs = createHotCodecs()
    for (const [name, definition] of Object.entries(parts.requests)) {
      const service = parts.services[name] as Service<C, AnyRequest>
      const hot = hotCodecs.get(definition.code)
      this.#rows.set(definition.code, { ...service, definition, hot })
    }
  }

  /** Handles one frame: an answer to one of ours, or a request. */
  dispatch(connection: Connection, frame: Frame): void {
    const row = this.#rows.get(peekCode(frame))
    const hot = row?.hot?.decode(frame)
    if (row !== undefined && hot !== undefined && (hot.flag & FLAG_RESPONSE) === 0) {
      this.#serve(row, new ReceivedRequest(row.definition, connection, frame, hot), frame)
      return
    }
    const command = decodeCommand(frame)
    if ((command.flag & FLAG_RESPONSE) !== 0) {
      // The waiter continues in a later microtask, when the frame's bytes are no longer valid.
      const body = command.body === undefined ? undefined : Buffer.from(command.body)
      connection.inFlight.answer({ ...command, body })
      return
    }
    const plainRow = this.#rows.get(command.code) ?? unknownRow(command.code)
    this.#serve(
      plainRow,
      new ReceivedRequest(plainRow.definition, connection, frame, command),
      frame,
    )
  }

  #serve(row: Row<C>, request: ReceivedRequest, frame: Frame): void {
    const outcome = this.#begin(row, request, frame)
    if (!(outcome instanceof Promise) && !(outcome instanceof HeldReply)) {
      if (outcome !== NO_REPLY) this.#answer(row, request, outcome)
      return
    }
    request.isLate = true
    row.lane?.enter()
    request.connection.requestBegun()
    void this.#settle(row, request, outcome)
  }

  /** Header, gates, lane, processor; NO_REPLY for a request that waits in its lane. */
  #begin(row: Row<C>, request: ReceivedRequest, frame: Frame): Outcome {
    try {
      request.readHeader()
      const away = this.#turnedAway(row, request)
      if (away !== undefined) return away
      if (row.lane?.isFull === true) return this.#queue(row.lane, request, frame)
      return row.process(this.#context, request)
    } catch (error) {
      return this.#failed(request, error)
    }
  }

  #turnedAway({ gates }: Row<C>, request: Request): Reply | undefined {
    if (gates === undefined) return undefined
    for (const gate of gates) {
      const reply = gate(this.#context, request)
      if (reply !== undefined) return reply
    }
    return undefined
  }

  /** The lane is full: the request waits its turn, and the peer is read no more until then. */
  #queue(lane: Lane, request: Request, frame: Frame): Reply | typeof NO_REPLY {
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
      return NO_REPLY
    }
    const why = lane.reason()
    return busy(`[OVERLOAD]system busy, start flow control for a while, because ${why}`)
  }

  /** Answers a request once its answer is there; the promise, which does not reject, is open until then. */
  #settle(row: Row<C>, request: ReceivedRequest, outcome: Outcome): Promise<void> | undefined {
    if (outcome instanceof Promise) {
      return outcome.then(
        (reply) => this.#settle(row, request, reply),
        (error: unknown) => this.#settle(row, request, this.#failed(request, error)),
      )
    }
    const { connection } = request
    if (outcome instanceof HeldReply) {
      request.isHeld = true
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
  #answer(row: Row<C>, request: ReceivedRequest, reply: Reply): void {
    // Also of what wants no answer: it was asked.
    if (answered.hasSubscribers) this.#tell(row, reply)
    // A peer must not make rows of codes that it invents.
    if (row.isUnknown !== true) this.times?.answered(request, reply.code)
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

  #tell({ definition }: Row<C>, { code, header, fields }: Reply): void {
    const all = header === undefined ? {} : encodeReply(definition, header)
    const told: Answered = { request: definition.name, code, fields: { ...all, ...fields } }
    answered.publish(told)
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

/** A code that nobody serves, on the way of all others. */
function unknownRow(code: number): Row<unknown> {
  const definition = { code, name: String(code), doc: '', source: '', header: {}, reply: {} }
  const remark = ` request type ${code} not supported`
  const process = () => ({ code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark })
  return { definition: defineRequest(definition), hot: undefined, process, isUnknown: true }
}

function busy(remark: string): Reply {
  return { code: ResponseCode.SYSTEM_BUSY, remark }
}
