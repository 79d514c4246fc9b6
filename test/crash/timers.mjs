/**
 * npm run timers: messages on mixed delay levels and absolute times, through an orderly restart and two kills; then
 * very many that wait.
 *
 *   --messages N    messages of the first part (10,000)
 *   --pending N     messages that wait in the second part (1,000,000); 0 leaves it out
 */
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { choosePorts, scratchDirectory } from '../conformance/lib/processes.mjs'
import { openConnection, pullFields } from '../conformance/lib/remoting.mjs'
import { startCluster } from '../conformance/skylark.mjs'

const SEND_MESSAGE_V2 = 310
const PULL_MESSAGE = 11
const WINDOW = 64
const QUEUES = 4
const LATE_P99_MS = 200
const LEVELS_MS = { 1: 1000, 2: 5000, 3: 10_000, 4: 30_000 }
/** Clock ticks of the kernel in a second, by which it counts CPU time. */
const TICKS = 100

const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000' },
    pending: { type: 'string', default: '1000000' },
  },
})
const topic = 'timed'
const problems = []

const propertiesOf = (properties) =>
  Object.entries(properties)
    .map(([name, value]) => `${name}\u0001${value}\u0002`)
    .join('')

/** Sends a message; throws when it is refused. */
async function send(connection, body, queueId, properties) {
  const fields = {
    a: 'P_timers',
    b: topic,
    c: 'TBW102',
    d: String(QUEUES),
    e: String(queueId),
    f: '0',
    g: String(Date.now()),
    h: '0',
    i: propertiesOf(properties),
    j: '0',
    k: 'false',
    m: 'false',
  }
  const { header } = await connection.request(SEND_MESSAGE_V2, fields, Buffer.from(body))
  if (header.code !== 0) throw new Error(`refused: ${header.code} ${header.remark}`)
}

/** Runs `count` pieces of work, so many at once over some connections. */
async function inParallel(address, count, work) {
  const connections = Array.from({ length: 4 }, () => openConnection(address))
  let next = 0
  const worker = async (connection) => {
    while (next < count) await work(connection, next++)
  }
  await Promise.all(
    Array.from({ length: WINDOW * connections.length }, (_, i) =>
      worker(connections[i % connections.length]),
    ),
  )
  for (const connection of connections) connection.close()
}

/** Body and store time of all messages of a queue. */
async function readQueue(connection, queueId) {
  const found = []
  for (;;) {
    const fields = pullFields('G_timers', topic, queueId, found.length)
    const { header, body } = await connection.request(PULL_MESSAGE, fields)
    if (header.code !== 0) return found
    for (let at = 0; at < body.length; at += body.readInt32BE(at)) {
      const length = body.readInt32BE(at + 84)
      const text = body.toString('utf8', at + 88, at + 88 + length)
      found.push({ text, atMs: Number(body.readBigInt64BE(at + 56)) })
    }
  }
}

async function readAll(address) {
  const connection = openConnection(address)
  const found = []
  for (let queueId = 0; queueId < QUEUES; queueId++) {
    found.push(...(await readQueue(connection, queueId)))
  }
  connection.close()
  return found
}

/** How message `i` says when it wants to come, and in how many ms. */
function wishOf(i) {
  const ms = 1500 + ((i * 7919) % 35_000)
  switch (i % 4) {
    case 0: {
      const level = 1 + (Math.floor(i / 4) % 4)
      return { ms: LEVELS_MS[level], properties: () => ({ DELAY: String(level) }) }
    }
    case 1:
      return { ms, properties: (now) => ({ TIMER_DELIVER_MS: String(now + ms) }) }
    case 2:
      return { ms, properties: () => ({ TIMER_DELAY_MS: String(ms) }) }
    default: {
      const sec = Math.ceil(ms / 1000)
      return { ms: sec * 1000, properties: () => ({ TIMER_DELAY_SEC: String(sec) }) }
    }
  }
}

/** The figure below which a share of sorted figures lies. */
const share = (sorted, part) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]

/** Messages on mixed levels and times, a restart and two kills. */
async function restarts(cluster, count) {
  const sent = new Map()
  await inParallel(cluster.brokerAddress, count, async (connection, i) => {
    const { ms, properties } = wishOf(i)
    const now = Date.now()
    const body = `m${i}`
    await send(connection, body, i % QUEUES, { UNIQ_KEY: `U${i}`, ...properties(now) })
    sent.set(body, { dueMs: now + ms, lateFromMs: Date.now() + ms })
  })
  const begin = Date.now()
  const down = []
  for (const [afterMs, signal] of [
    [6_000, 'SIGTERM'],
    [14_000, 'SIGKILL'],
    [22_300, 'SIGKILL'],
  ]) {
    await pause(begin + afterMs - Date.now())
    const from = Date.now()
    await cluster.restartBroker({}, signal)
    // What fell due meanwhile is delivered first.
    down.push([from, Date.now() + 500])
    console.log(`${signal}: up again after ${Date.now() - from} ms`)
  }
  const lastMs = Math.max(...[...sent.values()].map(({ dueMs }) => dueMs))
  await pause(Math.max(0, lastMs - Date.now()) + 3_000)
  judge(await readAll(cluster.brokerAddress), sent, down)
}

