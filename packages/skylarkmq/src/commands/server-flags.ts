import { BadSetting } from '@skylarkmq/server'
import { InvalidArgumentError, Option, type Command } from 'commander'

/** Flags of `start`, `namesrv` and `broker`. */
export interface ServerFlags {
  config?: string
  set?: string[]
  strict?: boolean
  namesrvAddr?: string
  host?: string
  namesrvPort?: number
  brokerPort?: number
  port?: number
  metricsPort?: number
  data?: string
  ephemeral?: boolean
  readyFile?: string
  log: 'json' | 'pretty'
  logLevel: 'debug' | 'info' | 'warn' | 'error'
}

const collect = (value: string, before: string[] = []): string[] => [...before, value]

/** Parses a port; 0 means any free one. */
export function port(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value <= 65535) return value
  throw new InvalidArgumentError('A port is a whole number from 0 to 65535; 0 takes a free one.')
}

const FLAGS = {
  config: () =>
    new Option(
      '-c, --config <file>',
      'an Apache broker.conf (namesrv.conf for the namesrv command), unchanged',
    ),
  set: () =>
    new Option(
      '--set <key=value>',
      'a line of that file, which overrides it; may be repeated',
    ).argParser(collect),
  strict: () =>
    new Option(
      '--strict',
      'refuse keys that neither Apache nor Skylark has, instead of warning (env: SKYLARK_STRICT)',
    ),
  namesrvAddr: () =>
    new Option(
      '-n, --namesrv-addr <addresses>',
      'name servers to register with, host:port joined by ; (env: NAMESRV_ADDR, if the file names none)',
    ),
  host: () =>
    new Option('--host <address>', 'address to listen on; 0.0.0.0 for all (default: 127.0.0.1)'),
  namesrvPort: () =>
    new Option('--namesrv-port <port>', 'port of the name server').argParser(port).default(9876),
  brokerPort: () =>
    new Option('--broker-port <port>', 'port of the broker (default: 10911)').argParser(port),
  port: () => new Option('--port <port>', 'port; 0 for any free one').argParser(port),
  metricsPort: () =>
    new Option(
      '--metrics-port <port>',
      'show metrics and health over HTTP on this port (default: none, or what the file says)',
    ).argParser(port),
  data: () => new Option('--data <dir>', 'folder of all data (default: ./skylark-data)'),
  ephemeral: () => new Option('--ephemeral', 'keep all data in memory only'),
  readyFile: () =>
    new Option(
      '--ready-file <file>',
      'file for JSON with addresses, written when clients can send',
    ),
  log: () =>
    new Option('--log <format>', 'log format').choices(['json', 'pretty']).default('pretty'),
  logLevel: () =>
    new Option('--log-level <level>', 'lowest level that is logged')
      .choices(['debug', 'info', 'warn', 'error'])
      .default('info'),
} as const

/**
 * Whether unknown keys are refused: by the flag, or by SKYLARK_STRICT of the environment. Throws ERR_CONFIG_SETTING
 * when that is neither yes nor no.
 */
export function isStrict(flags: ServerFlags, ofEnvironment: string | undefined): boolean {
  const word = ofEnvironment?.trim().toLowerCase() ?? ''
  const isYes = ['1', 'true', 'yes', 'on'].includes(word)
  if (!isYes && !['', '0', 'false', 'no', 'off'].includes(word)) {
    const allowed = '1, true, yes or on, or 0, false, no, off or nothing'
    throw new BadSetting({
      where: 'environment',
      key: 'SKYLARK_STRICT',
      problem: `it must be ${allowed}, not ${JSON.stringify(ofEnvironment)}`,
    })
  }
  return isYes || flags.strict === true
}

/** Adds flags to a command, in this order. */
export function withFlags(command: Command, names: readonly (keyof typeof FLAGS)[]): Command {
  for (const name of names) command.addOption(FLAGS[name]())
  return command
}
