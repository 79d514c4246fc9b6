import { defineEvent } from '@skylarkmq/env'

/** A peer sent bytes that are no frame. */
export const frameRefused = defineEvent({
  name: 'remoting.frame.refused',
  level: 'warn',
  fields: { peer: 'address of the peer', reason: 'what is wrong with the bytes' },
  says: 'closed the connection of {peer}: {reason}',
})

/** A processor threw. */
export const requestFailed = defineEvent({
  name: 'remoting.request.failed',
  level: 'error',
  fields: { peer: 'address of the peer', code: 'request code', reason: 'what was thrown' },
  says: 'request {code} of {peer} failed: {reason}',
})

/** A peer did not read what it asked for. */
export const readerTooSlow = defineEvent({
  name: 'remoting.reader.slow',
  level: 'warn',
  fields: { peer: 'address of the peer', bytes: 'bytes that wait for it' },
  says: 'closed the connection of {peer}: it left {bytes} bytes unread while memory was short',
})

/** A peer was silent for too long. */
export const connectionIdle = defineEvent({
  name: 'remoting.connection.idle',
  level: 'debug',
  fields: { peer: 'address of the peer' },
  says: 'closed the idle connection of {peer}',
})
