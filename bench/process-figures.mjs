/** What a process has used, from /proc: this bench runs on Linux only. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

let ticks

/** CPU seconds of the process so far, user and system, all threads. */
export function secondsOf(pid) {
  ticks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in parentheses may hold blanks; what follows it begins with the third field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticks
}

/** Resident memory in MiB: all of it, and the anonymous part, which no file backs. */
export function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mebibytes = (name) =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)[1]) / 1024
  return { residentMiB: mebibytes('VmRSS'), anonymousMiB: mebibytes('RssAnon') }
}
