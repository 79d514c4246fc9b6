import fs from 'node:fs'

/** Whether the process that had this id and start time runs. */
export function isRunning(pid: number, startTime: string): boolean {
  // An id of 0 would name this process group.
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return startTimeOf(pid) === startTime
}

/** A process id is reused; its start time (field 22 of /proc/PID/stat) tells one use from the next. */
export function startTimeOf(pid: number): string {
  const stat = process.platform === 'linux' ? readIfThere(`/proc/${pid}/stat`) : undefined
  if (stat === undefined) return '-'
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // Dead, and only its parent has not looked yet.
  if (fields[0] === 'Z' || fields[0] === 'X') return 'dead'
  return fields[19] ?? '-'
}

/** In which namespace process ids count; `-` where there are none. */
export function pidNamespace(): string {
  try {
    return fs.readlinkSync('/proc/self/ns/pid')
  } catch {
    return '-'
  }
}

/** The content of a file; undefined when it is not there, or not for this process to read. */
export function readIfThere(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'latin1')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ESRCH') return undefined
    throw error
  }
}