function judge(found, sent, down) {
  const times = new Map()
  let early = 0
  const late = []
  for (const { text, atMs } of found) {
    times.set(text, (times.get(text) ?? 0) + 1)
    const { dueMs, lateFromMs } = sent.get(text) ?? {}
    if (dueMs === undefined) continue
    if (atMs < dueMs) early++
    if (!down.some(([from, to]) => dueMs >= from - 100 && dueMs <= to)) late.push(atMs - lateFromMs)
  }
  late.sort((a, b) => a - b)
  const lost = [...sent.keys()].filter((body) => !times.has(body)).length
  const twice = [...times.values()].filter((n) => n > 1).length
  const [p50, p99, max] = [share(late, 0.5), share(late, 0.99), late.at(-1)]
  console.log(
    `${sent.size} sent, ${found.length} delivered, lost ${lost}, early ${early}, twice ${twice}`,
  )
  console.log(`late while running: p50 ${p50} ms, p99 ${p99} ms, max ${max} ms of ${late.length}`)
  if (lost > 0) problems.push(`${lost} lost`)
  if (early > 0) problems.push(`${early} early`)
  if (twice > 0) problems.push(`${twice} twice`)
  if (!(p99 <= LATE_P99_MS)) problems.push(`p99 is ${p99} ms`)
}

/** CPU seconds and resident MiB of a process. */
function usageOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return {
    cpuSec: (Number(stat[11]) + Number(stat[12])) / TICKS,
    mib: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024),
  }
}

/** Very many that wait for some time of the next three days, and what they cost. */
async function waiting(cluster, count) {
  const before = usageOf(cluster.brokerPid())
  const begin = Date.now()
  await inParallel(cluster.brokerAddress, count, (connection, i) => {
    const deliverMs =
      Date.now() + 3_600_000 + ((i * 7919) % 70) * 3_600_000 + ((i * 104_729) % 3_600_000)
    return send(connection, `w${i}`, i % QUEUES, { TIMER_DELIVER_MS: String(deliverMs) })
  })
  const sentMs = Date.now() - begin
  await pause(5_000)
  const after = usageOf(cluster.brokerPid())
  console.log(
    `${count} waiting: sent in ${sentMs} ms, ${(after.cpuSec - before.cpuSec).toFixed(1)} s of CPU, ${before.mib} MiB before, ${after.mib} MiB after`,
  )
  await pause(20_000)
  const idle = usageOf(cluster.brokerPid())
  const percent = ((idle.cpuSec - after.cpuSec) / 20) * 100
  console.log(`while nothing is due: ${percent.toFixed(1)} % of a core, ${idle.mib} MiB`)
  for (const signal of ['SIGTERM', 'SIGKILL']) {
    const from = Date.now()
    await cluster.restartBroker({}, signal)
    const tookMs = Date.now() - from
    const { cpuSec, mib } = usageOf(cluster.brokerPid())
    console.log(`${signal}: up again after ${tookMs} ms, ${cpuSec.toFixed(1)} s of CPU, ${mib} MiB`)
  }
  await thousandASecond(cluster)
}

/** A thousand messages due in each second, beside those that wait. */
async function thousandASecond(cluster) {
  const count = 10_000
  const first = Date.now() + 8_000
  const sent = new Map()
  await inParallel(cluster.brokerAddress, count, async (connection, i) => {
    const dueMs = first + i
    await send(connection, `k${i}`, i % QUEUES, { TIMER_DELIVER_MS: String(dueMs) })
    sent.set(`k${i}`, { dueMs, lateFromMs: dueMs })
  })
  await pause(first + count + 2_000 - Date.now())
  console.log('a thousand due in each second:')
  const found = await readAll(cluster.brokerAddress)
  judge(
    found.filter(({ text }) => text.startsWith('k')),
    sent,
    [],
  )
}

const scratch = scratchDirectory('timers')
const cluster = await startCluster({
  dir: scratch.path,
  ports: await choosePorts(2),
  settings: { defaultTopicQueueNums: QUEUES },
})
try {
  await restarts(cluster, Number(options.messages))
  if (Number(options.pending) > 0) await waiting(cluster, Number(options.pending))
} finally {
  await cluster.stop()
  scratch.remove()
}
for (const problem of problems) console.log(`NOT well: ${problem}`)
if (problems.length > 0) process.exitCode = 1
