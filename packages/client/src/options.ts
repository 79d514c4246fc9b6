import type { TlsOptions } from '@skylarkmq/env'
import { groupProblem, RETRYABLE_GROUP_LENGTH_MAX } from '@skylarkmq/protocol'
import { OptionError } from './errors.ts'

/** Where clients look for a name server when nothing else is said. */
export const DEFAULT_NAMESRV_ADDR = '127.0.0.1:9876'

/** What every client may be told. */
export interface ClientOptions {
  /** Goes before the names of topics and groups, as `namespace%name`. */
  readonly namespace?: string | undefined
  /** Name of the account, where brokers ask for one. */
  readonly accessKey?: string | undefined
  /** Signs what this client asks for. */
  readonly secretKey?: string | undefined
  /** Of an account that is valid for a while. */
  readonly securityToken?: string | undefined
  /** Encrypts all connections: `{}` as Node does by default. */
  readonly tls?: TlsOptions | undefined
  /** How brokers tell this client from others; default `ip@instanceName`. */
  readonly clientId?: string | undefined
  /** Name servers, `host:port`, several joined by `;`. Default `127.0.0.1:9876`. */
  readonly namesrvAddr?: string | undefined
  /** Tells clients of one address apart; default a random text, different for each client. */
  readonly instanceName?: string | undefined
  /** How long name servers and brokers have for an answer, ms; default 3000. */
  readonly requestTimeoutMs?: number | undefined
  /** How often routes are read again, ms; default 30000. */
  readonly pollNameServerMs?: number | undefined
  /** How often brokers hear that this client lives, ms; default 30000. */
  readonly heartbeatMs?: number | undefined
  /**
   * Bytes that the body of a received message may have once it is decompressed; default 16 MiB. A message with more fails
   * as if its handler had thrown: it comes again, and goes to the dead-letter queue in the end.
   */
  readonly maxBodyBytes?: number | undefined
  /** How long consumers that start, and sends within their own time, wait while no name server answers, ms; default without end. */
  readonly startTimeoutMs?: number | undefined
}

/**
 * The addresses of a list such as `a:9876;b:9876`; `http://` before one is cut off, as Apache does.
 * Throws RMQ_OPTION when one is not `host:port`.
 */
export function parseNamesrvAddr(text: string): string[] {
  const parts = text.split(/[;,]/).map((each) => each.trim().replace(/^https?:\/\//, ''))
  const addresses = parts.filter((each) => each !== '')
  if (addresses.length === 0) {
    throw new OptionError({ option: 'nameServers', problem: 'it names no address' })
  }
  for (const address of addresses) {
    const port = Number(/^.+:(\d{1,5})$/.exec(address)?.[1] ?? NaN)
    if (!(port >= 1 && port <= 65535)) {
      const problem = `${JSON.stringify(address)} is not host:port`
      throw new OptionError({ option: 'nameServers', problem })
    }
  }
  return addresses
}

/** The group with its namespace, when a failed message of it can come again. Throws RMQ_OPTION. */
export function checkedConsumerGroup(wrapped: string): string {
  const max = RETRYABLE_GROUP_LENGTH_MAX
  if (wrapped.length <= max) return wrapped
  const problem = `the name has ${wrapped.length} characters, and the topic that failed messages are retried from allows ${max}`
  throw new OptionError({ option: 'group', problem })
}

/** The group, when it can be one. Throws RMQ_OPTION. */
export function checkedGroup(group: string): string {
  const problem = groupProblem(group)
  if (problem !== undefined) throw new OptionError({ option: 'group', problem })
  return group
}
