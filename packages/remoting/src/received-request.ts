import {
  decodeCommand,
  decodeHeader,
  FLAG_ONEWAY,
  type FieldMap,
  type Frame,
  type HotCodec,
  type RemotingCommand,
} from '@skylarkmq/protocol'
import type { Connection } from './connection.ts'
import type { AnyRequest, Request } from './processor.ts'

type HotHeader = NonNullable<ReturnType<HotCodec['decode']>>

/** A request on its way to a processor. */
export interface ReceivedRequest extends Request {
  /** Reads the header; a ProtocolError says which field is bad. Everything else can be read before. */
  readHeader(): void
}

/** A request that came by a hot codec, which has read its header. */
export class HotlyDecoded implements ReceivedRequest {
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

  readHeader(): void {
    // The codec has.
  }

  fields(): FieldMap {
    return decodeCommand(this.#frame).fields ?? {}
  }
}

/** Any other request. */
export class PlainlyDecoded implements ReceivedRequest {
  readonly definition: AnyRequest
  header: Request['header'] = {}
  readonly body: Buffer | undefined
  readonly connection: Connection
  readonly opaque: number
  readonly version: number
  readonly language: number | undefined
  readonly isOneway: boolean
  readonly #fields: FieldMap

  constructor(definition: AnyRequest, connection: Connection, command: RemotingCommand) {
    this.definition = definition
    this.body = command.body
    this.connection = connection
    this.opaque = command.opaque
    this.version = command.version
    this.language = command.language
    this.isOneway = (command.flag & FLAG_ONEWAY) !== 0
    this.#fields = command.fields ?? {}
  }

  readHeader(): void {
    this.header = decodeHeader(this.definition, this.#fields)
  }

  fields(): FieldMap {
    return this.#fields
  }
}
