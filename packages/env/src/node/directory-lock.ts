import { createHash } from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type { DirectoryLock } from '../env.ts'
import { DirectoryLocked, hostErrorCode, ifRoom } from '../errors.ts'
import { claimDirectory, livingClaims, type Claim } from './directory-claim.ts'
import { readIfThere } from './process-life.ts'

const OWNER_FILE = 'skylark.pid'
const LOCK_FILE = 'lock'
/** How often a process that stepped back retries, and its first delay. */
const TRIES = 8
const STEP_BACK_MS = 50
const LOCK_TRIES = 5
/** How often, and at which interval, the first of several checks whether the others have stepped back. */
const LOOKS = 100
const LOOK_MS = 20

/**
 * Takes a POSIX lock on a part of an open file, which belongs to the descriptor and ends with it; false when another
 * process has one. `shared` locks may coexist, but not with an exclusive one.
 */
export type TryFileLock = (
  fd: number,
  offset: number,
  length: number,
  options?: { readonly shared?: boolean },
) => boolean

/** The owner of a directory, from the file that it wrote. */
interface Owner {
  readonly pid: number
  readonly host: string
  readonly claim: string
}

/**
 * Locks a directory for this process. With the host's locks this is a lock on the file `lock`, which Apache's broker
 * takes too, so that each excludes the other. In addition, and without the host's locks exclusively, a process first
 * makes a claim and then inspects the claims of others, so that of two at least one sees the other; Apache's lock is
 * then found in /proc/locks, on Linux. Rejects with ERR_DIRECTORY_LOCKED.
 */
export async function lockDirectory(
  directory: string,
  tryLock: TryFileLock | undefined,
): Promise<DirectoryLock> {
  if (process.platform === 'win32' && tryLock === undefined) return lockByPipe(directory)
  const hostLock = tryLock === undefined ? undefined : await takeHostLock(directory, tryLock)
  if (hostLock === undefined) {
    const apache = apacheLockHolder(path.join(directory, LOCK_FILE))
    if (apache !== undefined) throw new DirectoryLocked({ directory, holder: wordsFor(apache) })
  }
  try {
    const claim = await winClaim(directory, hostLock !== undefined)
    const forget = writeOwner(directory, claim.name)
    return {
      release: () => {
        forget()
        claim.release()
        hostLock?.release()
      },
    }
  } catch (error) {
    hostLock?.release()
    throw error
  }
}

/** Takes the host's lock on the file `lock`; undefined when this file system has no locks. */
async function takeHostLock(
  directory: string,
  tryLock: TryFileLock,
): Promise<DirectoryLock | undefined> {
  const fd = fs.openSync(path.join(directory, LOCK_FILE), 'a+')
  const release = (): void => {
    fs.closeSync(fd)
  }
  try {
    // A process that only asks holds a shared lock for a moment.
    for (let attempt = 1; attempt <= LOCK_TRIES; attempt++) {
      if (tryLock(fd, 0, 1)) return { release }
      await pause(LOOK_MS)
    }
  } catch (error) {
    release()
    if (hostErrorCode(error) === undefined) throw error
    return undefined
  }
  release()
  const apache = apacheLockHolder(path.join(directory, LOCK_FILE))
  const holder = apache === undefined ? holderOf(readOwner(directory)) : wordsFor(apache)
  throw new DirectoryLocked({ directory, holder })
}

async function winClaim(directory: string, hasLock: boolean): Promise<Claim> {
  // Their space may be all that is left.
  if (hasLock) await livingClaims(directory, { hasLock, clears: true })
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const claim = await claimDirectory(directory, hasLock)
    const isAlone = await outlives(directory, claim, hasLock)
    if (isAlone === true) return claim
    claim.release()
    if (isAlone === 'held') break
    await pause(STEP_BACK_MS * attempt * (0.5 + Math.random()))
  }
  throw new DirectoryLocked({ directory, holder: holderOf(readOwner(directory)) })
}

/**
 * Whether a claim is the only living one. Of several concurrent claims, the one with the first name waits until the
 * others have stepped back; `held` when one of them has the directory.
 */
