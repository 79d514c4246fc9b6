import { NameServer, type NamesrvConfig } from '@skylarkmq/namesrv'
import { portError } from './port-error.ts'
import type { Role, RoleHost } from './role.ts'

/** A name server. */
export function namesrvRole({ envFor }: RoleHost, config: NamesrvConfig): Role {
  const serves: { namesrvAddr?: string; namesrvPort?: number } = {}
  let server: NameServer | undefined
  return {
    name: 'name server',
    serves,
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
