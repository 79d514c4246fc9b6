import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** A database server of a test. It listens in its own folder, where nobody else can take its place. */
export interface Database {
  stop(): Promise<void>
}

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

/** Starts a server in a folder of its own; `works` says when it answers, which is waited for as long as it runs. */
async function started(
  start: (directory: string) => ChildProcess,
  works: (directory: string) => Promise<unknown>,
): Promise<Database> {
  const directory = mkdtempSync(join(tmpdir(), 'skylark-db-'))
  const child = start(directory)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
    rmSync(directory, { recursive: true, force: true })
  }
  for (;;) {
    try {
      await works(directory)
      return { stop }
    } catch (error) {
      if (child.exitCode === null && child.signalCode === null) await pause(50)
      else {
        await stop()
        throw error
      }
    }
  }
}

/** Starts Redis; `works` says when it answers at a socket. */
export function startRedis(
  program: string,
  works: (socket: string) => Promise<unknown>,
): Promise<Database> {
  const start = (directory: string) => {
    const options = ['--port', '0', '--unixsocket', join(directory, 'socket'), '--dir', directory]
    return spawn(program, [...options, '--save', ''], { stdio: 'ignore' })
  }
  return started(start, (directory) => works(join(directory, 'socket')))
}

/** Starts PostgreSQL, whose user is `postgres`, without a password; `works` says when it answers in a folder. */
export function startPostgres(
  program: string,
  works: (directory: string) => Promise<unknown>,
): Promise<Database> {
  const start = (directory: string) => {
    // It does not run as root.
    const isRoot = process.getuid?.() === 0
    const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
    if (isRoot) chownSync(directory, NOBODY, NOBODY)
    const data = join(directory, 'data')
    const options = { stdio: 'ignore', cwd: directory, ...user } as const
    const initdb = program.replace(/postgres$/, 'initdb')
    execFileSync(initdb, ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync'], options)
    const flags = ['-D', data, '-h', '', '-k', directory, '-F']
    return spawn(program, flags, options)
  }
  return started(start, works)
}

/** Starts MariaDB or MySQL, whose user is `root`, without a password, and whose database is `test`; `works` says when it answers at a socket. */
export function startMysql(
  program: string,
  works: (socket: string) => Promise<unknown>,
): Promise<Database> {
  const start = (directory: string) => {
    const data = join(directory, 'data')
    const install = programOf('mariadb-install-db')
    const user = process.getuid?.() === 0 ? ['--user=root'] : []
    const base = ['--no-defaults', `--datadir=${data}`, ...user]
    if (install === undefined) execFileSync(program, [...base, '--initialize-insecure'])
    else {
      const normal = '--auth-root-authentication-method=normal'
      execFileSync(install, [...base, normal], { stdio: 'ignore' })
    }
    const net = ['--skip-networking', `--socket=${join(directory, 'socket')}`]
    return spawn(program, [...base, ...net], { stdio: 'ignore' })
  }
  return started(start, (directory) => works(join(directory, 'socket')))
}
