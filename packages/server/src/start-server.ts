import {
  EventFan,
  hostMemoryBytes,
  memoryDisk,
  nodeEnv,
  Parts,
  type Env,
  type EventSink,
} from '@skylarkmq/env'
import { configurationOf } from './configuration.ts'
import { fileLock } from './file-lock.ts'
import type { Role, RoleHost } from './role.ts'
import type { RunningServer } from './running-server.ts'
import { brokerRole } from './serve-broker.ts'
import { metricsRole, metricsSettings } from './serve-metrics.ts'
import { namesrvRole } from './serve-namesrv.ts'
import type { ServerOptions } from './server-options.ts'

/**
 * Runs the roles that are wanted in this process. Rejects with ERR_CONFIG_SETTING, ERR_CONFIG_FILE, ERR_PORT
 * or ERR_DATA_DIRECTORY, having touched nothing; other errors are those of the store.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const events = new EventFan(options.events)
  const host: RoleHost = {
    envFor: () => envFor(options, events),
    isEphemeral: options.ephemeral === true,
  }
  const { bindAddress, roles } = rolesOf(options, host)
  const parts = new Parts()
  const stop = once(() => parts.stop())
  parts.add(...roles)
  try {
    await parts.start()
  } catch (error) {
    // Why it did not start is what has to be known.
    await stop().catch(() => undefined)
    throw error
  }
  const serves = Object.assign({ ...NOTHING }, ...roles.map((role) => role.serves)) as Serves
  return { ...serves, bindAddress, onEvent: (sink) => events.add(sink), stop }
}

type Serves = Omit<RunningServer, 'bindAddress' | 'onEvent' | 'stop'>

const NOTHING: Serves = {
  namesrvAddr: undefined,
  namesrvPort: undefined,
  brokerAddr: undefined,
  brokerPort: undefined,
  fastPort: undefined,
  metricsPort: undefined,
  brokerName: undefined,
  dataDirectory: undefined,
  broker: undefined,
}

/** The roles that are wanted, in the order of their start: a broker registers with the name server beside it. */
function rolesOf(
  options: ServerOptions,
  host: RoleHost,
): { bindAddress: string; roles: readonly Role[] } {
  const { broker: config, namesrv: namesrvConfig } = configurationOf(options, host.envFor())
  const namesrv = options.namesrv === false ? undefined : namesrvRole(host, namesrvConfig)
  const broker =
    options.broker === false
      ? undefined
      : brokerRole(host, config, () => namesrv?.serves.namesrvAddr)
  const metrics = metricsRole(host, metricsSettings(options, config, namesrvConfig), {
    namesrv: () => namesrv?.server,
    broker: () => broker?.serves.broker,
  })
  const roles = [namesrv, broker, metrics].filter((role) => role !== undefined)
  return { bindAddress: config.bindAddress, roles }
}

function envFor(options: ServerOptions, events: EventSink): Env {
  const own = envOfHost(options, events)
  return options.env === undefined ? own : options.env(own)
}

function envOfHost(options: ServerOptions, events: EventSink): Env {
  const env = nodeEnv(events, fileLock)
  if (options.ephemeral !== true) return env
  // The oldest messages go when a quarter of the host's memory is nearly full, as on a disk of that size.
  return { ...env, disk: memoryDisk(() => env.clock.now(), Math.floor(hostMemoryBytes() / 4)) }
}

function once(f: () => Promise<void>): () => Promise<void> {
  let started: Promise<void> | undefined
  return () => (started ??= f())
}