async function outlives(
  directory: string,
  claim: Claim,
  hasLock: boolean,
): Promise<boolean | 'held'> {
  for (let look = 0; look < LOOKS; look++) {
    const rivals = await livingClaims(directory, { own: claim.name, hasLock, clears: true })
    if (rivals.length === 0) return true
    const owner = readOwner(directory)
    if (owner !== undefined && rivals.includes(owner.claim)) return 'held'
    if (rivals.some((name) => name < claim.name)) return false
    await pause(LOOK_MS)
  }
  return false
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * The owner of a directory, Skylark's or Apache's, as described by `DirectoryLocked`; undefined when there is none.
 * Changes nothing, so it works on a read-only directory.
 */
export async function directoryHolder(
  directory: string,
  tryLock?: TryFileLock,
): Promise<string | undefined> {
  const apache = apacheLockHolder(path.join(directory, LOCK_FILE))
  if (apache !== undefined) return wordsFor(apache)
  const isLocked = isHostLocked(directory, tryLock)
  const isHeld =
    isLocked === true ||
    (process.platform === 'win32' && (await isPipeOpen(pipeOf(directory)))) ||
    (await livingClaims(directory, { hasLock: isLocked === false })).length > 0
  return isHeld ? holderOf(readOwner(directory)) : undefined
}

/**
 * Whether another process has the host's lock; undefined when that cannot be determined. Asking takes a shared lock
 * for a moment, which read permission allows.
 */
function isHostLocked(directory: string, tryLock: TryFileLock | undefined): boolean | undefined {
  const file = path.join(directory, LOCK_FILE)
  if (tryLock === undefined) return undefined
  if (!fs.existsSync(file)) return false
  try {
    const fd = fs.openSync(file, 'r')
    try {
      return !tryLock(fd, 0, 1, { shared: true })
    } finally {
      fs.closeSync(fd)
    }
  } catch (error) {
    if (hostErrorCode(error) === undefined) throw error
    return undefined
  }
}

const wordsFor = (pid: number): string => `the running process ${pid}`

function holderOf(owner: Owner | undefined): string {
  if (owner === undefined) return 'another running process'
  const { pid, host } = owner
  return host === os.hostname() ? wordsFor(pid) : `${wordsFor(pid)} of the host ${host}`
}

/**
 * Writes the owner's description, for people and for the next process, if the disk has room; returns a function that
 * removes it.
 */
function writeOwner(directory: string, claim: string): () => void {
  const file = path.join(directory, OWNER_FILE)
  const text = `${process.pid} ${os.hostname()} ${claim}\n`
  const isWritten = ifRoom(() => {
    fs.writeFileSync(`${file}.tmp`, text)
  })
  if (isWritten) fs.renameSync(`${file}.tmp`, file)
  else for (const each of [file, `${file}.tmp`]) fs.rmSync(each, { force: true })
  return () => {
    if (readIfThere(file) === text) fs.rmSync(file, { force: true })
  }
}

function readOwner(directory: string): Owner | undefined {
  const text = readIfThere(path.join(directory, OWNER_FILE)) ?? ''
  const [pid = '', host = '', claim = ''] = text.trim().split(' ')
  return /^\d{1,10}$/.test(pid) ? { pid: Number(pid), host, claim } : undefined
}

/** On Windows, a pipe has a name that all processes of the machine share, and ends with its listening process. */
function lockByPipe(directory: string): Promise<DirectoryLock> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => socket.destroy())
    server.once('error', () => {
      reject(new DirectoryLocked({ directory, holder: holderOf(readOwner(directory)) }))
    })
    server.listen(pipeOf(directory), () => {
      server.on('error', () => undefined)
      server.unref()
      const forget = writeOwner(directory, '-')
      resolve({
        release: () => {
          forget()
          server.close()
        },
      })
    })
  })
}

function pipeOf(directory: string): string {
  const name = fs.realpathSync(directory).toLowerCase()
  return `\\\\.\\pipe\\skylark-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`
}

function isPipeOpen(pipe: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ path: pipe })
    socket.once('connect', () => {
      resolve(true)
      socket.destroy()
    })
    socket.on('error', () => {
      resolve(false)
    })
  })
}

function apacheLockHolder(file: string): number | undefined {
  if (process.platform !== 'linux') return undefined
  const locks = readIfThere('/proc/locks')
  if (locks === undefined || !fs.existsSync(file)) return undefined
  const inode = String(fs.statSync(file).ino)
  for (const line of locks.split('\n')) {
    // 1: POSIX  ADVISORY  WRITE 4711 fd:00:131089 0 0
    const [, kind, , , pid = '', device = ''] = line.trim().split(/\s+/)
    if (kind === 'POSIX' && device.split(':')[2] === inode) return Number(pid)
  }
  return undefined
}
