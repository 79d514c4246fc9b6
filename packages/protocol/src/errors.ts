import { ResponseCode } from './codes/response-code.ts'
import { defineError } from './schema/define-error.ts'

/** Bytes or text from a peer that do not follow the protocol. */
export class ProtocolError extends defineError<{ what: string; code?: number }>('ERR_PROTOCOL', {
  says: (v) => v.what,
  does: 'A frame that cannot be read closes the connection; a header that cannot be read is answered with SYSTEM_ERROR.',
  for: 'peer',
}) {
  /** The code of the answer to a request that has it. */
  get responseCode(): number {
    return this.values.code ?? ResponseCode.SYSTEM_ERROR
  }
}

/** A body that becomes larger than whoever restores it allows. */
export class BodyTooLarge extends ProtocolError {}
