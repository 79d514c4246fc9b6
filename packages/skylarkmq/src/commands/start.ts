import { logEvents, startServer, type RunningServer, type ServerOptions } from '@skylarkmq/server'
import type { Command } from 'commander'
import { writeFileSync } from 'node:fs'
import { onEndRequest } from '../end-request.ts'
import { bold, dim, explain, print, printError, yellow } from '../terminal.ts'
import { VERSION } from '../version.ts'
import { addBrokerLooks } from './broker.ts'
import { isStrict, withFlags, type ServerFlags } from './server-flags.ts'

type Roles = Pick<ServerOptions, 'namesrv' | 'broker'>

/** Adds `start`, `namesrv` and `broker`. */
export function addServerCommands(program: Command): void {
  const logs = ['readyFile', 'log', 'logLevel'] as const
  withFlags(
    program.command('start').description('run a name server and a broker in this process'),
    [
      'config',
      'set',
      'strict',
      'namesrvAddr',
      'host',
      'namesrvPort',
      'brokerPort',
      'metricsPort',
      'data',
      'ephemeral',
      ...logs,
    ],
  ).action((flags: ServerFlags) => run(flags, { namesrv: true, broker: true }))
  withFlags(program.command('namesrv').description('run only a name server'), [
    'config',
    'set',
    'strict',
    'host',
    'port',
    'metricsPort',
    'data',
    'ephemeral',
    ...logs,
  ]).action((flags: ServerFlags) =>
    run(flags.port === undefined ? flags : { ...flags, namesrvPort: flags.port }, {
      namesrv: true,
      broker: false,
    }),
  )
  const broker = program.command('broker').description('run only a broker, or look at brokers')
  addBrokerLooks(broker)
  withFlags(broker, [
    'config',
    'set',
    'strict',
    'namesrvAddr',
    'host',
    'port',
    'metricsPort',
    'data',
    'ephemeral',
    ...logs,
  ]).action((flags: ServerFlags) =>
    run(flags.port === undefined ? flags : { ...flags, brokerPort: flags.port }, {
      namesrv: false,
      broker: true,
    }),
  )
}

async function run(flags: ServerFlags, roles: Roles): Promise<void> {
  const write = (line: string): void => {
    print(line)
  }
  // A broker must survive the reader of its log: `skylark start | head`.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  const events = logEvents({ format: flags.log, level: flags.logLevel, write, now: wallClock })
  let server: RunningServer
  let starting: Promise<RunningServer> | undefined
  const stopping = onSignal(async () => {
    // A signal during the start: stop cleanly once it is complete.
    const started = await starting?.catch(() => undefined)
    await started?.stop()
  })
  try {
    starting = startServer({
      ...roles,
      host: flags.host,
      namesrvPort: flags.namesrvPort,
      brokerPort: flags.brokerPort,
      metricsPort: flags.metricsPort,
      data: flags.data,
      ephemeral: flags.ephemeral,
      configFile: flags.config,
      set: flags.set,
      strict: isStrict(flags, process.env['SKYLARK_STRICT']),
      namesrvAddr: flags.namesrvAddr,
      namesrvAddrOtherwise: process.env['NAMESRV_ADDR'],
      events,
      warn: (sentence) => {
        warn(flags, sentence)
      },
    })
    server = await starting
  } catch (error) {
    explain(error)
    process.exit(1)
  }
  const readyMs = Math.round(process.uptime() * 1000)
  if (flags.readyFile !== undefined) writeReadyFile(flags.readyFile, server, readyMs)
  if (flags.log === 'pretty') banner(server, readyMs)
  await stopping
  process.exit(0)
}

function wallClock(): number {
  return Math.round(performance.timeOrigin + performance.now())
}

function warn(flags: ServerFlags, sentence: string): void {
  if (flags.log === 'json')
    print(JSON.stringify({ level: 'warn', event: 'config.warning', says: sentence }))
  else printError(`${yellow('warning')} ${sentence}`)
}

/** Resolves when a signal arrived and everything is stopped. */
function onSignal(stop: () => Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    onEndRequest(() => {
      stop().then(resolve, (error: unknown) => {
        explain(error)
        process.exit(1)
      })
    })
  })
}

function writeReadyFile(file: string, server: RunningServer, readyMs: number): void {
  const { namesrvAddr, namesrvPort, brokerAddr, brokerPort, fastPort, brokerName, dataDirectory } =
    server
  const { metricsPort } = server
  const content = {
    pid: process.pid,
    version: VERSION,
    namesrvAddr,
    namesrvPort,
    brokerAddr,
    brokerPort,
    fastPort,
    metricsPort,
    brokerName,
    dataDirectory,
    readyMs,
  }
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`)
}

function banner(server: RunningServer, readyMs: number): void {
  print()
  print(`${bold(`Skylark ${VERSION}`)}  ready in ${readyMs} ms`)
  print()
  if (server.namesrvAddr !== undefined) print(`  name server  ${bold(server.namesrvAddr)}`)
  if (server.brokerAddr !== undefined) {
    print(`  broker       ${bold(server.brokerAddr)}  ${dim(server.brokerName ?? '')}`)
    print(`  data         ${server.dataDirectory ?? 'in memory only'}`)
  }
  if (server.metricsPort !== undefined)
    print(`  metrics      ${bold(`port ${server.metricsPort}`)}  ${dim('/metrics /readyz')}`)
  print()
  const isDefault = server.namesrvPort === undefined || server.namesrvPort === 9876
  const where = isDefault ? '' : ` -n ${server.namesrvAddr ?? ''}`
  if (server.namesrvAddr !== undefined && server.brokerAddr !== undefined) {
    print(`  Send one     ${bold(`npx skylark send Hello 'hello, world'${where}`)}`)
    print(`  Read it      ${bold(`npx skylark consume Hello --from first${where}`)}`)
  } else if (server.namesrvAddr !== undefined) {
    print(`  Add a broker ${bold(`npx skylark broker -n ${server.namesrvAddr}`)}`)
  }
  print(`  Stop         ${bold('Ctrl-C')}`)
  print()
  const host = server.bindAddress
  if (!host.startsWith('127.') && host !== 'localhost' && host !== '::1') {
    print(
      yellow(
        `  Everybody who can reach ${host} can read, write and administrate: there is no access control yet.`,
      ),
    )
    print()
  }
}
