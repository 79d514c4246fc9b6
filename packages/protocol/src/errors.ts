import { defineError } from './schema/define-error.ts'

/** Bytes or text from a peer that do not follow the protocol. */
export class ProtocolError extends defineError<{ what: string }>('ERR_PROTOCOL', {
  says: (v) => v.what,
  does: 'A frame that cannot be read closes the connection; a header that cannot be read is answered with SYSTEM_ERROR.',
  for: 'peer',
}) {}

/** A body that becomes larger than whoever restores it allows. */
export class BodyTooLarge extends ProtocolError {}
