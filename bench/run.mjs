/**
 * `npm run bench`: Apache's broker and Skylark's on this machine, under the same load, in turns.
 *
 * The figure to compare by is the server's CPU time per million messages: it holds on a shared
 * machine, where throughput and latency are what the neighbours left over.
 *
 *   --quick             less of everything; under three minutes
 *   --make apache|skylark|both
 *   --rounds N          how often each workload runs on each make (3; with --quick 2)
 *   --warm N            messages before anything is measured (500,000; with --quick 100,000)
 *   --only PATTERN      workloads whose name contains this
 *   --against FILE      another build of Skylark's command in place of Apache; nothing is recorded or refused
 *   --margin X          fail when a ratio to Apache is below X times the recorded one (0.7; with --quick 0.5)
 *   --record            write the ratios of this run to recorded.json in place of holding them against it
 *   --clients           our client and Apache's Go client on our broker instead: see clients.mjs
 *   --profile PATTERN   as --only, on Skylark alone, and leaves a CPU profile in bench/.build
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import * as apache from '../test/conformance/apache/apache.mjs'
import {
  choosePorts,
  MissingTool,
  runToEnd,
  scratchDirectory,
} from '../test/conformance/lib/processes.mjs'
import { buildGo } from '../test/conformance/lib/programs.mjs'
import * as skylark from '../test/conformance/skylark.mjs'
import { createTopic } from './create-topic.mjs'
import { ratiosOf, record, recorded, worse } from './gate.mjs'
import { GivenMemory } from './given-memory.mjs'
import { memoryOf, secondsOf } from './process-figures.mjs'
import { printTable } from './table.mjs'
import { asyncWorkloads, syncWorkloads } from './workloads.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const topic = 'bench'
const queues = 8

if (process.argv.includes('--clients')) {
  const { benchClients } = await import('./clients.mjs')
  await benchClients()
  process.exit()
}

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    make: { type: 'string', default: 'both' },
    rounds: { type: 'string' },
    warm: { type: 'string' },
    only: { type: 'string' },
    profile: { type: 'string' },
    margin: { type: 'string' },
    against: { type: 'string' },
    record: { type: 'boolean', default: false },
  },
})
const rounds = Number(options.rounds ?? (options.quick ? 2 : 3))
const warmMessages = Number(options.warm ?? (options.quick ? 100_000 : 500_000))

const margin = Number(options.margin ?? (options.quick ? 0.5 : 0.7))

const isWanted = ({ name, quick }) =>
  name.includes(options.only ?? options.profile ?? '') && (!options.quick || quick > 0)
const asyncWanted = asyncWorkloads.filter(isWanted)
const syncWanted = syncWorkloads.filter(isWanted)
const countOf = (workload) => (options.quick ? workload.quick : workload.count)
const warming = { mode: 'send', connections: 8, outstanding: 16, size: 1024 }

/** What a message of a load takes of the page cache, its share of the consume queues and the index included. */
const bytesOf = ({ mode, size }, count) => (mode === 'pull' ? 0 : count * (size + 400))

/** What all that is wanted takes on one make. */
function bytesInAll() {
  const rounded = [...asyncWanted, ...syncWanted].map((one) => bytesOf(one, countOf(one)))
  return bytesOf(warming, warmMessages) + rounded.reduce((sum, one) => sum + one, 0) * (rounds + 1)
}

/** Set before anything is measured. */
let memory

const makes = {
  apache: {
    start: ({ dir, ports }) =>
      apache.startCluster({
        dir,
        ports,
        heapMiB: 4096,
        // On a crowded machine a send may wait; the default refuses it after 200 ms.
        settings: { waitTimeMillsInSendQueue: 10_000, skipPreOnline: true },
      }),
  },
  other: {
    start: ({ dir, ports }) =>
      skylark.startCluster({ dir, ports, program: resolve(options.against) }),
  },
  skylark: {
    start: ({ dir, ports }) => skylark.startCluster({ dir, ports, nodeArguments: profiling() }),
  },
}

/** What has Node write a profile when it ends. */
function profiling() {
  if (options.profile === undefined) return []
  return ['--cpu-prof', '--cpu-prof-interval', '500', '--cpu-prof-dir', join(here, '.build')]
}

/** Runs the generator in memory that is the guest's; throws when an answer was not a success. */
async function load(program, address, workload, count) {
  const {
    mode,
    connections,
    outstanding,
    size = 1024,
    topics = 1,
    batch = 1,
    rate = 1000,
    mixed = false,
  } = workload
  const name = topics === 1 ? topic : `${topic}${topics}`
  const shape = { connections, outstanding, size, topics, batch, rate, mixed }
  const flags = { address, topic: name, queues, count, ...shape }
  const args = Object.entries(flags).map(([name, value]) => `-${name}=${value}`)
  memory.release(bytesOf({ mode, size }, count))
  const { stdout } = await promisify(execFile)(program, [mode, ...args])
  const figures = JSON.parse(stdout)
  const refused = Object.keys(figures.codes).filter((code) => mode === 'send' && code !== '0')
  if (refused.length > 0)
    throw new Error(`${mode} was answered with ${JSON.stringify(figures.codes)}`)
  return figures
}

/** The topics of all workloads that have more than one. */
async function createTopics(address) {
  await createTopic(address, topic, queues)
  for (const { topics = 1 } of asyncWanted) {
    for (let i = 0; i < topics && topics > 1; i++) {
      await createTopic(address, `${topic}${topics}-${String(i).padStart(4, '0')}`, queues)
    }
  }
}

