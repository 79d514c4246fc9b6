/**
 * The client of this repository against clusters of either make: every example of examples/ must show the same, and
 * clients of three makes must do together what those of one make do.
 *
 *   npm run conformance:sdk                              Skylark, Apache 5.3.3 and Apache 4.9.7
 *   npm run conformance:sdk -- --make apache-4.9.7    one of them: skylark, apache-5.3.3, apache-4.9.7
 *   npm run conformance:sdk -- --only NAME            checks whose name contains this
 *   npm run conformance:sdk -- --nameserver H:P       a cluster that runs already
 *   npm run conformance:sdk -- chaos                  every fault of the network, on Skylark and Apache 5.3.3
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { RocketMQ } from '@skylarkmq/client'
import * as apache from './apache/apache.mjs'
import {
  choosePorts,
  MissingTool,
  requireTool,
  scratchDirectory,
  waitUntil,
} from './lib/processes.mjs'
import { faults, showFaults } from './chaos/chaos.mjs'
import { closingChecks } from './sdk/closing.mjs'
import { tellSecond } from './lib/compare.mjs'
import { exampleChecks } from './sdk/examples.mjs'
import { interopChecks } from './sdk/interop.mjs'
import { startPeer } from './sdk/peers.mjs'
import { traceChecks } from './sdk/traces.mjs'
import * as skylark from './skylark.mjs'

/** Checks that are shown at once. */
const TOGETHER = 6
/** With more checks that fail it is no accident. */
const AGAIN_MAX = 6
/** How often a check is shown before its failure counts. */
const SHOWINGS = Number(process.env.SHOW ?? 2)

const settings = {
  enablePropertyFilter: true,
  recallMessageEnable: true,
  traceTopicEnable: true,
  transactionTimeOut: 1000,
  transactionCheckInterval: 1000,
}
const clusters = {
  skylark: { version: '5', start: (options) => skylark.startCluster({ ...options, settings }) },
  ...Object.fromEntries(
    [apache.apacheVersion, '4.9.7'].map((version) => [
      `apache-${version}`,
      {
        version,
        // Without the key a broker of 5.x registers only ten seconds after its start.
        start: (options) =>
          apache.startCluster({
            ...options,
            version,
            settings: { ...settings, skipPreOnline: true },
          }),
      },
    ]),
  ),
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    make: { type: 'string', multiple: true },
    nameserver: { type: 'string' },
    only: { type: 'string', default: '' },
  },
})
const isChaos = positionals.includes('chaos')
const total = { passed: 0, failed: 0, skipped: 0 }
/** What failed once. */
const second = []

function skip(what, why) {
  total.skipped++
  console.log(`skipped ${what}: ${why}`)
}

const isWanted = ([check]) => check.includes(options.only)

/** Starts the programs that can be; says which cannot. */
function startPeers(directory) {
  const tools = {
    node: [],
    go: ['go', ['version'], 'Go 1.20'],
    java: ['java', ['-version'], 'a JDK of 17'],
  }
  const peers = {}
  for (const [make, [tool, args, hint]] of Object.entries(tools)) {
    try {
      if (tool !== undefined) requireTool(tool, args, `for the ${make} client`, `Install ${hint}.`)
      peers[make] = startPeer(make, directory)
    } catch (error) {
      if (!(error instanceof MissingTool)) throw error
      skip(`all checks with ${make}`, error.message)
    }
  }
  return peers
}

