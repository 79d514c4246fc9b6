/**
 * `npm run bench -- --clients`: our client and Apache's Go and Java clients on one broker of ours, in turns: what a
 * message of 1 KiB costs the client's process in CPU time, sent alone with 64 in flight, sent in batches of 32, and consumed
 * from 4, 16 and 64 queues. Java is left out where there is none. In a run of its own also the longest turn that our client's
 * event loop takes.
 *
 *   --rounds N     how often each runs (3; with --quick 2)
 *   --count N      messages of a round (200,000; with --quick 50,000)
 *   --nameserver   a cluster that runs already, in place of one of ours
 *   --only NAME    send, batch, consume-4, consume-16 or consume-64; may be given several times
 *   --ours         our client alone
 *   --profile      leaves a CPU profile of our client in bench/.build
 */
import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import {
  choosePorts,
  MissingTool,
  runToEnd,
  scratchDirectory,
} from '../test/conformance/lib/processes.mjs'
import { apacheClassPath, javaArguments } from '../test/conformance/apache/apache.mjs'
import { buildGo } from '../test/conformance/lib/programs.mjs'
import * as skylark from '../test/conformance/skylark.mjs'
import { createTopic } from './create-topic.mjs'

const here = dirname(fileURLToPath(import.meta.url))
/** Java compiles what it runs often; that is no part of what a message costs. */
const warm = 60_000

/** What is measured: arguments of the clients, and how many queues the topic has. */
const WORKLOADS = {
  send: { mode: 'send', queues: 8 },
  batch: { mode: 'send', queues: 8, batch: 32, outstanding: 8 },
  'consume-4': { mode: 'consume', queues: 4 },
  'consume-16': { mode: 'consume', queues: 16 },
  'consume-64': { mode: 'consume', queues: 64 },
}

const { values: options } = parseArgs({
  options: {
    clients: { type: 'boolean' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    count: { type: 'string' },
    nameserver: { type: 'string' },
    only: { type: 'string', multiple: true },
    ours: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
  },
})
const rounds = Number(options.rounds ?? (options.quick ? 2 : 3))
const count = Number(options.count ?? (options.quick ? 50_000 : 200_000))

/** Runs one client to its end; CPU microseconds per message, messages per second, and the longest turn, ms. */
async function run([, program, before], flags) {
  const args = Object.entries({ outstanding: 64, ...flags, count, warm }).flatMap(
    ([name, value]) => [`--${name}`, String(value)],
  )
  const { stdout } = await promisify(execFile)(program, [...before, ...args])
  const { messages, cpuSeconds, seconds, longestMs } = JSON.parse(stdout)
  return { micros: (cpuSeconds / messages) * 1e6, rate: messages / seconds, longestMs }
}

/** Runs the clients in turns, A B C, C B A, …, and prints a row for each. */
export async function benchClients() {
  const profiled = ['--cpu-prof', '--cpu-prof-dir', join(here, '.build')]
  const node = [...(options.profile ? profiled : []), join(here, 'clients/node.mjs')]
  const scratch = scratchDirectory('clients')
  const ours = ['ours', process.execPath, node]
  const clients = options.profile || options.ours ? [ours] : [ours, go(), ...java(scratch.path)]
  const cluster =
    options.nameserver === undefined
      ? await skylark.startCluster({ dir: scratch.path, ports: await choosePorts(2) })
      : undefined
  const nameserver = options.nameserver ?? cluster.nameServer
  try {
    for (const [workload, { queues, ...flags }] of Object.entries(WORKLOADS)) {
      if (options.only !== undefined && !options.only.includes(workload)) continue
      const topic = `clients-${queues}`
      if (cluster !== undefined) await createTopic(cluster.brokerAddress, topic, queues)
      if (flags.mode === 'consume') await fill(ours, nameserver, topic)
      const figures = new Map(clients.map(([name]) => [name, []]))
      for (let round = 0; round < rounds; round++) {
        for (const client of round % 2 === 0 ? clients : clients.toReversed()) {
          const group = `${workload}-${client[0]}-${round}-${process.pid}`
          figures.get(client[0]).push(await run(client, { ...flags, nameserver, topic, group }))
        }
      }
      for (const [name, list] of figures) print(workload, name, list, figures.get('Go'))
      const group = `${workload}-turns-${process.pid}`
      const { longestMs } = await run(ours, { ...flags, nameserver, topic, group, turns: 'yes' })
      console.log(
        `${workload.padEnd(10)} ours  longest turn of the event loop: ${longestMs.toFixed(1)} ms`,
      )
    }
  } finally {
    await cluster?.stop()
    scratch.remove()
  }
}

/** Messages for all that consume. */
async function fill(client, nameserver, topic) {
  await run(client, { mode: 'send', batch: 32, outstanding: 8, nameserver, topic, group: 'fill' })
}

function go() {
  return ['Go', buildGo(join(here, 'clients'), join(here, '.build', 'clients')), []]
}

/** Apache's Java client, compiled; nothing where there is no Java. */
function java(home) {
  try {
    const classes = join(here, '.build', 'java')
    const source = join(here, 'clients/java/Client.java')
    runToEnd('javac', ['-nowarn', '-d', classes, '-cp', apacheClassPath(), source])
    // The heap that Apache's scripts give to tools.
    const args = javaArguments({ mainClass: 'Client', home, before: classes, heapMiB: 1024 })
    return [['Java', 'java', args]]
  } catch (error) {
    if (!(error instanceof MissingTool)) throw error
    console.log(`Java's client is left out: ${error.message}`)
    return []
  }
}

const medianOf = (list) => [...list].sort((a, b) => a - b)[list.length >> 1]

function print(workload, name, list, go) {
  const micros = list.map((each) => each.micros).sort((a, b) => a - b)
  const ratio =
    go === undefined
      ? ''
      : `; ${(medianOf(micros) / medianOf(go.map((each) => each.micros))).toFixed(2)} of Go's`
  const rate = Math.round(medianOf(list.map((each) => each.rate)))
  const shown = micros.map((each) => each.toFixed(1)).join(' ')
  console.log(
    `${workload.padEnd(10)} ${name.padEnd(5)} µs of CPU per message: ${shown}${ratio}; ${rate} messages/s`,
  )
}
