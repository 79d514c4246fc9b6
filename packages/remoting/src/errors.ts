import { defineError } from '@skylarkmq/protocol'

/** The peer could not be reached. */
export class ConnectFailed extends defineError<{ address: string; reason: string }>(
  'ERR_REMOTING_CONNECT',
  {
    says: (v) => `cannot connect to ${v.address}: ${v.reason}`,
    does: 'Check that the process runs, that the address is the one it advertises, and that no firewall is between.',
    for: 'user',
  },
) {}

/** The connection ended before the answer came; whether the peer did what was asked is not known. */
export class ConnectionClosed extends defineError<{ address: string; request: string }>(
  'ERR_REMOTING_CLOSED',
  {
    says: (v) => `the connection to ${v.address} closed before ${v.request} was answered`,
    does: 'The request may or may not have taken effect; the client retries what is safe to retry.',
    for: 'user',
  },
) {}

/** No answer in time; whether the peer did what was asked is not known. */
export class RequestTimeout extends defineError<{
  address: string
  request: string
  timeoutMs: number
}>('ERR_REMOTING_TIMEOUT', {
  says: (v) => `${v.address} did not answer ${v.request} within ${v.timeoutMs} ms`,
  does: 'The request may or may not have taken effect; the client retries what is safe to retry.',
  for: 'user',
}) {}

/** The peer answered, but in another protocol. */
export class ForeignProtocol extends defineError<{ address: string; protocol: string }>(
  'ERR_REMOTING_FOREIGN',
  {
    says: (v) => `${v.address} speaks ${v.protocol}, not the remoting protocol`,
    does: 'Use the port of a name server or a broker.',
    for: 'user',
  },
) {}
