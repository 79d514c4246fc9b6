/** A name server and a broker of their own, with a witness beside them, and what is looked at when an attack is over. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { choosePorts, scratchDirectory, tailOf } from '../conformance/lib/processes.mjs'
import { startCluster } from '../conformance/skylark.mjs'

const here = dirname(fileURLToPath(import.meta.url))
/** C0 but for the line end, DEL, C1, and what reads as a line end or turns the direction of writing. */
// eslint-disable-next-line no-control-regex -- those are looked for
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/
/** A stack in the log: something was thrown that nobody had thought of. */
const STACK = /(?:^\s+at|←) .+?:\d+:\d+\)?/gm

/** Starts both; `options` are lines of a broker.conf. */
export async function startVictim({ options = [] }) {
  const scratch = scratchDirectory('attack')
  const dir = join(scratch.path, 'a', 'b', 'cluster')
  // Others' folders, on each way out of the data folder.
  for (const each of [dir, dirname(dir), dirname(dirname(dir)), scratch.path]) {
    mkdirSync(join(each, 'victim', '0'), { recursive: true })
    writeFileSync(join(each, 'victim', '0', 'precious'), 'of somebody else')
  }
  const settings = Object.fromEntries(options.map((line) => line.split(/=(.*)/s, 2)))
  const ports = await choosePorts(2)
  const cluster = await startCluster({ dir, ports, settings })
  const dataDir = join(dir, 'data')
  const pid = cluster.brokerPid()
  const outside = listing(scratch.path, dir, dataDir)
  const witness = fork(join(here, 'witness.mjs'), [pid, ...ports].map(String))
  return {
    namesrvPort: ports[0],
    brokerPort: ports[1],
    dataDir,
    pid,
    /** What was seen, and what of it must not be. */
    async look() {
      const seen = await tellOf(witness)
      const problems = []
      const log = readFileSync(join(dir, 'out.log'), 'utf8')
      if (!isAlive(pid)) problems.push(`the process ended: ${tailOf(join(dir, 'out.log'), 12)}`)
      const now = listing(scratch.path, dir, dataDir)
      for (const path of new Set([...outside.keys(), ...now.keys()])) {
        if (outside.get(path) !== now.get(path)) problems.push(`${path} is not as it was`)
      }
      const control = CONTROL.exec(log)
      if (control !== null) problems.push(`the log has the character ${escape(control[0])}`)
      const grewMiB = Math.round((seen.peakBytes - seen.beforeBytes) / 2 ** 20)
      if (seen.asked - seen.unanswered < 2) problems.push('nobody else was answered')
      return {
        problems,
        longestMs: Math.round(seen.longestMs),
        busiestMs: Math.round(Math.min(seen.longestMs, seen.busiestMs)),
        grewMiB,
        stacks: log.match(STACK)?.length ?? 0,
      }
    },
    async stop() {
      witness.kill('SIGKILL')
      await cluster.stop()
      scratch.remove()
    },
  }
}

async function tellOf(witness) {
  witness.send('tell')
  const [seen] = await once(witness, 'message')
  return seen
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const escape = (text) => `U+${text.codePointAt(0).toString(16).padStart(4, '0')}`

/** Files and folders below `root` that are not the victim's own, with their size and time. */
function listing(root, own, dataDir) {
  const found = new Map()
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (path === dataDir || (folder === own && entry.isFile())) continue
      const { size, mtimeMs } = statSync(path)
      if (entry.isDirectory()) walk(path)
      else found.set(relative(root, path), `${size} ${mtimeMs}`)
      if (entry.isDirectory()) found.set(relative(root, path), 'a folder')
    }
  }
  walk(root)
  return found
}
