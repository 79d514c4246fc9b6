import path from 'node:path'
import {
  DirectoryLocked,
  hostErrorCode,
  memoryDisk,
  nodeEnv,
  type Env,
  type EventSink,
  hostMemoryBytes,
} from '@skylarkmq/env'
import { allBrokerOptions, Broker, type FullBrokerConfig } from '@skylarkmq/broker'
import { NameServer, namesrvOptions, type NamesrvConfig } from '@skylarkmq/namesrv'
import { defaultsOf } from '@skylarkmq/protocol'
import { BadSetting, ConfigUnreadable, DataDirectoryUnusable, PortUnavailable } from './errors.ts'
import { fileLock } from './file-lock.ts'
import { readProperties, type PropertyLine } from './properties-file.ts'
import { parseAssignment, readSettings } from './settings.ts'

/** What a process is to run, and where. */
export interface ServerOptions {
  /** Runs a name server; default true. */
  readonly namesrv?: boolean
  /** Runs a broker; default true. */
  readonly broker?: boolean
  /** Address to listen on; default 127.0.0.1, or what the configuration file says. */
  readonly host?: string | undefined
  readonly namesrvPort?: number | undefined
  readonly brokerPort?: number | undefined
  /** Folder of all data; default `./skylark-data`. */
  readonly data?: string | undefined
  /** Keeps everything in memory and forgets it. */
  readonly ephemeral?: boolean | undefined
  /** Apache's broker.conf. */
  readonly configFile?: string | undefined
  /** `key=value`, each as a line of the configuration file; they come after it. */
  readonly set?: readonly string[] | undefined
  /** Name servers to register with besides one's own, `host:port` joined by `;`. */
  readonly namesrvAddr?: string | undefined
  readonly events: EventSink
  /** Puts something else in the place of parts of the host, for name server and broker each; for tests. */
  readonly env?: ((own: Env) => Env) | undefined
  /** Takes sentences that the operator should read at the start. */
  readonly warn: (sentence: string) => void
}

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

/** Where a process keeps its data when nothing says otherwise. */
export const DEFAULT_DATA_DIRECTORY = 'skylark-data'
/** Root of the data of a process that forgets. */
const MEMORY_ROOT = '/memory'
/** Segments in memory are small, so that what is deleted gives its memory back. */
const EPHEMERAL_SEGMENT_BYTES = 64 * 1024 * 1024
/** Keys that put a part of the store elsewhere. */
const STORE_PATHS = [
  'storePathCommitLog',
  'storePathConsumeQueue',
  'storePathIndex',
  'storeCheckpoint',
  'abortFile',
] as const
/** Memory fills faster than a disk, so it is looked after more often. */
const EPHEMERAL_CLEAN_MS = 1_000

/**
 * Runs a name server, a broker, or both in this process. Rejects with ERR_CONFIG_SETTING, ERR_CONFIG_FILE, ERR_PORT
 * or ERR_DATA_DIRECTORY, having touched nothing; other errors are those of the store.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const env = envFor(options)
  const config = brokerConfigOf(options, env)
  const stops: (() => Promise<void>)[] = []
  const stop = once(() => stopAll(stops.reverse()))
  try {
    const namesrv =
      options.namesrv === false ? undefined : await startNamesrv(options, config, stops)
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

/**
 * The configuration that `startServer` would start a broker with, for who looks at its store. Throws
 * ERR_CONFIG_SETTING or ERR_CONFIG_FILE.
 */
