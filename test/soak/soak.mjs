/**
 * `npm run soak`: our client for a long time, while its broker is killed and started again every few seconds. Producers
 * send numbers, members of two groups take them, one of them in order; members come and leave. At the end every number
 * that was acknowledged must have been taken; what came twice is counted, and the client's memory is compared.
 *
 *   --make skylark|apache   whose broker (skylark)
 *   --seconds N             how long (60)
 *   --every N               seconds between two deaths of the broker, about (4; for Apache 20)
 *   --rate N                messages a second (300)
 *   --chaos                 two brokers behind proxies that do what networks do; its options are in chaos.mjs
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { RocketMQ } from '@skylarkmq/client'
import * as apache from '../conformance/apache/apache.mjs'
import { choosePorts, scratchDirectory } from '../conformance/lib/processes.mjs'
import * as skylark from '../conformance/skylark.mjs'
import { chaosSoak } from './chaos.mjs'

const { values: options } = parseArgs({
  options: {
    make: { type: 'string', default: 'skylark' },
    seconds: { type: 'string', default: '60' },
    every: { type: 'string' },
    rate: { type: 'string', default: '300' },
    chaos: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '10' },
    kills: { type: 'string', default: '30' },
  },
})
if (options.chaos) {
  const { make, minutes, every = '3', kills } = options
  const isGood = await chaosSoak({ ...{ make, minutes: +minutes }, every: +every, kills: +kills })
  process.exit(isGood ? 0 : 1)
}
const isApache = options.make === 'apache'
const everyMs = Number(options.every ?? (isApache ? 20 : 4)) * 1000
const rate = Number(options.rate)
const endsAt = performance.now() + Number(options.seconds) * 1000
const QUEUES = 8
/** How long everything has to be taken once the deaths are over. */
const CATCH_UP_MS = 90_000

/** More numbers than are sent: room that is there from the start, so that only what leaks grows. */
const room = Math.ceil(Number(options.seconds) * rate * 2) + 10_000
const acknowledged = new Uint8Array(room)
const groups = {
  concurrent: { taken: new Uint8Array(room), members: [], ordered: false },
  ordered: { taken: new Uint8Array(room), members: [], ordered: true },
}
const failures = { sends: 0, deaths: 0, joins: 0, leaves: 0 }
const figures = []
const said = new Map()
const logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (line) => said.set(line.event ?? line, (said.get(line.event ?? line) ?? 0) + 1),
  error: (line) => said.set(line.event ?? line, (said.get(line.event ?? line) ?? 0) + 1),
}

const isOver = () => performance.now() > endsAt

/** Sends numbers at the rate, whatever becomes of them. */
async function produce(mq, first, step) {
  const producer = await mq.producer({ group: 'soak-producer' })
  const open = new Set()
  for (let number = first; !isOver(); number += step) {
    const key = number % QUEUES
    const sent = producer
      .send({ topic: 'Soak', body: String(number), shardingKey: `key${key}` })
      .then(() => (acknowledged[number] = 1))
      .catch(() => failures.sends++)
      .finally(() => open.delete(sent))
    open.add(sent)
    if (open.size > 200) await Promise.race(open)
    await pause((step * 1000) / rate)
  }
  await Promise.all(open)
  await producer.close()
}

async function joinGroup(nameServers, name) {
  const group = groups[name]
  const mq = new RocketMQ({ nameServers, logger })
  const consumer = await mq.consumer({
    group: `soak-${name}`,
    subscriptions: { Soak: '*' },
    consumeFrom: 'first',
    ordered: group.ordered,
  })
  await consumer.run(async (message) => {
    const number = Number(message.body.toString())
    await pause(1)
    group.taken[number]++
  })
  group.members.push(mq)
  failures.joins++
}

async function leave(name) {
  const mq = groups[name].members.shift()
  failures.leaves++
  const began = performance.now()
  await mq.close({ timeout: 5_000 })
  const tookMs = performance.now() - began
  if (tookMs > 6_000) throw new Error(`close took ${tookMs} ms, with a deadline of 5000`)
}

