import path from 'node:path'
import { allBrokerOptions, type FullBrokerConfig } from '@skylarkmq/broker'
import { hostErrorCode, hostMemoryBytes, nodeEnv, type Env } from '@skylarkmq/env'
import { namesrvOptions, type NamesrvConfig } from '@skylarkmq/namesrv'
import { defaultsOf, type OptionTable } from '@skylarkmq/protocol'
import { roleNotes } from './role-notes.ts'
import { BadSetting, ConfigUnreadable } from './errors.ts'
import { readProperties, type PropertyLine } from './properties-file.ts'
import type { ServerOptions } from './server-options.ts'
import {
  examineSettings,
  parseAssignment,
  warningsOf,
  type ReadingOptions,
  type SettingNote,
} from './settings.ts'

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

/** Keys that name server and broker of one process both take from one file. */
const OF_BOTH: ReadonlySet<string> = new Set([
  'bindAddress',
  'maxQueuesPerTopic',
  'proxyProtocolTrustedAddresses',
])

/** What the configuration of a process says. */
export interface Configuration {
  readonly broker: FullBrokerConfig
  readonly namesrv: NamesrvConfig
}

/**
 * The configuration that `startServer` would start a broker with, for who looks at its store and serves nobody: that
 * access control is asked for is no obstacle. Throws ERR_CONFIG_SETTING or ERR_CONFIG_FILE.
 */
export function brokerConfigFor(
  options: Pick<ServerOptions, 'data' | 'configFile' | 'set' | 'warn'>,
): FullBrokerConfig {
  const events = { emit: () => undefined }
  const alone = { ...options, namesrv: false, events }
  return configurationOf(alone, nodeEnv(events), { servesNobody: true }).broker
}

/**
 * What there is to say of a configuration file: unknown keys, keys without effect, bad values. Throws ERR_CONFIG_FILE.
 */
export function examineConfigFile(file: string, of: 'broker' | 'namesrv'): readonly SettingNote[] {
  const table = of === 'broker' ? allBrokerOptions : namesrvOptions
  const read = examineSettings(readFile(file), table, file)
  return of === 'broker' ? [...read.notes, ...roleNotes(read)] : read.notes
}

/** Reads the configuration: defaults, then the file, then `set`, then what has an option of its own. */
export function configurationOf(
  options: ServerOptions,
  env: Env,
  reading: ReadingOptions = { isStrict: options.strict },
): Configuration {
  const config = {
    ...defaultsOf(allBrokerOptions),
    storeHost: { address: Uint8Array.of(127, 0, 0, 1), port: 0 },
    physicalMemoryBytes: hostMemoryBytes(),
    processId: process.pid,
    brokerIP1: '',
  } as FullBrokerConfig
  const namesrv: NamesrvConfig = defaultsOf(namesrvOptions)
  const values = readSources(options, reading)
  const given = new Set(Object.keys(values))
  for (const [key, value] of Object.entries(values)) {
    const isOfBroker = options.broker !== false && key in allBrokerOptions
    if (isOfBroker) Object.assign(config, { [key]: value })
    if (key in namesrvOptions && (!isOfBroker || OF_BOTH.has(key))) {
      Object.assign(namesrv, { [key]: value })
    }
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
  else if (!given.has('namesrvAddr') && options.namesrvAddrOtherwise !== undefined) {
    config.namesrvAddr = options.namesrvAddrOtherwise
  }
  checkAddresses(options, given)
  setPaths(config, options, given, env)
  setNamesrv(namesrv, config, options)
  return { broker: config, namesrv }
}

function readSources(
  options: ServerOptions,
  reading: ReadingOptions,
): Readonly<Record<string, unknown>> {
  const file = options.configFile
  const set = (options.set ?? []).map(parseAssignment)
  const isSet = new Set(set.map(({ key }) => key))
  // A line of the file that --set replaces does not count, as an earlier line of the same key.
  const lines = file === undefined ? [] : readFile(file).filter(({ key }) => !isSet.has(key))
  const table: OptionTable = {
    ...(options.namesrv === false ? {} : namesrvOptions),
    ...(options.broker === false ? {} : allBrokerOptions),
  }
  const ofFile = examineSettings(lines, table, file ?? '', reading)
  const ofSet = examineSettings(set, table, '--set', reading)
  const values: Record<string, unknown> = { ...ofFile.values, ...ofSet.values }
  const warnings = [
    ...warningsOf(ofFile.notes, file ?? '', reading),
    ...warningsOf(ofSet.notes, '--set', reading),
  ]
  if (options.broker !== false && reading.servesNobody !== true) {
    const places = { ...ofFile.places, ...ofSet.places }
    warnings.push(...warningsOf(roleNotes({ values, places }), '', reading))
    if (values['brokerRole'] !== 'SLAVE') delete values['brokerId']
  }
  for (const warning of warnings) options.warn(warning)
  return values
}

/** A name server alone goes by its own file, one beside a broker by what the broker's file says of both. */
function setNamesrv(
  namesrv: NamesrvConfig,
  broker: FullBrokerConfig,
  options: ServerOptions,
): void {
  if (options.host !== undefined) namesrv.bindAddress = options.host
  else if (options.broker !== false) namesrv.bindAddress = broker.bindAddress
  if (options.namesrvPort !== undefined) namesrv.listenPort = options.namesrvPort
  if (options.ephemeral === true) namesrv.kvConfigPath = ''
  else if (namesrv.kvConfigPath === '') {
    namesrv.kvConfigPath = path.join(broker.storePathRootDir, 'namesrv', 'kvConfig.json')
  } else namesrv.kvConfigPath = path.resolve(namesrv.kvConfigPath)
}

/** What the command line and the environment say of addresses is as good as the same key of a file. */
function checkAddresses(options: ServerOptions, given: ReadonlySet<string>): void {
  const { host, namesrvAddr } = options
  const isAsked = options.broker !== false && namesrvAddr === undefined && !given.has('namesrvAddr')
  const otherwise = isAsked ? options.namesrvAddrOtherwise : undefined
  for (const [where, key, value, option] of [
    ['command line', '--host', host, allBrokerOptions.bindAddress],
    ['command line', '--namesrv-addr', namesrvAddr, allBrokerOptions.namesrvAddr],
    ['environment', 'NAMESRV_ADDR', otherwise, allBrokerOptions.namesrvAddr],
  ] as const) {
    const read = value === undefined ? undefined : option.parse(value)
    if (read === undefined || 'value' in read) continue
    const problem = `${read.problem}, not ${JSON.stringify(value)}`
    throw new BadSetting({ where, key, problem })
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

function isLoopbackText(host: string): boolean {
  return host === '' || host === 'localhost' || host.startsWith('127.') || host === '::1'
}
