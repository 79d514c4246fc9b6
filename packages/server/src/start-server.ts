import {
  DirectoryLocked,
  hostErrorCode,
  memoryDisk,
  nodeEnv,
  type Env,
  hostMemoryBytes,
} from '@skylarkmq/env'
import { Broker, type FullBrokerConfig } from '@skylarkmq/broker'
import { NameServer, type NamesrvConfig } from '@skylarkmq/namesrv'
import { configurationOf } from './configuration.ts'
import { DataDirectoryUnusable, PortUnavailable } from './errors.ts'
import { fileLock } from './file-lock.ts'
import type { ServerOptions } from './server-options.ts'

/** A running process: what it serves and how to stop it. */
export interface RunningServer {
  /** `host:port` of the name server; undefined when none runs. */
  readonly namesrvAddr: string | undefined
  /** `host:port` of the broker as clients are told; undefined when none runs. */
  readonly brokerAddr: string | undefined
  readonly namesrvPort: number | undefined
  readonly brokerPort: number | undefined
  readonly fastPort: number | undefined
  readonly dataDirectory: string | undefined
  readonly brokerName: string | undefined
  /** Address that the ports listen on. */
  readonly bindAddress: string
  /** The broker's parts, for who embeds it. */
  readonly broker: Broker | undefined
  /** Leaves the routes, writes everything down and closes. Safe to call twice. */
  stop(): Promise<void>
}

/**
 * Runs a name server, a broker, or both in this process. Rejects with ERR_CONFIG_SETTING, ERR_CONFIG_FILE, ERR_PORT
 * or ERR_DATA_DIRECTORY, having touched nothing; other errors are those of the store.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const env = envFor(options)
  const { broker: config, namesrv: namesrvConfig } = configurationOf(options, env)
  const stops: (() => Promise<void>)[] = []
  const stop = once(() => stopAll(stops.reverse()))
  try {
    const namesrv =
      options.namesrv === false ? undefined : await startNamesrv(options, namesrvConfig, stops)
    const own = namesrv?.address
    config.namesrvAddr = [own, config.namesrvAddr]
      .filter((each) => each !== undefined && each !== '')
      .join(';')
    const broker =
      options.broker === false ? undefined : await startBroker(options, env, config, stops)
    return {
      namesrvAddr: own,
      namesrvPort: namesrv?.port,
      brokerAddr: broker?.broker.context?.address,
      brokerPort: broker?.port,
      fastPort: broker?.fastPort,
      brokerName: broker === undefined ? undefined : config.brokerName,
      dataDirectory:
        options.ephemeral === true || broker === undefined ? undefined : config.storePathRootDir,
      bindAddress: config.bindAddress,
      broker: broker?.broker,
      stop,
    }
  } catch (error) {
    // Why it did not start is what has to be known.
    await stop().catch(() => undefined)
    throw error
  }
}

/** Calls all, whatever fails; then throws the first error. */
async function stopAll(stops: readonly (() => Promise<void>)[]): Promise<void> {
  const errors: unknown[] = []
  for (const each of stops) await each().catch((error: unknown) => errors.push(error))
  if (errors.length > 0) throw errors[0]
}

function envFor(options: ServerOptions): Env {
  const own = envOfHost(options)
  return options.env === undefined ? own : options.env(own)
}

function envOfHost(options: ServerOptions): Env {
  const env = nodeEnv(options.events, fileLock)
  if (options.ephemeral !== true) return env
  // The oldest messages go when a quarter of the host's memory is nearly full, as on a disk of that size.
  return { ...env, disk: memoryDisk(() => env.clock.now(), Math.floor(hostMemoryBytes() / 4)) }
}

async function startNamesrv(
  options: ServerOptions,
  config: NamesrvConfig,
  stops: (() => Promise<void>)[],
): Promise<{ address: string; port: number }> {
  const env = envFor(options)
  const server = new NameServer(env, config)
  stops.push(() => server.stop())
  const { bindAddress: host, listenPort } = config
  const port = await server.start().catch((error: unknown) => {
    throw portError(error, 'the name server', host, listenPort, '--namesrv-port')
  })
  return { address: `${isWildcard(host) ? '127.0.0.1' : host}:${port}`, port }
}

async function startBroker(
  options: ServerOptions,
  env: Env,
  config: FullBrokerConfig,
  stops: (() => Promise<void>)[],
): Promise<{ broker: Broker; port: number; fastPort: number | undefined }> {
  const broker = new Broker(env, config)
  stops.push(() => broker.stop())
  const { bindAddress: host, listenPort } = config
  const ports = await broker.listen().catch((error: unknown) => {
    throw portError(error, 'the broker', host, listenPort, '--broker-port')
  })
  if (options.ephemeral !== true) useDirectory(env, config.storePathRootDir)
  await broker.start().catch((error: unknown) => {
    throw directoryError(error, config.storePathRootDir)
  })
  return { broker, ...ports }
}

function useDirectory(env: Env, directory: string): void {
  try {
    env.disk.makeDirectory(directory)
  } catch (error) {
    throw directoryError(error, directory)
  }
}

const DISK_PROBLEMS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'a file has that name',
  ENOSPC: 'the disk is full',
}

function directoryError(error: unknown, directory: string): unknown {
  if (error instanceof DirectoryLocked) {
    return new DataDirectoryUnusable({ directory, reason: `${error.holder} has it` }, error)
  }
  const reason = DISK_PROBLEMS[hostErrorCode(error) ?? '']
  return reason === undefined ? error : new DataDirectoryUnusable({ directory, reason }, error)
}

const PORT_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has the port',
  EACCES: 'this user may not open the port',
  EADDRNOTAVAIL: 'this host has no such address',
  ENOTFOUND: 'the name of the host is not known',
}

function portError(
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

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === ''
}

function once(f: () => Promise<void>): () => Promise<void> {
  let started: Promise<void> | undefined
  return () => (started ??= f())
}