/** Members of both groups come and leave. */
async function comeAndGo(nameServers) {
  while (!isOver()) {
    await pause(5_000 + Math.random() * 5_000)
    for (const name of Object.keys(groups)) {
      if (groups[name].members.length > 2) await leave(name)
      else await joinGroup(nameServers, name)
    }
  }
}

async function kill(cluster) {
  while (!isOver()) {
    await pause(everyMs * (0.5 + Math.random()))
    if (isOver()) break
    failures.deaths++
    await cluster.restartBroker({}, 'SIGKILL')
  }
}

async function watchMemory() {
  while (!isOver()) {
    globalThis.gc?.()
    const { heapUsed, external, rss } = process.memoryUsage()
    const handles = process.getActiveResourcesInfo().length
    figures.push({
      heap: heapUsed / 2 ** 20,
      external: external / 2 ** 20,
      rss: rss / 2 ** 20,
      handles,
    })
    await pause(2_000)
  }
}

function missing() {
  const lost = []
  for (const [name, { taken }] of Object.entries(groups)) {
    for (let number = 0; number < room; number++) {
      if (acknowledged[number] === 1 && taken[number] === 0) lost.push(`${name}: ${number}`)
    }
  }
  return lost
}

const scratch = scratchDirectory(`soak-${options.make}`)
mkdirSync(join(scratch.path, 'data'), { recursive: true })
const make = isApache ? apache : skylark
const settings = { autoCreateTopicEnable: true, ...(isApache ? { skipPreOnline: true } : {}) }
const cluster = await make.startCluster({
  dir: scratch.path,
  ports: await choosePorts(2),
  settings,
})
let lost
try {
  const { nameServer: nameServers } = cluster
  const admin = new RocketMQ({ nameServers, logger })
  await admin.admin().topics.create('Soak', { queues: QUEUES })
  const senders = [new RocketMQ({ nameServers, logger }), new RocketMQ({ nameServers, logger })]
  for (const name of Object.keys(groups)) {
    await joinGroup(nameServers, name)
    await joinGroup(nameServers, name)
  }
  await Promise.all([
    ...senders.map((mq, index) => produce(mq, index, senders.length)),
    comeAndGo(nameServers),
    kill(cluster),
    watchMemory(),
  ])
  const caughtUpAt = performance.now() + CATCH_UP_MS
  while (missing().length > 0 && performance.now() < caughtUpAt) await pause(500)
  lost = missing()
  for (const { members } of Object.values(groups))
    await Promise.all(members.map((mq) => mq.close()))
  await Promise.all([admin, ...senders].map((mq) => mq.close()))
} finally {
  await cluster.stop()
  scratch.remove()
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0
/** Medians of ten figures that begin at a part of the run. */
const figuresAt = (share) => {
  const begin = Math.max(0, Math.min(figures.length - 10, Math.floor(figures.length * share)))
  const some = figures.slice(begin, begin + 10)
  const names = Object.keys(some[0] ?? {})
  return Object.fromEntries(
    names.map((name) => [name, Math.round(median(some.map((each) => each[name])))]),
  )
}
const twice = Object.fromEntries(
  Object.entries(groups).map(([name, { taken }]) => [
    name,
    taken.reduce((sum, times) => sum + Math.max(0, times - 1), 0),
  ]),
)
console.log({
  make: options.make,
  acknowledged: acknowledged.reduce((sum, one) => sum + one, 0),
  lost: lost.length,
  twice,
  failedSends: failures.sends,
  deaths: failures.deaths,
  joins: failures.joins,
  leaves: failures.leaves,
  // MiB after a collection; handles are a count.
  memory: { start: figuresAt(0.05), middle: figuresAt(0.5), end: figuresAt(1) },
  warnings: Object.fromEntries(said),
})
if (lost.length > 0) console.log('lost, some of them:', lost.slice(0, 10))
process.exitCode = lost.length === 0 ? 0 : 1
