import { defineEvent } from '@skylarkmq/env'

/** A peer sent bytes that are no frame. */
export const frameRefused = defineEvent({
  name: 'remoting.frame.refused',
  level: 'warn',
  fields: { peer: 'address of the peer', reason: 'what is wrong with the bytes' },
  says: 'closed the connection of {peer}: {reason}',
})

/** The program failed at what a peer sent, or while it wrote to it. */
export const connectionFailed = defineEvent({
  name: 'remoting.connection.failed',
  level: 'error',
  fields: { peer: 'address of the peer', reason: 'what was thrown, and where' },
  says: 'an error of the program on the connection of {peer}: {reason}',
})

/** What a timer does for peers failed. */
export const timerFailed = defineEvent({
  name: 'remoting.timer.failed',
  level: 'error',
  fields: { reason: 'what was thrown, and where' },
  says: 'an error of the program in what a timer began: {reason}',
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

/** A stranger sent a PROXY preamble. */
export const proxyNotTrusted = defineEvent({
  name: 'remoting.proxy.untrusted',
  level: 'warn',
  fields: { address: 'where the connection came from' },
  says:
    'closed a connection of {address}: it began with a PROXY preamble, and {address} is not among ' +
    'proxyProtocolTrustedAddresses',
})

/** A peer was silent for too long. */
export const connectionIdle = defineEvent({
  name: 'remoting.connection.idle',
  level: 'debug',
  fields: { peer: 'address of the peer' },
  says: 'closed the idle connection of {peer}',
})

/** Nothing came any more from a peer that was asked. */
export const connectionSilent = defineEvent({
  name: 'remoting.connection.silent',
  level: 'warn',
  fields: { peer: 'address of the peer', silentMs: 'since when nothing came, ms' },
  says: 'gave up the connection to {peer}: nothing came for {silentMs} ms, though it was asked whether it is there',
})