/** Starts a make with a topic, measures the start, and sends the messages that warm it. */
async function prepare(make, program, scratch) {
  const began = performance.now()
  const cluster = await makes[make].start({ dir: join(scratch, make), ports: await choosePorts(2) })
  const start = {
    readySeconds: (performance.now() - began) / 1000,
    readyCpuSeconds: secondsOf(cluster.brokerPid()),
    readyMemory: memoryOf(cluster.brokerPid()),
  }
  await createTopics(cluster.brokerAddress)
  await load(program, cluster.brokerAddress, warming, warmMessages)
  // What was sent is still being written out, and Java still compiles.
  await pause(options.quick ? 1_000 : 5_000)
  console.error(`${make}: ready after ${start.readySeconds.toFixed(2)} s, warmed`)
  return { make, cluster, start, figures: new Map() }
}

/** One round of one workload on one make. */
async function measure(subject, program, workload) {
  const pid = subject.cluster.brokerPid()
  const before = secondsOf(pid)
  const figures = await load(program, subject.cluster.brokerAddress, workload, countOf(workload))
  // The consume queues and the index follow the log; their cost belongs to the messages.
  await pause(500)
  const cpuPerMillion = ((secondsOf(pid) - before) / figures.messages) * 1e6
  const list = subject.figures.get(workload.name) ?? []
  subject.figures.set(workload.name, [...list, { ...figures, cpuPerMillion }])
  console.error(`${subject.make.padEnd(8)} ${workload.name}: ${cpuPerMillion.toFixed(1)} cpu-s/M`)
}

/** A B, B A, A B, …: what drifts on the machine meets both alike. */
async function measureAll(subjects, program, workloads) {
  for (const workload of workloads) {
    // A round that does not count: Java compiles what this shape of load makes hot.
    for (const { cluster } of subjects) {
      await load(program, cluster.brokerAddress, workload, countOf(workload))
    }
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 === 0 ? subjects : [...subjects].reverse()
      for (const subject of order) await measure(subject, program, workload)
    }
  }
}

/** What each process uses while nothing happens, in shares of a core. */
async function measureIdle(subjects) {
  await pause(5_000)
  const before = subjects.map(({ cluster }) => secondsOf(cluster.brokerPid()))
  const began = performance.now()
  await pause(options.quick ? 5_000 : 20_000)
  const seconds = (performance.now() - began) / 1000
  subjects.forEach((subject, i) => {
    subject.idle = (secondsOf(subject.cluster.brokerPid()) - before[i]) / seconds
  })
}

/** Fetches the memory that the rounds will write to, and says what that changes. */
function fetchMemory(directory, bytes) {
  memory = new GivenMemory(directory, bytes)
  const gigabytes = (memory.bytes / 2 ** 30).toFixed(1)
  const [fresh, given] = [memory.freshSeconds, memory.givenSeconds].map((one) => one.toFixed(2))
  return `a new gigabyte of page cache took ${fresh} s of system time, then ${given} s; ${gigabytes} GiB were fetched before`
}

/** The ratios are recorded, or held against those recorded; a row that is worse is measured once more, alone. */
async function gate(subjects, measured, again) {
  if (options.against !== undefined) return true
  const ratios = ratiosOf(subjects, measured)
  if (options.record) {
    record(ratios, options.quick, machine())
    return true
  }
  const rows = recorded(options.quick)
  for (const { name } of worse(ratios, rows, margin)) {
    console.error(`once more: ${name}`)
    for (const { figures } of subjects) figures.delete(name)
    await again(measured.filter((one) => one.name === name))
  }
  const found = worse(ratiosOf(subjects, measured), rows, margin)
  for (const { name, ratio, before } of found) {
    const said = `${ratio.toFixed(1)} times less CPU time than Apache, of ${before.toFixed(1)} recorded`
    console.log(`WORSE ${name}: ${said} (at least ${margin} of it is wanted)`)
  }
  return found.length === 0
}

async function main() {
  const program = buildGo(join(here, 'load'), join(here, '.build', 'load'))
  const both = options.make === 'both' && options.profile === undefined
  const first = options.against === undefined ? 'apache' : 'other'
  const wanted = both ? [first, 'skylark'] : [options.profile ? 'skylark' : options.make]
  if (wanted.includes('apache')) apache.apacheClassPath()
  if (wanted.includes('skylark')) skylark.requireSkylark()
  const scratch = scratchDirectory('bench')
  const subjects = []
  try {
    const given = fetchMemory(join(scratch.path, 'memory'), bytesInAll() * wanted.length)
    console.error(given)
    for (const make of wanted) subjects.push(await prepare(make, program, scratch.path))
    const run = (workloads) => measureAll(subjects, program, workloads)
    await run(asyncWanted)
    let isGood = !both || (await gate(subjects, asyncWanted, run))
    for (const subject of subjects) subject.memory = memoryOf(subject.cluster.brokerPid())
    await measureIdle(subjects)
    if (syncWanted.length > 0) {
      const settings = { flushDiskType: 'SYNC_FLUSH' }
      for (const { cluster } of subjects) await cluster.restartBroker(settings)
      await run(syncWanted)
      if (both && !(await gate(subjects, syncWanted, run))) isGood = false
    }
    printTable(subjects, [...asyncWanted, ...syncWanted], `${machine()}\n${given}`)
    if (!isGood) process.exitCode = 1
  } finally {
    for (const subject of subjects) await subject.cluster.stop()
    scratch.remove()
  }
}

/** One line about what this ran on. */
function machine() {
  const model =
    /model name\s*:\s*(.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown'
  const cores = runToEnd('nproc', []).trim()
  return `${model}, ${cores} cores; Node ${process.version}; Apache ${apache.apacheVersion}; warmed with ${warmMessages} messages`
}

try {
  await main()
} catch (error) {
  if (!(error instanceof MissingTool)) throw error
  console.error(error.message)
  process.exitCode = 2
}
