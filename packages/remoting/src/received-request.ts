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

/** What a hot codec made of a frame. */
type HotlyRead = NonNullable<ReturnType<HotCodec['decode']>>

/** A request on its way to a processor. One class, however its frame was read: whoever takes it sees one shape. */
export class ReceivedRequest implements Request {
  readonly definition: AnyRequest
  header: Request['header']
  readonly body: Buffer | undefined
  readonly connection: Connection
  readonly opaque: number
  readonly version: number
  readonly language: number | undefined
  readonly isOneway: boolean
  /** When its bytes came, monotonic ms. */
  readonly arrivedMs: number
  /** Whether its answer does not come in the turn in which it is served. */
  isLate = false
  /** Whether it waited until its peer took what it was sent, as pulls do that waited for messages. */
  isHeld = false
  readonly #frame: Frame
  /** Undefined when a hot codec read the frame: it has read the header, and keeps no fields. */
  readonly #fields: FieldMap | undefined

  constructor(
    definition: AnyRequest,
    connection: Connection,
    frame: Frame,
    read: HotlyRead | RemotingCommand,
  ) {
    const { bodyStart, bodyEnd } = frame
    const isHot = 'header' in read
    this.definition = definition
    this.header = isHot ? (read.header as Request['header']) : {}
    this.body = bodyEnd > bodyStart ? frame.buffer.subarray(bodyStart, bodyEnd) : undefined
    this.connection = connection
    this.arrivedMs = connection.lastActiveMs
    this.opaque = read.opaque
    this.version = read.version
    this.language = read.language
    this.isOneway = (read.flag & FLAG_ONEWAY) !== 0
    this.#frame = frame
    this.#fields = isHot ? undefined : (read.fields ?? {})
  }

  /** Reads the header; a ProtocolError says which field is bad. Everything else can be read before. */
  readHeader(): void {
    if (this.#fields !== undefined) this.header = decodeHeader(this.definition, this.#fields)
  }

  fields(): FieldMap {
    return this.#fields ?? decodeCommand(this.#frame).fields ?? {}
  }
}
