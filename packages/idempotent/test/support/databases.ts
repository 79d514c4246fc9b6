import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'

/** A database server of a test. It listens in its own folder, where nobody else can take its place. */
export interface Database {
  /** Where it has its socket and its data. */
  readonly directory: string
  /** Ends it, at once or in good order, and starts it again with the data it has; resolves when it answers. */
  restart(how: 'killed' | 'orderly'): Promise<void>
  /** Ends it at once and removes what it had. */
  stop(): Promise<void>
}

/** Runs a program to its end, while this process continues with what else it has to do. */
const run = promisify(execFile)

const FOLDERS = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin', ...versions()]
const NOBODY = 65_534

function versions(): string[] {
  const root = '/usr/lib/postgresql'
  return existsSync(root) ? readdirSync(root).map((version) => join(root, version, 'bin')) : []
}

/** The path of a program of this machine; undefined when it is not there. */
export function programOf(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** How a server is started in a folder that is prepared, and what ends it in good order though clients are connected. */
interface Server {
  readonly start: (directory: string) => ChildProcess
  readonly orderly: NodeJS.Signals
}

/** Starts a server in a folder of its own; `works` says when it answers, which is waited for as long as it runs. */
async function started(
  { start, orderly }: Server,
  works: (directory: string) => Promise<unknown>,
  prepare: (directory: string) => unknown = () => undefined,
): Promise<Database> {
  const directory = mkdtempSync(join(tmpdir(), 'skylark-db-'))
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = child
    child = undefined
    if (ending === undefined || hasEnded(ending)) return
    const ended = new Promise((resolve) => ending.once('exit', resolve))
    ending.kill(signal)
    await ended
  }
  const stop = async (): Promise<void> => {
    await end('SIGKILL')
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  }
  // What a killed one left behind may hold up the next for a moment.
  const begin = async (starts: number): Promise<void> => {
    for (let left = starts; ;) {
      child ??= kept(start(directory))
      try {
        await works(directory)
        return
      } catch (error) {
        if (hasEnded(child)) {
          if (--left === 0) throw error
          child = undefined
        }
        await pause(50)
      }
    }
  }
  try {
    await prepare(directory)
    await begin(1)
  } catch (error) {
    await stop()
    throw error
  }
  const restart = async (how: 'killed' | 'orderly'): Promise<void> => {
    await end(how === 'killed' ? 'SIGKILL' : orderly)
    await begin(RESTARTS_MAX)
  }
  return { directory, restart, stop }
}

const RESTARTS_MAX = 100

const living = new Set<ChildProcess>()
// A run that is interrupted leaves no server behind.
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

function kept(child: ChildProcess): ChildProcess {
  living.add(child)
  child.once('exit', () => living.delete(child))
  return child
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

/** Starts Redis, which keeps what it was told through a restart; `works` says when it answers at a socket. */
export function startRedis(
  program: string,
  works: (socket: string) => Promise<unknown>,
): Promise<Database> {
  const start = (directory: string) => {
    const options = ['--port', '0', '--unixsocket', join(directory, 'socket'), '--dir', directory]
    return spawn(program, [...options, '--save', '', '--appendonly', 'yes'], { stdio: 'ignore' })
  }
  return started({ start, orderly: 'SIGTERM' }, (directory) => works(join(directory, 'socket')))
}

/** Starts PostgreSQL, whose user is `postgres`, without a password; `works` says when it answers in a folder. */
export function startPostgres(
  program: string,
  works: (directory: string) => Promise<unknown>,
): Promise<Database> {
  // It does not run as root.
  const isRoot = process.getuid?.() === 0
  const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
  const prepare = async (directory: string) => {
    if (isRoot) chownSync(directory, NOBODY, NOBODY)
    const initdb = program.replace(/postgres$/, 'initdb')
    const flags = ['-D', join(directory, 'data'), '-U', 'postgres', '-A', 'trust', '--no-sync']
    await run(initdb, flags, { cwd: directory, ...user })
  }
  const start = (directory: string) => {
    const flags = ['-D', join(directory, 'data'), '-h', '', '-k', directory, '-F']
    return spawn(program, flags, { stdio: 'ignore', cwd: directory, ...user })
  }
  // SIGTERM would wait for the clients.
  return started({ start, orderly: 'SIGINT' }, works, prepare)
}

/** Starts MariaDB or MySQL, whose user is `root`, without a password, and whose database is `test`; `works` says when it answers at a socket. */
export function startMysql(
  program: string,
  works: (socket: string) => Promise<unknown>,
): Promise<Database> {
  const user = process.getuid?.() === 0 ? ['--user=root'] : []
  const base = (directory: string) => [
    '--no-defaults',
    `--datadir=${join(directory, 'data')}`,
    ...user,
  ]
  const prepare = (directory: string) => {
    const install = programOf('mariadb-install-db')
    if (install === undefined) return run(program, [...base(directory), '--initialize-insecure'])
    return run(install, [...base(directory), '--auth-root-authentication-method=normal'])
  }
  const start = (directory: string) => {
    const net = ['--skip-networking', `--socket=${join(directory, 'socket')}`]
    return spawn(program, [...base(directory), ...net], { stdio: 'ignore' })
  }
  const socket = (directory: string) => works(join(directory, 'socket'))
  return started({ start, orderly: 'SIGTERM' }, socket, prepare)
}