export function brokerConfigFor(
  options: Pick<ServerOptions, 'data' | 'configFile' | 'set' | 'warn'>,
): FullBrokerConfig {
  const events = { emit: () => undefined }
  return brokerConfigOf({ ...options, events }, nodeEnv(events))
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

/** Reads the configuration: defaults, then the file, then `set`, then what has an option of its own. */
function brokerConfigOf(options: ServerOptions, env: Env): FullBrokerConfig {
  const config = {
    ...defaultsOf(allBrokerOptions),
    storeHost: { address: Uint8Array.of(127, 0, 0, 1), port: 0 },
    physicalMemoryBytes: hostMemoryBytes(),
    processId: process.pid,
    brokerIP1: '',
  } as FullBrokerConfig
  const file = options.configFile
  const fromFile = file === undefined ? [] : readFile(file)
  const assigned = (options.set ?? []).map(parseAssignment)
  const sources: [readonly PropertyLine[], string][] = [
    [fromFile, file ?? ''],
    [assigned, '--set'],
  ]
  const given = new Set<string>()
  for (const [lines, source] of sources) {
    const { values, warnings } = readSettings(lines, allBrokerOptions, source)
    Object.assign(config, values)
    for (const key of Object.keys(values)) given.add(key)
    for (const warning of warnings) options.warn(warning)
  }
  if (options.host !== undefined) config.bindAddress = options.host
  // A file written for Apache expects that a broker with a public address can be reached there.
  else if (
    !given.has('bindAddress') &&
    given.has('brokerIP1') &&
    !isLoopbackText(config.brokerIP1)
  ) {
    config.bindAddress = '0.0.0.0'
  }
  if (options.brokerPort !== undefined) config.listenPort = options.brokerPort
  if (options.namesrvAddr !== undefined) config.namesrvAddr = options.namesrvAddr
  checkAddresses(options)
  setPaths(config, options, given, env)
  return config
}

/** What of the command line has an option of its own is as good as the same key of a file. */
function checkAddresses({ host, namesrvAddr }: ServerOptions): void {
  for (const [key, value, option] of [
    ['--host', host, allBrokerOptions.bindAddress],
    ['--namesrv-addr', namesrvAddr, allBrokerOptions.namesrvAddr],
  ] as const) {
    const read = value === undefined ? undefined : option.parse(value)
    if (read === undefined || 'value' in read) continue
    const problem = `${read.problem}, not ${JSON.stringify(value)}`
    throw new BadSetting({ where: 'command line', key, problem })
  }
}

function setPaths(
  config: FullBrokerConfig,
  options: ServerOptions,
  given: ReadonlySet<string>,
  env: Env,
): void {
  if (options.ephemeral === true || options.data !== undefined) {
    // What the command line says of the data holds for all of it.
    for (const key of STORE_PATHS) config[key] = ''
  }
  if (options.ephemeral === true) {
    config.storePathRootDir = MEMORY_ROOT
    if (!given.has('mappedFileSizeCommitLog'))
      config.mappedFileSizeCommitLog = EPHEMERAL_SEGMENT_BYTES
    if (!given.has('cleanResourceInterval')) config.cleanResourceInterval = EPHEMERAL_CLEAN_MS
    env.disk.makeDirectory(MEMORY_ROOT)
  } else if (options.data !== undefined) config.storePathRootDir = path.resolve(options.data)
  else if (!given.has('storePathRootDir')) {
    config.storePathRootDir = path.resolve(DEFAULT_DATA_DIRECTORY)
  } else config.storePathRootDir = path.resolve(config.storePathRootDir)
}

function readFile(file: string): PropertyLine[] {
  const whole = path.resolve(file)
  let data: Buffer | undefined
  try {
    data = nodeEnv({ emit: () => undefined }).disk.readFile(whole)
  } catch (error) {
    throw new ConfigUnreadable(
      { path: whole, reason: hostErrorCode(error) ?? String(error) },
      error,
    )
  }
  if (data === undefined)
    throw new ConfigUnreadable({ path: whole, reason: 'there is no such file' })
  return readProperties(data.toString('utf8'))
}

async function startNamesrv(
  options: ServerOptions,
  broker: FullBrokerConfig,
  stops: (() => Promise<void>)[],
): Promise<{ address: string; port: number }> {
  const env = envFor(options)
  const config: NamesrvConfig = defaultsOf(namesrvOptions)
  config.bindAddress = options.host ?? broker.bindAddress
  if (options.namesrvPort !== undefined) config.listenPort = options.namesrvPort
  const root = broker.storePathRootDir
  if (options.ephemeral !== true) config.kvConfigPath = path.join(root, 'namesrv', 'kvConfig.json')
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

function isLoopbackText(host: string): boolean {
  return host === '' || host === 'localhost' || host.startsWith('127.') || host === '::1'
}

function once(f: () => Promise<void>): () => Promise<void> {
  let started: Promise<void> | undefined
  return () => (started ??= f())
}
