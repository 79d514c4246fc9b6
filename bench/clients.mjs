/**
 * `npm run bench -- --clients`: our client and Apache's Go and Java clients on one broker of ours, in turns: what a
 * message of 1 KiB costs the client's process in CPU time, sent with 64 in flight and consumed. Java is left out where there
 * is none.
 *
 *   --rounds N     how often each runs (3; with --quick 2)
 *   --count N      messages of a round (200,000; with --quick 50,000)
 *   --nameserver   a cluster that runs already, in place of one of ours
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
const topic = 'clients'
/** Java compiles what it runs often; that is no part of what a message costs. */
const warm = 60_000

const { values: options } = parseArgs({
  options: {
    clients: { type: 'boolean' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    count: { type: 'string' },
    nameserver: { type: 'string' },
    profile: { type: 'boolean', default: false },
  },
})
const rounds = Number(options.rounds ?? (options.quick ? 2 : 3))
const count = Number(options.count ?? (options.quick ? 50_000 : 200_000))

/** Runs one client to its end; CPU microseconds per message, and messages per second. */
async function run(program, before, mode, nameServer, group) {
  const flags = { mode, nameserver: nameServer, topic, group, count, warm, outstanding: 64 }
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)])
  const { stdout } = await promisify(execFile)(program, [...before, ...args])
  const { messages, cpuSeconds, seconds } = JSON.parse(stdout)
  return { micros: (cpuSeconds / messages) * 1e6, rate: messages / seconds }
}

/** Runs both clients in turns, A B, B A, …, and prints a row for each. */
export async function benchClients() {
  const go = buildGo(join(here, 'clients'), join(here, '.build', 'clients'))
  const profiled = ['--cpu-prof', '--cpu-prof-dir', join(here, '.build')]
  const node = [...(options.profile ? profiled : []), join(here, 'clients/node.mjs')]
  const scratch = scratchDirectory('clients')
  const ours = ['ours', process.execPath, node]
  const clients = options.profile ? [ours] : [ours, ['Go', go, []], ...java(scratch.path)]
  const cluster =
    options.nameserver === undefined
      ? await skylark.startCluster({ dir: scratch.path, ports: await choosePorts(2) })
      : undefined
  const nameServer = options.nameserver ?? cluster.nameServer
  try {
    if (cluster !== undefined) await createTopic(cluster.brokerAddress, topic, 8)
    for (const mode of ['send', 'consume']) {
      const figures = new Map(clients.map(([name]) => [name, []]))
      for (let round = 0; round < rounds; round++) {
        for (const [name, program, before] of round % 2 === 0 ? clients : clients.toReversed()) {
          const group = `${mode}-${name}-${round}-${process.pid}`
          figures.get(name).push(await run(program, before, mode, nameServer, group))
        }
      }
      const go = figures.get('Go')
      for (const [name, list] of figures) print(mode, name, list, go)
    }
  } finally {
    await cluster?.stop()
    scratch.remove()
  }
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

function print(mode, name, list, go) {
  const micros = list.map((each) => each.micros).sort((a, b) => a - b)
  const ratio = go === undefined ? NaN : medianOf(micros) / medianOf(go.map((each) => each.micros))
  const rates = list.map((each) => each.rate).sort((a, b) => a - b)
  const shown = micros.map((each) => each.toFixed(1)).join(' ')
  const rate = Math.round(rates[rates.length >> 1])
  console.log(
    `${mode.padEnd(8)} ${name.padEnd(5)} µs of CPU per message: ${shown}; ${ratio.toFixed(2)} of Go's; ${rate} messages/s`,
  )
}
