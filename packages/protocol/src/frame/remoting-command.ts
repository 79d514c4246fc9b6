import type { FieldMap } from '../schema/define-request.ts'

/** How a frame's header is written; the high byte of the frame's second word. */
export const Serialization = { JSON: 0, ROCKETMQ: 1 } as const
/** A header serialisation by number. */
export type Serialization = (typeof Serialization)[keyof typeof Serialization]

/** `flag` bit 0: the frame is an answer. */
export const FLAG_RESPONSE = 1
/** `flag` bit 1: the request expects no answer. */
export const FLAG_ONEWAY = 2

/**
 * One frame, decoded. Apache: `RemotingCommand.java`.
 *
 * `body` is a view of the received bytes: it is valid until the handler that got it returns, unless
 * it was copied.
 */
export interface RemotingCommand {
  /** Request code, or response code of an answer. */
  readonly code: number
  /** Ordinal of Apache's LanguageCode; undefined when the sender's is unknown. */
  readonly language: number | undefined
  /** Ordinal of Apache's MQVersion. */
  readonly version: number
  /** Chosen by the requester, echoed by the answer; each direction has its own numbers. */
  readonly opaque: number
  readonly flag: number
  readonly remark: string | undefined
  /** The header's fields as text; undefined when the frame has none. */
  readonly fields: FieldMap | undefined
  readonly body: Buffer | undefined
  readonly serialization: Serialization
}

/** The content of a frame; defaults are those of Apache's own frames. */
export interface CommandToWrite {
  /** Request code, or response code of an answer. */
  readonly code: number
  readonly opaque: number
  /** FLAG_RESPONSE, FLAG_ONEWAY; 0 when left out. */
  readonly flag?: number
  readonly remark?: string | undefined
  readonly fields?: FieldMap | undefined
  /** In place of `fields`, as a JSON object with its names in order: the frame is in JSON then. */
  readonly fieldsJson?: string | undefined
  /** One piece, or several in sequence. */
  readonly body?: Uint8Array | readonly Uint8Array[] | undefined
  /** Ordinal of the language; JAVA when left out. */
  readonly language?: number | undefined
  /** Ordinal of the version; CURRENT_VERSION when left out. */
  readonly version?: number
  /** Defaults to JSON. A code that does not fit the binary header is written in JSON anyway. */
  readonly serialization?: Serialization
}

/** The content of an answer; opaque and flag come from the request. */
export interface ReplyToWrite {
  readonly code: number
  readonly remark?: string | undefined
  readonly fields?: FieldMap | undefined
  readonly body?: Uint8Array | readonly Uint8Array[] | undefined
}
