import fs from 'node:fs'

/** Whether the process with this id and start time is running. */
export function isRunning(pid: number, startTime: string): boolean {
  // An id of 0 would name this process group.
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is alive and belongs to another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return startTimeOf(pid) === startTime
}

/** Process ids are reused; the start time (field 22 of /proc/PID/stat) distinguishes them. */
export function startTimeOf(pid: number): string {
  const stat = process.platform === 'linux' ? readIfThere(`/proc/${pid}/stat`) : undefined
  if (stat === undefined) return '-'
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // A zombie: dead, but not yet reaped by its parent.
  if (fields[0] === 'Z' || fields[0] === 'X') return 'dead'
  return fields[19] ?? '-'
}

/** The pid namespace; `-` where there are none. */
export function pidNamespace(): string {
  try {
    return fs.readlinkSync('/proc/self/ns/pid')
  } catch {
    return '-'
  }
}

/** The content of a file; undefined when it does not exist or is not readable. */
export function readIfThere(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'latin1')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ESRCH') return undefined
    throw error
  }
}
