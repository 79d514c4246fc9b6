import type { Broker, FullBrokerConfig } from '@skylarkmq/broker'
import type { NameServer, NamesrvConfig } from '@skylarkmq/namesrv'
import { metricsFormAbsent, metricsNotShown } from './events.ts'
import type { Role, RoleHost } from './role.ts'
import type { ServerOptions } from './server-options.ts'

/** Where metrics are to be shown. */
export interface MetricsSettings {
  /** Undefined when they are not. */
  readonly port: number | undefined
  readonly host: string
  /** The form that is asked for, and not built. */
  readonly absentForm?: string | undefined
}

/** The servers of the process, once they have started. */
export interface MetricsOf {
  readonly namesrv: () => NameServer | undefined
  readonly broker: () => Broker | undefined
}

/** What option and configuration say of metrics; of two servers in one process the broker's counts. */
export function metricsSettings(
  { metricsPort, broker }: ServerOptions,
  brokerConfig: FullBrokerConfig,
  namesrvConfig: NamesrvConfig,
): MetricsSettings {
  const config = broker === false ? namesrvConfig : brokerConfig
  const { metricsExporterType: form, metricsPromExporterPort, metricsPromExporterHost } = config
  const host = metricsPromExporterHost === '' ? config.bindAddress : metricsPromExporterHost
  if (metricsPort !== undefined) return { port: metricsPort, host }
  if (form === 'PROM') return { port: metricsPromExporterPort, host }
  return { port: undefined, host, absentForm: form === 'DISABLE' ? undefined : form }
}

/**
 * Shows metrics and health over HTTP, on a port of its own. What that takes is loaded only where it is asked for. A
 * port that cannot be had keeps no server from running.
 */
export function metricsRole(
  { envFor }: RoleHost,
  { port, host, absentForm }: MetricsSettings,
  of: MetricsOf,
): Role | undefined {
  if (port === undefined && absentForm === undefined) return undefined
  const serves: { metricsPort?: number } = {}
  let stop: (() => Promise<void>) | undefined
  return {
    name: 'metrics',
    serves,
    start: async () => {
      const env = envFor()
      if (port === undefined) {
        env.events.emit(metricsFormAbsent, { form: absentForm ?? '' })
        return
      }
      const { MetricsServer } = await import('./metrics-server.ts')
      const watched = { namesrv: of.namesrv(), broker: of.broker() }
      // Imported here and not there: in one bundled file it would be loaded at each start.
      const server = new MetricsServer(env, watched, await import('node:http'))
      stop = () => server.stop()
      try {
        serves.metricsPort = await server.listen(host, port)
      } catch (error) {
        await server.stop()
        const reason = error instanceof Error ? error.message : String(error)
        env.events.emit(metricsNotShown, { address: `${host}:${port}`, reason })
      }
    },
    stop: () => stop?.(),
  }
}