/** Shows one check; resolves with what went wrong, undefined when nothing did. */
async function showOne(cluster, [name, check], showing) {
  // Of each cluster another: a file of offsets outlasts the cluster.
  const topic = `${name}-${cluster.name}-${showing}`.replace(/\W/g, '-')
  const began = performance.now()
  let error
  try {
    await check({ ...cluster, topic, group: `group-${topic}` })
  } catch (thrown) {
    error = thrown
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  const which = showing === 1 ? '' : `, showing ${showing}`
  console.log(`${error ? 'FAILED' : 'shown '} ${cluster.name} ${name} (${seconds} s${which})`)
  if (error) console.log(`    ${error.message.replaceAll('\n', '\n    ')}`)
  return error
}

/** Shows checks, some at once; resolves with those that failed. */
async function showAll(cluster, checks, showing, together) {
  const left = [...checks]
  const failed = []
  const work = async () => {
    for (let check = left.shift(); check !== undefined; check = left.shift()) {
      if ((await showOne(cluster, check, showing)) !== undefined) failed.push(check)
    }
  }
  await Promise.all(Array.from({ length: together }, work))
  return failed
}

/** Shows faults of the network; a cluster that runs already is left alone. */
async function showChaos(cluster, wanted) {
  if (cluster.restartBroker === undefined) return
  const shown = await showFaults(
    cluster,
    wanted.filter(({ name }) => isWanted([`chaos/${name}`])),
  )
  const { passed, failed } = shown
  second.push(...shown.second.map((name) => `${cluster.name} chaos/${name}`))
  total.passed += passed
  total.failed += failed
}

/** `brokerPid` is given for a broker of ours to stop. */
async function showCluster(running) {
  const { name, version, nameServer, brokerPid, peers, directory } = running
  const mq = new RocketMQ({ nameServers: nameServer })
  const createTopic = async (topic, queues) => {
    const { topics } = mq.admin()
    await topics.create(topic, { queues })
    // Apache's clients look for a topic that is not there only every 30 s.
    await waitUntil(`the route of ${topic}`, async () => (await topics.route(topic)) !== undefined)
  }
  if (isChaos) {
    await showChaos({ ...running, createTopic }, faults)
    await mq.close({ timeout: 1_000 })
    return
  }
  const cluster = { ...peers, name, nameServer, brokerPid, directory, createTopic }
  const interop = interopChecks.filter(([, makes]) => makes.every((make) => make in peers))
  const checks = [
    ...interop.map(([check, , run]) => [`interop/${check}`, run]),
    ...('java' in peers ? traceChecks : []),
    ...exampleChecks(version),
  ].filter(isWanted)
  let failed = await showAll(cluster, checks, 1, TOGETHER)
  for (let showing = 2; showing <= SHOWINGS && failed.length <= AGAIN_MAX; showing++) {
    const again = failed
    failed = await showAll(cluster, again, showing, 2)
    for (const check of again) if (!failed.includes(check)) second.push(`${name} ${check[0]}`)
  }
  await showChaos(
    { ...running, createTopic },
    faults.filter(({ isShort }) => isShort),
  )
  const closing = brokerPid === undefined ? [] : closingChecks.filter(isWanted)
  failed.push(...(await showAll(cluster, closing, 1, 1)))
  await mq.close({ timeout: 1_000 })
  total.passed += checks.length + closing.length - failed.length
  total.failed += failed.length
}

async function main(scratch) {
  const peers = isChaos ? {} : startPeers(scratch)
  try {
    if (options.nameserver !== undefined) {
      const given = { name: 'given', version: '5', nameServer: options.nameserver }
      return await showCluster({ ...given, peers, directory: scratch })
    }
    const makes = isChaos ? ['skylark', `apache-${apache.apacheVersion}`] : Object.keys(clusters)
    for (const name of options.make ?? makes) {
      const { version, start } = clusters[name]
      const directory = join(scratch, name)
      mkdirSync(directory)
      try {
        const cluster = await start({ dir: directory, ports: await choosePorts(2) })
        try {
          await showCluster({ ...cluster, name, version, peers, directory: scratch })
        } finally {
          await cluster.stop()
        }
      } catch (error) {
        if (!(error instanceof MissingTool) || name === 'skylark') throw error
        skip(name, error.message)
      }
    }
  } finally {
    await Promise.all(Object.values(peers).map((peer) => peer.end()))
  }
}

const scratch = scratchDirectory('sdk')
try {
  await main(scratch.path)
  tellSecond(second)
  const rest = total.skipped === 0 ? '' : `, ${total.skipped} skipped`
  console.log(`${total.passed} passed, ${total.failed} failed${rest}`)
  process.exitCode = total.failed === 0 ? 0 : 1
} finally {
  scratch.remove()
}
