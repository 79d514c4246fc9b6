/**
 * npm run overload: a real broker gets more than it can do, under SYNC_FLUSH: 64 connections with 512 requests
 * outstanding on each. It has to live, within bounded memory, to serve others, and to answer each request with
 * SEND_OK, with FLUSH_DISK_TIMEOUT (the message is stored), or with SYSTEM_BUSY, on which Apache's producers try again
 * (`DefaultMQProducer.java`, retryResponseCodes).
 *
 *   --connections N     connections (64)
 *   --outstanding N     requests outstanding on each (512)
 *   --messages N        messages of each part (400,000)
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { createTopic } from '../../bench/create-topic.mjs'
import { memoryOf } from '../../bench/process-figures.mjs'
import { choosePorts, scratchDirectory } from '../conformance/lib/processes.mjs'
import { buildGo } from '../conformance/lib/programs.mjs'
import { openConnection, pullFields } from '../conformance/lib/remoting.mjs'
import { startCluster } from '../conformance/skylark.mjs'

const PULL_MESSAGE = 11
const UPDATE_BROKER_CONFIG = 25
const OK = 0
const SYSTEM_BUSY = 2
const FLUSH_DISK_TIMEOUT = 10
/** What the answers to `connections` x 512 requests and their queue may take, and the log's tail. */
const MEMORY_LIMIT_MIB = 512
/** Longer than any turn under load on a machine with little to spare; a broker that does not serve takes for ever. */
const SERVED_WITHIN_MS = 5_000

const { values: options } = parseArgs({
  options: {
    connections: { type: 'string', default: '64' },
    outstanding: { type: 'string', default: '512' },
    messages: { type: 'string', default: '400000' },
  },
})
const topic = 'overload'
const queues = 8
const bench = new URL('../../bench', import.meta.url).pathname
const problems = []
const expect = (isSo, sentence) => {
  console.log(`${isSo ? 'seen   ' : 'PROBLEM'} ${sentence}`)
  if (!isSo) problems.push(sentence)
}

/** Loads the broker; resolves with the codes of all answers. */
async function overload(program, address) {
  const flags = { address, topic, queues, size: 1024, count: options.messages }
  const { connections, outstanding } = options
  const all = Object.entries({ ...flags, connections, outstanding })
  const args = all.flatMap(([name, value]) => [`-${name}`, String(value)])
  const { stdout } = await promisify(execFile)(program, ['send', ...args])
  return JSON.parse(stdout)
}

/** Pulls the first message of a queue again and again, on a connection of its own, and notes how long that takes. */
function startConsumer(address) {
  const connection = openConnection(address)
  const state = { tookMs: [], failures: [], isRunning: true }
  const header = pullFields('G_overload', topic, 0, 0, 1)
  const run = async () => {
    while (state.isRunning) {
      const began = performance.now()
      const { header: answer } = await connection.request(PULL_MESSAGE, header)
      state.tookMs.push(performance.now() - began)
      if (answer.code !== OK) state.failures.push(`${answer.code} ${answer.remark}`)
      await pause(5)
    }
    connection.close()
  }
  const done = run()
  return { state, stop: () => ((state.isRunning = false), done) }
}

/** Looks at a process while something runs; returns the most memory that it had, in MiB. */
function watchMemory(pid) {
  let mostMiB = 0
  const timer = setInterval(() => {
    mostMiB = Math.max(mostMiB, memoryOf(pid).residentMiB)
  }, 50)
  return () => {
    clearInterval(timer)
    return mostMiB
  }
}

/** One part: the load, a consumer beside it, and what must hold of both. */
async function part(name, { program, cluster, meanwhile = () => undefined, wantsBusy }) {
  console.log(`\n${name}`)
  const pid = cluster.brokerPid()
  const consumer = startConsumer(cluster.brokerAddress)
  const mostMiB = watchMemory(pid)
  const loading = overload(program, cluster.brokerAddress)
  await meanwhile(pid)
  const { codes, perSecond, p99Micros } = await loading
  await consumer.stop()
  const others = Object.keys(codes).filter(
    (code) => ![OK, SYSTEM_BUSY, FLUSH_DISK_TIMEOUT].includes(Number(code)),
  )
  const seconds = (p99Micros / 1e6).toFixed(2)
  expect(
    others.length === 0,
    `answers by code ${JSON.stringify(codes)}, ${Math.round(perSecond)} a second, p99 ${seconds} s`,
  )
  if (wantsBusy) expect((codes[SYSTEM_BUSY] ?? 0) > 0, 'some were told that the broker is busy')
  expect((codes[OK] ?? 0) > 0, 'some were stored')
  const most = mostMiB()
  expect(most < MEMORY_LIMIT_MIB, `at most ${Math.round(most)} MiB resident`)
  const { tookMs, failures } = consumer.state
  tookMs.sort((a, b) => a - b)
  const longest = Math.round(tookMs.at(-1) ?? Infinity)
  expect(
    failures.length === 0 && longest < SERVED_WITHIN_MS,
    `a consumer beside it was served ${tookMs.length} times, p50 ${Math.round(tookMs[tookMs.length >> 1])} ms, at most ${longest} ms ${failures[0] ?? ''}`,
  )
  expect(cluster.brokerPid() === pid && process.kill(pid, 0), 'the process lives')
}

async function configure(address, settings) {
  const connection = openConnection(address)
  const text = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`)
  const { header } = await connection.request(UPDATE_BROKER_CONFIG, {}, Buffer.from(text.join('')))
  connection.close()
  if (header.code !== OK) throw new Error(`${header.code} ${header.remark}`)
}

/** Stops the process for a while, as a disk does that blocks its one thread. */
async function holdUp(pid) {
  await pause(500)
  process.kill(pid, 'SIGSTOP')
  await pause(1_500)
  process.kill(pid, 'SIGCONT')
}

const scratch = scratchDirectory('overload')
const program = buildGo(join(bench, 'load'), join(bench, '.build', 'load'))
const settings = { flushDiskType: 'SYNC_FLUSH' }
const cluster = await startCluster({ dir: scratch.path, ports: await choosePorts(2), settings })
try {
  await createTopic(cluster.brokerAddress, topic, queues)
  await overload(program, cluster.brokerAddress)
  const base = { program, cluster }
  await part('as it comes', base)
  await part('held up for 1.5 s', { ...base, meanwhile: holdUp, wantsBusy: true })
  await configure(cluster.brokerAddress, {
    putThreadPoolQueueCapacity: 16,
    waitTimeMillsInSendQueue: 5,
  })
  await part('at most 16 sends wait for the disk, others at most 5 ms', {
    ...base,
    wantsBusy: true,
  })
} finally {
  await cluster.stop()
  scratch.remove()
}
console.log(problems.length === 0 ? '\nAll held.' : `\n${problems.length} did not hold.`)
process.exitCode = problems.length === 0 ? 0 : 1
