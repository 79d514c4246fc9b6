/**
 * `npm run backlog`: a consumer that catches up from cold files while producers send. For Apache's broker and for
 * Skylark's, one after the other: stores messages, starts the broker again with nothing of the log in the page cache,
 * and measures sends at a steady rate, alone and while one consumer drains everything from the beginning.
 *
 *   --messages N   stored first, of 1 KiB each (5,000,000: seven gigabytes)
 *   --pace N       sends a second (1,000)
 *   --seconds N    how long each measurement sends (20)
 *   --make apache|skylark|both
 */
import { execFile, execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import * as apache from '../test/conformance/apache/apache.mjs'
import { choosePorts, scratchDirectory } from '../test/conformance/lib/processes.mjs'
import { buildGo } from '../test/conformance/lib/programs.mjs'
import * as skylark from '../test/conformance/skylark.mjs'
import { createTopic } from './create-topic.mjs'
import { memoryOf, secondsOf } from './process-figures.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '5000000' },
    pace: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
    make: { type: 'string', default: 'both' },
  },
})
const messages = Number(options.messages)
const pace = Number(options.pace)
const sends = pace * Number(options.seconds)

const makes = {
  apache: (where) =>
    apache.startCluster({ ...where, heapMiB: 4096, settings: { skipPreOnline: true } }),
  skylark: (where) => skylark.startCluster(where),
}

/** Runs the generator to its end; returns its figures. */
async function load(program, mode, flags) {
  const args = Object.entries({ queues: 8, size: 1024, ...flags }).flatMap(([name, value]) => [
    `-${name}`,
    String(value),
  ])
  const { stdout } = await promisify(execFile)(program, [mode, ...args])
  return JSON.parse(stdout)
}

/** Takes the files of the log out of the page cache. */
function cool(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name)
    if (!entry.isFile() || !path.includes('commitlog')) continue
    execFileSync('dd', [`of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'], {
      stdio: 'ignore',
    })
  }
}

async function measure(make, program, scratch) {
  const dir = join(scratch, make)
  const cluster = await makes[make]({ dir, ports: await choosePorts(2) })
  try {
    const address = cluster.brokerAddress
    for (const topic of ['backlog', 'live']) await createTopic(address, topic, 8)
    const stored = { address, topic: 'backlog', connections: 16, outstanding: 64, count: messages }
    await load(program, 'send', stored)
    console.error(`${make}: stored ${messages} messages`)
    await pause(5_000)
    await cluster.restartBroker()
    cool(dir)
    const live = { address, topic: 'live', connections: 4, outstanding: 1, pace }
    // Java compiles what it needs; nothing is measured yet.
    await load(program, 'send', { ...live, count: sends })
    const alone = await load(program, 'send', { ...live, count: sends })
    const before = secondsOf(cluster.brokerPid())
    const drained = { address, topic: 'backlog', connections: 1, count: messages }
    const draining = load(program, 'pull', drained)
    const beside = await load(program, 'send', { ...live, count: sends })
    const drain = await draining
    const cpuSeconds = secondsOf(cluster.brokerPid()) - before
    return { make, alone, beside, drain, cpuSeconds, memory: memoryOf(cluster.brokerPid()) }
  } finally {
    await cluster.stop()
  }
}

const ms = (micros) => `${(micros / 1000).toFixed(2)} ms`

const program = buildGo(join(here, 'load'), join(here, '.build', 'load'))
const scratch = scratchDirectory('backlog')
try {
  console.log(
    '| make | drained | sends alone: p50; p99 | sends beside: p50; p99 | CPU | anonymous |',
  )
  console.log('| --- | --- | --- | --- | --- | --- |')
  for (const make of options.make === 'both' ? ['apache', 'skylark'] : [options.make]) {
    const { alone, beside, drain, cpuSeconds, memory } = await measure(make, program, scratch.path)
    const cells = [
      make,
      `${Math.round(drain.perSecond)} msg/s`,
      `${ms(alone.p50Micros)}; ${ms(alone.p99Micros)}`,
      `${ms(beside.p50Micros)}; ${ms(beside.p99Micros)}`,
      `${cpuSeconds.toFixed(1)} s`,
      `${memory.anonymousMiB.toFixed(0)} MiB`,
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
} finally {
  scratch.remove()
}
