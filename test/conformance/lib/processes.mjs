/**
 * Child processes for the conformance runs and the bench: starting them with their output in a file,
 * waiting until they listen, ending exactly the ones that were started, and choosing free ports.
 */
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** A tool of the host that a run needs and does not find. The message says which, and what for. */
export class MissingTool extends Error {
  constructor(tool, purpose, hint) {
    super(`${tool} was not found: it is needed ${purpose}. ${hint}`)
    this.name = 'MissingTool'
    this.tool = tool
  }
}

/** Throws `MissingTool` unless `command` with `args` can be run. */
export function requireTool(command, args, purpose, hint) {
  const probe = spawnSync(command, args, { stdio: 'ignore' })
  if (probe.error?.code === 'ENOENT') throw new MissingTool(command, purpose, hint)
}

/** Runs a command to its end; throws with its output when it fails. Returns what it printed. */
export function runToEnd(command, args, options = {}) {
  const { limitMs = 600_000, ...rest } = options
  const done = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: limitMs,
    maxBuffer: 64 * 1024 * 1024,
    ...rest,
  })
  if (done.error) throw done.error
  if (done.status !== 0) {
    throw new Error(
      `${command} ${args.join(' ')} ended with ${done.status}:\n${done.stdout}${done.stderr}`,
    )
  }
  return done.stdout
}

/**
 * Starts a process whose standard output and error go to `logFile`.
 * The handle's `ended` resolves with `{ code, signal }`; `stop` ends this very process and no other.
 */
export function startProcess(command, args, { logFile, env, cwd }) {
  const log = openSync(logFile, 'a')
  const child = spawn(command, args, { stdio: ['ignore', log, log], env, cwd })
  closeSync(log)
  let exit
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve((exit = { code: null, signal: null, error })))
    child.once('exit', (code, signal) => resolve((exit = { code, signal })))
  })
  living.add(child)
  void ended.then(() => living.delete(child))
  return {
    pid: child.pid,
    logFile,
    ended,
    isRunning: () => exit === undefined,
    /** Sends `signal` and waits; after `limitMs` the process is killed, and the answer says so. */
    async stop(signal = 'SIGTERM', limitMs = 60_000) {
      if (exit !== undefined) return exit
      child.kill(signal)
      const first = await Promise.race([ended, pause(limitMs, 'late', { ref: false })])
      if (first !== 'late') return first
      child.kill('SIGKILL')
      return { ...(await ended), late: true }
    },
  }
}

const living = new Set()
// A run that is interrupted or fails must not leave brokers behind: they are this process's children.
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130))

/** The last lines of a log file, for error messages; empty when there is no such file. */
export function tailOf(file, lines = 25) {
  return endOf(file).split('\n').slice(-lines).join('\n')
}

/** The last bytes of a text file as a string: a program that complains in a loop writes more than a string can hold. */
export function endOf(file, bytesMax = 4 * 1024 * 1024) {
  if (!existsSync(file)) return ''
  const fd = openSync(file, 'r')
  try {
    const { size } = fstatSync(fd)
    const end = Buffer.alloc(Math.min(size, bytesMax))
    const read = readSync(fd, end, 0, end.length, size - end.length)
    return end.toString('utf8', 0, read)
  } finally {
    closeSync(fd)
  }
}

/** Resolves with true when something accepts connections on the port. */
export function canConnect(port, host = '127.0.0.1') {
  return new Promise((resolve) => {
    const socket = connect({ port, host })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/**
 * Asks `check` until it answers something other than undefined or false, and returns that.
 * Throws with `what` and the process's last output when it ends first or the time is over.
 */
export async function waitUntil(what, check, { limitMs = 60_000, everyMs = 50, watched } = {}) {
  const deadline = performance.now() + limitMs
  for (;;) {
    const answer = await check()
    if (answer) return answer
    if (watched && !watched.isRunning()) {
      throw new Error(`${what}: the process ended first\n${tailOf(watched.logFile)}`)
    }
    if (performance.now() > deadline) {
      const tail = watched ? `\n${tailOf(watched.logFile)}` : ''
      throw new Error(`${what}: not after ${limitMs} ms${tail}`)
    }
    await pause(everyMs)
  }
}

/** Resolves once `port` accepts connections. */
export function waitListening(port, watched, limitMs = 60_000) {
  return waitUntil(`listening on port ${port}`, () => canConnect(port), { limitMs, watched })
}

/** True when nothing listens on the loopback port at this moment. */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/**
 * `count` ports in steps of ten, each with its neighbours from two below to five above free: a broker
 * listens on its port, on the port two below, and with its replication on the one above.
 * They lie below the range from which the system draws ports for outgoing connections.
 */
export async function choosePorts(count) {
  for (let attempt = 0; attempt < 50; attempt++) {
    const base = 12_000 + Math.floor(Math.random() * 1_900) * 10
    const wanted = []
    for (let port = base - 2; port < base + count * 10; port++) wanted.push(isFree(port))
    const free = await Promise.all(wanted)
    if (free.every(Boolean)) return Array.from({ length: count }, (_, i) => base + i * 10)
  }
  throw new Error(`found no ${count * 10} free ports in a row`)
}

/** A directory under the system's temporary directory, and the call that removes it. */
export function scratchDirectory(label) {
  const path = mkdtempSync(join(tmpdir(), `skylark-${label}-`))
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) }
}
