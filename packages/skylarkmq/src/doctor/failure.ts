import { textOfThrown } from '@skylarkmq/env'

/** Why a server could not be asked, and what to do. */
export interface Failure {
  readonly says: string
  readonly remedy: string
}

/** What an error of a request says of the server that was asked. */
export function failure(error: unknown, what: string, role: 'name server' | 'broker'): Failure {
  const { code, advice } = error as { code?: unknown; advice?: unknown }
  const text = textOfThrown(error)
  // Errors of the client say what to do in their message, too.
  const reason =
    typeof advice === 'string' && text.endsWith(advice)
      ? text.slice(0, -advice.length).trim()
      : text
  if (code === 'RMQ_AUTH' || /accessKey|signature|permission|acl/i.test(text)) {
    return {
      says: `${what} refuses without valid credentials: ${reason}`,
      remedy: 'Use the access key and secret key of an account that may do this.',
    }
  }
  if (code === 'RMQ_WRONG_PORT' || /not that of|answers .*HTTP|wants TLS|foreign/i.test(text)) {
    return {
      says: `${what} does not speak RocketMQ's protocol there: ${reason}`,
      remedy: `Give the port of a ${role}: ${role === 'broker' ? 'listenPort, 10911' : '9876'} unless it was changed. The dashboard (8080) and the gRPC proxy (8081) are others.`,
    }
  }
  if (/ECONNREFUSED/.test(text)) {
    return {
      says: `${what} does not listen: the connection was refused`,
      remedy: `Start it, or correct the address. Where it runs in a container, publish its port.`,
    }
  }
  if (/timed out|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/.test(text)) {
    return {
      says: `${what} cannot be reached from here: ${reason}`,
      remedy: 'Look for a firewall, and whether the address is one that this host can reach.',
    }
  }
  if (/ENOTFOUND|EAI_AGAIN/.test(text)) {
    return {
      says: `${what}: its name is not known here`,
      remedy: 'Correct the name, or use its IP address.',
    }
  }
  return { says: `${what} does not answer as it should: ${reason}`, remedy: 'Look into its log.' }
}
