import { NameServer, type NamesrvConfig } from '@skylarkmq/namesrv'
import { portError } from './port-error.ts'
import type { Role, RoleHost } from './role.ts'

/** The role of a name server, and the server itself once it has started. */
export interface NamesrvRole extends Role {
  readonly server: NameServer | undefined
}

/** A name server. */
export function namesrvRole({ envFor }: RoleHost, config: NamesrvConfig): NamesrvRole {
  const serves: { namesrvAddr?: string; namesrvPort?: number } = {}
  let server: NameServer | undefined
  return {
    name: 'name server',
    serves,
    get server() {
      return server
    },
    start: async () => {
      server = new NameServer(envFor(), config)
      const { bindAddress: host, listenPort } = config
      const port = await server.start().catch((error: unknown) => {
        throw portError(error, 'the name server', host, listenPort, '--namesrv-port')
      })
      serves.namesrvPort = port
      serves.namesrvAddr = `${isWildcard(host) ? '127.0.0.1' : host}:${port}`
    },
    stop: () => server?.stop(),
  }
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === ''
}
