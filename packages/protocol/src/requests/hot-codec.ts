import type { Frame } from '../frame/frame-decoder.ts'
import type { ByteSink } from '../frame/byte-sink.ts'
import type { ReplyToWrite } from '../frame/remoting-command.ts'
import type { HeaderOf, RequestDefinition } from '../schema/define-request.ts'

/** What a hot codec reads of a frame: what `decodeCommand` and `decodeHeader` would, but the body. */
export interface HotRequest<H = object> {
  readonly header: H
  readonly opaque: number
  readonly flag: number
  readonly version: number
  readonly language: number | undefined
}

/** An answer as a processor gives it: `header` is the reply header of the request. */
export interface HotReply extends ReplyToWrite {
  readonly header?: object | undefined
}

/**
 * The fast codec of a request that comes by the hundred thousand. It agrees with the plain one on
 * whatever it takes, and leaves the rest to it.
 */
export interface HotCodec<H = object> {
  /** Undefined when the header is not in the usual form: the frame goes the plain way. */
  decode(frame: Frame): HotRequest<H> | undefined
  /**
   * Appends the answer, in JSON, to what the sink holds. False when it has something unusual: nothing
   * was appended then, and it goes the plain way.
   */
  writeReply(sink: ByteSink, opaque: number, reply: HotReply): boolean
}

/** The hot codec of a definition. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- matches a definition of any fields
export type HotCodecOf<D extends RequestDefinition<any, any>> = HotCodec<HeaderOf<D>>
