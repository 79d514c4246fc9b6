import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { ifRoom } from '../errors.ts'
import { isRunning, pidNamespace, readIfThere, startTimeOf } from './process-life.ts'

/*
 * A claim is a file of a name that is never used twice: `skylark.lock.<machine>.<random>`. `<machine>` tells one run of
 * a kernel from another. Who has the host's lock makes a plain file whose name ends with `-locked`: whoever gets that lock
 * later knows that it is dead. Without the host's locks a claim is a socket that its process listens at: the kernel closes it when
 * the process ends, however it ends, and connects to it while the process is stopped, whatever namespaces the two are
 * in. Where no socket can be made, a plain file says which process it is of. A claim of another machine, and one that had
 * no room to say whose it is, shows that it lives by beating: its time of change is set anew every two seconds.
 */
const PREFIX = 'skylark.lock.'
const NAME = /^skylark\.lock\.([0-9a-f]{8})\.[0-9a-f]{12}(-locked)?$/
const LOCKED = '-locked'
const BEAT_MS = 2000
/** Two beats, plus half of one for delays. */
const WATCH_MS = 5000
/** Longer than the clocks of two machines can differ: such a claim is not watched any more. */
const DEAD_MS = 600_000
/** Maximum length of a socket path on the most restrictive systems. */
const SOCKET_PATH_MAX = 103

/** A claim of this process. */
export interface Claim {
  readonly name: string
  release(): void
}

/**
 * Claims a directory: whoever inspects its claims from now on finds this one alive. `hasLock` says whether this
 * process has the host's lock. Rejects with the host's error.
 */
export async function claimDirectory(directory: string, hasLock: boolean): Promise<Claim> {
  const own = randomBytes(6).toString('hex')
  const name = `${PREFIX}${thisMachine()}.${own}${hasLock ? LOCKED : ''}`
  const file = path.join(directory, name)
  const listening = hasLock ? undefined : await listenAt(directory, name)
  if (listening === undefined) writePlain(file)
  const beat = setInterval(() => {
    const now = new Date()
    fs.utimes(file, now, now, () => undefined)
  }, BEAT_MS).unref()
  return {
    name,
    release: () => {
      clearInterval(beat)
      listening?.()
      fs.rmSync(file, { force: true })
    },
  }
}

/** How to inspect the claims of a directory. */
export interface ClaimsLook {
  /** The own claim, which is ignored. */
  readonly own?: string
  /** Whether this process has the host's lock, or nobody has it: then claims that were made with the lock are dead. */
  readonly hasLock?: boolean
  /** Whether to remove dead claims. */
  readonly clears?: boolean
  /** How long to watch a claim that cannot be queried, ms. */
  readonly watchMs?: number
}

/** Names of the living claims of a directory. */
export async function livingClaims(directory: string, look: ClaimsLook = {}): Promise<string[]> {
  const names = fs.readdirSync(directory).filter((name) => NAME.test(name) && name !== look.own)
  const living = await Promise.all(names.map((name) => isAlive(directory, name, look)))
  // Names are never reused, so a dead claim stays dead.
  if (look.clears === true) {
    names.forEach((name, i) => {
      if (living[i] === false) fs.rmSync(path.join(directory, name), { force: true })
    })
  }
  return names.filter((_, i) => living[i])
}

async function isAlive(directory: string, name: string, look: ClaimsLook): Promise<boolean> {
  const { hasLock = false, watchMs = WATCH_MS } = look
  const file = path.join(directory, name)
  const stat = fs.statSync(file, { throwIfNoEntry: false })
  if (stat === undefined) return false
  if (hasLock && name.endsWith(LOCKED)) return false
  if (NAME.exec(name)?.[1] !== thisMachine()) return isBeating(file, watchMs)
  if (!stat.isSocket()) return isOwnerAlive(file, watchMs)
  const at = socketPath(directory, name)
  return at === undefined ? isBeating(file, watchMs) : isListening(at)
}

/** Listens at a socket in the directory; undefined where that is not possible. */
async function listenAt(directory: string, name: string): Promise<(() => void) | undefined> {
  const at = socketPath(directory, name)
  if (at === undefined) return undefined
  const server = net.createServer((socket) => socket.destroy())
  const isOpen = await new Promise<boolean>((resolve) => {
    server.once('error', () => {
      resolve(false)
    })
    server.listen(at.path, () => {
      resolve(true)
    })
  })
  if (!isOpen) {
    at.close()
    return undefined
  }
  server.on('error', () => undefined)
  server.unref()
  return () => {
    server.close(at.close)
  }
}

/** Whether a process listens at a socket. Only a refused connection proves that none does. */
async function isListening(at: SocketPath): Promise<boolean> {
  const code = await new Promise<string | undefined>((resolve) => {
    const socket = net.connect({ path: at.path })
    socket.once('connect', () => {
      resolve(undefined)
      socket.destroy()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code)
    })
  })
  at.close()
  return code !== 'ECONNREFUSED' && code !== 'ENOENT'
}

interface SocketPath {
  readonly path: string
  /** Must be called when the path is no longer used. */
  readonly close: () => void
}

/**
 * A path that fits into a socket address: a long one is reached through the open directory. Undefined where that is
 * impossible.
 */
function socketPath(directory: string, name: string): SocketPath | undefined {
  const plain = path.join(directory, name)
  if (Buffer.byteLength(plain) <= SOCKET_PATH_MAX) return { path: plain, close: () => undefined }
  if (process.platform !== 'linux' || !fs.existsSync('/proc/self/fd')) return undefined
  const fd = fs.openSync(directory, fs.constants.O_RDONLY)
  return {
    path: `/proc/self/fd/${fd}/${name}`,
    close: () => {
      fs.closeSync(fd)
    },
  }
}

/**
 * A plain file with the process id, its start time and its pid namespace. Empty on a full disk. Throws the host's
 * error.
 */
function writePlain(file: string): void {
  fs.writeFileSync(file, '', { flag: 'wx' })
  ifRoom(() => {
    fs.writeFileSync(file, `${process.pid} ${startTimeOf(process.pid)} ${pidNamespace()}\n`)
  })
}

async function isOwnerAlive(file: string, watchMs: number): Promise<boolean> {
  const text = readIfThere(file)
  // It was released while it was inspected.
  if (text === undefined) return false
  const [pid = '', startTime = '', namespace = ''] = text.trim().split(' ')
  return namespace === pidNamespace() ? isRunning(Number(pid), startTime) : isBeating(file, watchMs)
}

/** Whether the modification time of a claim changes while it is watched. */
async function isBeating(file: string, watchMs: number): Promise<boolean> {
  const changed = (): number | undefined => fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs
  const before = changed()
  if (before === undefined || Date.now() - before > DEAD_MS) return false
  await new Promise((resolve) => setTimeout(resolve, watchMs))
  const now = changed()
  return now !== undefined && now !== before
}

/** Eight digits that identify this boot of the kernel, or the machine where that is unavailable. */
function thisMachine(): string {
  let identity = os.hostname()
  try {
    identity = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1')
  } catch {
    // Only Linux has it; elsewhere containers run in a Linux of their own.
  }
  return createHash('sha256').update(identity).digest('hex').slice(0, 8)
}
