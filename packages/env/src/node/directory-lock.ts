import fs from 'node:fs'
import path from 'node:path'
import type { DirectoryLock } from '../env.ts'
import { DirectoryLocked } from '../errors.ts'

const OWNER_FILE = 'skylark.pid'
const APACHE_LOCK_FILE = 'lock'

/**
 * Takes a store directory. Node has no file locks, so the owner is a file with the process id and
 * that process's start time; a file whose process is gone is stale. On Linux, Apache's own lock (a
 * POSIX lock on `lock`) is seen in /proc/locks, so that we never open a store that Apache has open.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const ownerFile = path.join(directory, OWNER_FILE)
  const apache = apacheLockHolder(path.join(directory, APACHE_LOCK_FILE))
  if (apache !== undefined) throw new DirectoryLocked({ directory, pid: apache })
  const mine = `${process.pid} ${startTimeOf(process.pid)}\n`
  for (;;) {
    if (createExclusively(ownerFile, mine)) break
    const [pid, startTime] = readOwner(ownerFile)
    // A pid of 0 would name this process group, and our own earlier lock in this process is a lock too.
    if (pid > 0 && isAlive(pid) && startTimeOf(pid) === startTime) {
      throw new DirectoryLocked({ directory, pid })
    }
    fs.rmSync(ownerFile, { force: true })
  }
  return {
    release: () => {
      fs.rmSync(ownerFile, { force: true })
    },
  }
}

/**
 * The process that has a directory, ours or Apache's; undefined when none has. Touches nothing, so that it may be
 * asked of a directory that cannot be written.
 */
export function directoryHolder(directory: string): number | undefined {
  const apache = apacheLockHolder(path.join(directory, APACHE_LOCK_FILE))
  if (apache !== undefined) return apache
  const [pid, startTime] = readOwner(path.join(directory, OWNER_FILE))
  return pid > 0 && isAlive(pid) && startTimeOf(pid) === startTime ? pid : undefined
}

function createExclusively(file: string, content: string): boolean {
  try {
    fs.writeFileSync(file, content, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function readOwner(file: string): [pid: number, startTime: string] {
  const text = readIfThere(file) ?? ''
  const [pid = '', startTime = ''] = text.trim().split(' ')
  return [/^\d+$/.test(pid) ? Number(pid) : 0, startTime]
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A process id is reused; its start time (field 22 of /proc/PID/stat) tells one use from the next. */
function startTimeOf(pid: number): string {
  const stat = process.platform === 'linux' ? readIfThere(`/proc/${pid}/stat`) : undefined
  if (stat === undefined) return '-'
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // Dead, and only its parent has not looked yet.
  if (fields[0] === 'Z' || fields[0] === 'X') return 'dead'
  return fields[19] ?? '-'
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

function readIfThere(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'latin1')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ESRCH') return undefined
    throw error
  }
}
