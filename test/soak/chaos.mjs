/**
 * `npm run soak -- --chaos`: our client in a process of its own, with two brokers behind proxies that cut, reset, stall, forget
 * and delay every few seconds, and a broker that is killed now and then. What the process does and what it looks at is in
 * `chaos-client.mjs`; this one has the faults, and watches how the process ends.
 *
 *   --make skylark|apache   whose brokers (skylark)
 *   --minutes N             how long (10)
 *   --every N               seconds between two faults, about (3)
 *   --kills N               seconds between two deaths of a broker, about (30)
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { RocketMQ } from '@skylarkmq/client'
import { ChaosProxy } from '@skylarkmq/testing'
import * as apache from '../conformance/apache/apache.mjs'
import { choosePorts, scratchDirectory, waitUntil } from '../conformance/lib/processes.mjs'
import * as skylark from '../conformance/skylark.mjs'

const BROKERS = ['broker-a', 'broker-b']
const TOPICS = ['Soak', 'Ordered']
const QUEUES = 4
/** From the end of its work to the end of the process, ms. */
const END_MS = 15_000
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** A number from `from` to `to`. */
const between = (from, to) => from + Math.random() * (to - from)
const oneOf = (list) => list[Math.floor(Math.random() * list.length)]

/** Each is done to one proxy; resolves when it is over. */
const faults = {
  fin: (proxy) => proxy.cut('fin'),
  rst: (proxy) => proxy.cut('rst'),
  forget: (proxy) => proxy.forget(),
  inFrame: (proxy) => lasting(proxy, { resetsInFrame: 2 }, 1_000),
  stall: (proxy) => lasting(proxy, { isStalled: true }, between(500, 5_000)),
  hang: (proxy) => {
    proxy.cut('rst')
    return lasting(proxy, { hangs: true }, between(500, 4_000))
  },
  late: (proxy) =>
    lasting(proxy, { latencyMs: Math.round(between(20, 300)) }, between(1_000, 5_000)),
  bytewise: (proxy) => lasting(proxy, { isBytewise: true }, between(500, 2_000)),
  away: async (proxy) => {
    await proxy.goAway()
    await pause(between(500, 4_000))
    await proxy.comeBack()
  },
}

async function lasting(proxy, mode, ms) {
  proxy.set(mode)
  await pause(ms)
  proxy.heal()
}

/** A name server and two brokers, which may be killed. */
async function startBrokers({ make, dir, ports }) {
  const server = await make.startNameServer({ dir: join(dir, 'namesrv'), port: ports[0] })
  const start = (at) =>
    make.startBroker({
      dir: join(dir, BROKERS[at]),
      port: ports[at + 1],
      nameServer: server.address,
      settings: {
        ...{ brokerName: BROKERS[at], transactionTimeOut: 3_000, transactionCheckInterval: 3_000 },
        ...(make === apache ? { skipPreOnline: true } : {}),
      },
      heapMiB: 512,
    })
  const brokers = [await start(0), await start(1)]
  return {
    nameServer: server.address,
    addresses: brokers.map(({ address }) => address),
    async killAndStart(at) {
      await brokers[at].stop('SIGKILL')
      await pause(between(0, 5_000))
      brokers[at] = await start(at)
    },
    async stop() {
      await Promise.all(brokers.map((each) => each.stop()))
      await server.stop()
    },
  }
}

async function createTopics(nameServer) {
  const mq = new RocketMQ({ nameServers: nameServer, logger: silent })
  for (const topic of TOPICS) {
    await mq.admin().topics.create(topic, { queues: QUEUES })
    const known = async () => (await mq.admin().topics.route(topic))?.queueDatas.length === 2
    await waitUntil(`the route of ${topic} to both brokers`, known)
  }
  await mq.close()
}

/** Resolves with how often each fault was made. */
async function makeFaults(proxies, everyMs, isOver) {
  const counts = {}
  while (!isOver()) {
    await pause(everyMs * between(0.3, 1.7))
    const name = oneOf(Object.keys(faults))
    counts[name] = (counts[name] ?? 0) + 1
    await faults[name](oneOf(proxies))
  }
  return counts
}

async function killBrokers(brokers, everyMs, isOver) {
  let deaths = 0
  while (!isOver()) {
    await pause(everyMs * between(0.5, 1.5))
    if (isOver()) break
    deaths++
    await brokers.killAndStart(deaths % BROKERS.length)
  }
  return deaths
}

/** Runs the client's process; resolves with what it says, and how it ended. */
function startClient(options) {
  const file = fileURLToPath(new URL('chaos-client.mjs', import.meta.url))
  const child = fork(file, [JSON.stringify(options)], { execArgv: ['--expose-gc'] })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = once(child, 'exit').finally(() => process.off('exit', kill))
  const said = new Promise((resolve) => child.once('message', resolve))
  return {
    healed: () => child.send('healed'),
    async end() {
      const result = await Promise.race([said, ended.then(() => undefined)])
      const began = performance.now()
      const how = await Promise.race([ended, pause(END_MS, 'late', { ref: false })])
      if (how === 'late') kill()
      const [code, signal] = how === 'late' ? ['it had to be killed'] : how
      return { result, ended: { code, signal, ms: Math.round(performance.now() - began) } }
    },
  }
}

/** Runs it; resolves with whether nothing was wrong. */
export async function chaosSoak({ make: makeName, minutes, every, kills }) {
  const make = makeName === 'apache' ? apache : skylark
  const scratch = scratchDirectory(`soak-chaos-${makeName}`)
  const dir = scratch.path
  mkdirSync(join(dir, 'offsets'), { recursive: true })
  const brokers = await startBrokers({ make, dir, ports: await choosePorts(3) })
  const targets = [brokers.nameServer, ...brokers.addresses]
  const proxies = await Promise.all(targets.map((target) => ChaosProxy.start(target)))
  try {
    await createTopics(brokers.nameServer)
    const endsAt = performance.now() + minutes * 60_000
    const isOver = () => performance.now() > endsAt
    const client = startClient({
      nameServer: brokers.nameServer,
      ports: Object.fromEntries(proxies.map((each) => [each.target, each.port])),
      brokers: BROKERS,
      queues: QUEUES,
      seconds: minutes * 60,
      offsetsDirectory: join(dir, 'offsets'),
    })
    const [faultsMade, deaths] = await Promise.all([
      makeFaults(proxies, every * 1000, isOver),
      killBrokers(brokers, kills * 1000, isOver),
    ])
    client.healed()
    const { result, ended } = await client.end()
    console.dir(
      { make: makeName, minutes, faults: faultsMade, deaths, ...result, ended },
      { depth: 4 },
    )
    const problems = result === undefined ? ['the client process said nothing'] : result.problems
    if (ended.code !== 0)
      problems.push(`the client process ended with ${ended.code ?? ended.signal}`)
    for (const each of problems) console.log(`FAILED: ${each}`)
    return problems.length === 0
  } finally {
    await Promise.all(proxies.map((each) => each.close()))
    await brokers.stop()
    scratch.remove()
  }
}
