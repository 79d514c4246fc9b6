import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** A database server of a test. */
export interface Database {
  readonly port: number
  stop(): Promise<void>
}

const FOLDERS = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin', ...versions()]
const NOBODY = 65_534
const LOOKS = 300

function versions(): string[] {
  const root = '/usr/lib/postgresql'
  return existsSync(root) ? readdirSync(root).map((version) => join(root, version, 'bin')) : []
}

/** The path of a program of this machine; undefined when it is not there. */
export function programOf(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Starts a server in a folder of its own; `works` says when it answers. */
async function started(
  start: (directory: string, port: number) => ChildProcess,
  works: (port: number) => Promise<unknown>,
): Promise<Database> {
  const directory = mkdtempSync(join(tmpdir(), 'skylark-db-'))
  const port = await freePort()
  const child = start(directory, port)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
    rmSync(directory, { recursive: true, force: true })
  }
  for (let look = 0; ; look++) {
    try {
      await works(port)
      return { port, stop }
    } catch (error) {
      if (look < LOOKS && child.exitCode === null) await pause(50)
      else {
        await stop()
        throw error
      }
    }
  }
}

/** Starts Redis; `works` says when it answers. */
export function startRedis(
  program: string,
  works: (port: number) => Promise<unknown>,
): Promise<Database> {
  const start = (directory: string, port: number) => {
    const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory]
    return spawn(program, [...options, '--save', ''], { stdio: 'ignore' })
  }
  return started(start, works)
}

/** Starts PostgreSQL, whose user is `postgres`, without a password; `works` says when it answers. */
export function startPostgres(
  program: string,
  works: (port: number) => Promise<unknown>,
): Promise<Database> {
  const start = (directory: string, port: number) => {
    // It does not run as root.
    const isRoot = process.getuid?.() === 0
    const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
    if (isRoot) chownSync(directory, NOBODY, NOBODY)
    const data = join(directory, 'data')
    const options = { stdio: 'ignore', cwd: directory, ...user } as const
    const initdb = program.replace(/postgres$/, 'initdb')
    execFileSync(initdb, ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync'], options)
    const flags = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', directory, '-F']
    return spawn(program, flags, options)
  }
  return started(start, works)
}

/** Starts MariaDB or MySQL, whose user is `root`, without a password, and whose database is `test`; `works` says when it answers. */
export function startMysql(
  program: string,
  works: (port: number) => Promise<unknown>,
): Promise<Database> {
  const start = (directory: string, port: number) => {
    const data = join(directory, 'data')
    const install = programOf('mariadb-install-db')
    const user = process.getuid?.() === 0 ? ['--user=root'] : []
    const base = ['--no-defaults', `--datadir=${data}`, ...user]
    if (install === undefined) execFileSync(program, [...base, '--initialize-insecure'])
    else {
      const normal = '--auth-root-authentication-method=normal'
      execFileSync(install, [...base, normal], { stdio: 'ignore' })
    }
    const socket = `--socket=${join(directory, 'socket')}`
    const net = [`--port=${port}`, '--bind-address=127.0.0.1', socket]
    return spawn(program, [...base, ...net], { stdio: 'ignore' })
  }
  return started(start, works)
}
