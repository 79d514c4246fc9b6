import { hostErrorCode } from '@skylarkmq/env'
import { PortUnavailable } from './errors.ts'

const PORT_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has the port',
  EACCES: 'this user may not open the port',
  EADDRNOTAVAIL: 'this host has no such address',
  ENOTFOUND: 'the name of the host is not known',
}

/** A listen that failed, as ERR_PORT where the reason is one that the operator can mend. */
export function portError(
  error: unknown,
  what: string,
  host: string,
  port: number,
  flag: string,
): unknown {
  const code = hostErrorCode(error) ?? ''
  const reason = PORT_PROBLEMS[code]
  if (reason === undefined) return error
  return new PortUnavailable(
    { what, host, port, reason: `${reason} (choose another with ${flag})`, flag },
    error,
  )
}
