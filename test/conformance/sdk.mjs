/**
 * The client of this repository against a cluster of either make: every example of examples/ must show the same.
 *
 *   npm run conformance:sdk                              Apache, then Skylark
 *   npm run conformance:sdk -- --make apache          one of them (ROCKETMQ_VERSION=4.9.7 for another version)
 *   npm run conformance:sdk -- --only NAME            examples whose name contains this
 *   npm run conformance:sdk -- --nameserver H:P       a cluster that runs already
 */
import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import * as apache from './apache/apache.mjs'
import { choosePorts, MissingTool, scratchDirectory } from './lib/processes.mjs'
import * as skylark from './skylark.mjs'

const examples = join(dirname(fileURLToPath(import.meta.url)), '../../examples')

/** What each example shows, its lines sorted; a pattern stands for a line whose rest differs from run to run. */
const shown = {
  'send-and-consume.mjs': [
    ...['five', 'four', 'one', 'six', 'three', 'two'].map((body) => `got ${body}`),
    ...['one', 'three', 'two'].map((body) => new RegExp(`^sent ${body} as [0-9A-F]{32}: queue`)),
    'sent 3 more: SEND_OK, SEND_OK, SEND_OK',
  ],
  'one-way.mjs': [
    ...[19, 20, 21].map((degrees) => `got ${degrees}`),
    ...[19, 20, 21].map((degrees) => new RegExp(`^on its way: ${degrees} as`)),
  ],
  'batch.mjs': [/^sent 1000 messages in \d requests$/],
  'ordered.mjs': [1, 2, 3].map((n) => `order-${n}: created, paid, shipped`),
  'typed.mjs': [/^RMQ_SERDE: /, 'got order 1: tea', 'got order 2: cup'],
  'request-reply.mjs': ['got 1 + 2 = 3', 'got 3 + 4 + 5 = 12'],
  'filter-by-sql.mjs': ['got chair', 'got teapot'],
  'deliver-later.mjs': [
    /^got after a level, stored (5|6)\d{3} ms/,
    /^got after a while, stored (1|2)\d{3} ms/,
    /^got at a time, stored (3|4)\d{3} ms/,
  ],
  'transaction.mjs': ['got paid', 'got paid, and not said'],
}
/** Messages with a time of their own came with 5.0. */
const needs5 = new Set(['deliver-later.mjs'])
const settings = {
  enablePropertyFilter: true,
  transactionTimeOut: 1000,
  transactionCheckInterval: 1000,
}

const { values: options } = parseArgs({
  options: {
    make: { type: 'string' },
    nameserver: { type: 'string' },
    only: { type: 'string', default: '' },
  },
})
let failures = 0

/** Runs one example; says whether it showed what it should. */
async function run(make, name, nameServer) {
  let lines
  try {
    const all = [join(examples, name), nameServer]
    const { stdout } = await promisify(execFile)(process.execPath, all, { timeout: 120_000 })
    lines = stdout.trim().split('\n').sort()
  } catch (error) {
    lines = [error.stderr || error.message]
  }
  const wanted = shown[name]
  const isOk =
    lines.length === wanted.length &&
    wanted.every((each) =>
      lines.some((line) => (each instanceof RegExp ? each.test(line) : each === line)),
    )
  if (!isOk) failures++
  console.log(`${isOk ? 'shown ' : 'FAILED'} ${make} ${name}`)
  if (!isOk) for (const line of lines) console.log(`       ${line}`)
}

async function runAll(make, nameServer, version = '5') {
  for (const name of Object.keys(shown).filter((each) => each.includes(options.only))) {
    if (!(version.startsWith('4.') && needs5.has(name))) await run(make, name, nameServer)
  }
}

async function main() {
  if (options.nameserver !== undefined) return runAll('', options.nameserver)
  const makes = options.make === undefined ? ['apache', 'skylark'] : [options.make]
  for (const make of makes) {
    const scratch = scratchDirectory(`sdk-${make}`)
    const { startCluster } = make === 'apache' ? apache : skylark
    const cluster = await startCluster({ dir: scratch.path, ports: await choosePorts(2), settings })
    try {
      const version = make === 'apache' ? apache.apacheVersion : '5'
      await runAll(make, cluster.nameServer, version)
    } finally {
      await cluster.stop()
      scratch.remove()
    }
  }
}

try {
  await main()
  process.exitCode = failures === 0 ? 0 : 1
} catch (error) {
  if (!(error instanceof MissingTool)) throw error
  console.error(error.message)
  process.exitCode = 2
}
