import { ResponseCode } from './codes/response-code.ts'
import { defineError } from './schema/define-error.ts'

/** Bytes or text from a peer that violate the protocol. */
export class ProtocolError extends defineError<{ what: string; code?: number }>('ERR_PROTOCOL', {
  says: (v) => v.what,
  does: 'A frame that cannot be read closes the connection; a header that cannot be read is answered with SYSTEM_ERROR.',
  for: 'peer',
}) {
  /** The response code for a request with this error. */
  get responseCode(): number {
    return this.values.code ?? ResponseCode.SYSTEM_ERROR
  }
}

/** A body that exceeds the limit of the receiver when decompressed. */
export class BodyTooLarge extends ProtocolError {}
