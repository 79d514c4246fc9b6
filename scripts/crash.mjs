/**
 * npm run crash: kills the real broker under load, many times, starts it again and looks for what it acknowledged.
 *
 *   --times N       kills, half of them under ASYNC_FLUSH and half under SYNC_FLUSH (50)
 *   --messages N    messages that the store has at least when it is killed last (1,000,000; with fewer than ten kills none)
 *   --bytes N       length of a body (1024)
 *   --full          only fills a small file system, which needs a user who may mount one
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { choosePorts, scratchDirectory } from '../test/conformance/lib/processes.mjs'
import { startCluster } from '../test/conformance/skylark.mjs'
import { fullDisk } from '../test/crash/full-disk.mjs'
import { Acknowledged, startLoad, verify } from '../test/crash/load.mjs'

const { values: options } = parseArgs({
  options: {
    times: { type: 'string', default: '50' },
    messages: { type: 'string' },
    bytes: { type: 'string', default: '1024' },
    full: { type: 'boolean', default: false },
  },
})
const times = options.full ? 0 : Number(options.times)
const fillTo = Number(options.messages ?? (times < 10 ? 0 : 1_000_000))
const topic = 'crash'
const queueCount = 8
const command = new URL('../packages/skylarkmq/bin/skylark.js', import.meta.url).pathname

const scratch = scratchDirectory('crash')
const dir = scratch.path
const acknowledged = new Acknowledged(queueCount)
const total = { lost: 0, gaps: 0, twice: 0 }
let sequence = 1
let verifiedTo = []

/** Loads the broker until `isEnough` or for `ms`. */
async function load(cluster, ms, isEnough = () => false) {
  const { brokerAddress: address } = cluster
  const base = { topic, connections: 8, window: 64, bodyBytes: Number(options.bytes) }
  const running = startLoad({ ...base, address, acknowledged, first: sequence })
  const until = Date.now() + ms
  while (Date.now() < until && !isEnough()) await pause(5)
  return {
    async end() {
      await running.stop()
      sequence = running.next()
    },
  }
}

/** Kills under load and starts again; returns a row of the table. */
async function round(cluster, mode, number, isLast) {
  const before = acknowledged.count
  const afterMs = 200 + Math.floor(Math.random() * 1000)
  const ms = isLast ? 300_000 : afterMs
  const loading = await load(cluster, ms, () => isLast && acknowledged.count >= fillTo)
  const killedAt = performance.now()
  const restarted = cluster.restartBroker({ flushDiskType: mode }, 'SIGKILL')
  await loading.end()
  await restarted
  const restartMs = Math.round(performance.now() - killedAt)
  const from = verifiedTo.map((offset) => Math.max(0, offset - 1000))
  const found = await verify({
    address: cluster.brokerAddress,
    topic,
    acknowledged,
    from,
    seen: new Set(),
  })
  verifiedTo = found.ends
  note(found)
  return [
    number,
    mode,
    acknowledged.count - before,
    acknowledged.count,
    restartMs,
    recoveryOf(dir),
    found.lost,
    found.gaps,
    found.twice,
  ]
}

function note(found) {
  for (const key of Object.keys(total)) total[key] += found[key]
}

/** What the last start says of its recovery, in ms. */
function recoveryOf(directory) {
  const text = readFileSync(join(directory, 'out.log'), 'utf8')
  const all = [...text.matchAll(/recovered the log .* in (\d+) ms/g)]
  return all.at(-1)?.[1] ?? '-'
}

function print(row) {
  console.log(row.map((cell, i) => String(cell).padStart(i === 1 ? 11 : 9)).join(' '))
}

/** Compares all parts of the stopped store with each other; returns how many problems there are. */
function check(data) {
  try {
    execFileSync(process.execPath, [command, 'store', 'check', data], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    return 0
  } catch (error) {
    console.log(String(error.stdout).slice(0, 2000))
    return 1
  }
}

if (times > 0) await killAndCheck()
await fillDisk()

/** Fills a small file system, if this user may make one. */
async function fillDisk() {
  const result = await fullDisk(check)
  if (result === undefined) {
    console.log('full disk: left out, because this user may not mount a file system')
    return
  }
  for (const sentence of result.seen) console.log(`full disk: ${sentence}`)
  for (const sentence of result.problems) console.log(`full disk: NOT ${sentence}`)
  if (result.problems.length > 0) process.exitCode = 1
}

async function killAndCheck() {
  const ports = await choosePorts(2)
  const settings = { defaultTopicQueueNums: queueCount, flushDiskType: 'ASYNC_FLUSH' }
  const cluster = await startCluster({ dir, ports, settings })
  print(['kill', 'mode', 'sent', 'in all', 'ms', 'recovery', 'lost', 'gaps', 'twice'])
  let problems = 0
  try {
    for (let i = 1; i <= times; i++) {
      const mode = i <= times / 2 ? 'ASYNC_FLUSH' : 'SYNC_FLUSH'
      // The last kill is under ASYNC_FLUSH too, so that it comes after as much as possible.
      const isLast = i === times && fillTo > 0
      print(await round(cluster, mode, i, isLast))
    }
    const everything = await verify({
      address: cluster.brokerAddress,
      topic,
      acknowledged,
      from: [],
      seen: new Set(),
    })
    note(everything)
    console.log(`read all ${everything.read} messages: lost ${everything.lost}`)
  } finally {
    await cluster.stop()
  }
  problems = check(join(dir, 'data'))
  const { lost, gaps, twice } = total
  console.log(
    `kills ${times}, acknowledged ${acknowledged.count}, lost ${lost}, gaps ${gaps}, twice ${twice + acknowledged.twice}, ` +
      `store check ${problems === 0 ? 'finds nothing' : 'finds problems'}`,
  )
  const isGood = lost + gaps + twice + acknowledged.twice + problems === 0 && acknowledged.count > 0
  if (isGood) scratch.remove()
  else console.log(`the store stays in ${dir}`)
  if (!isGood) process.exitCode = 1
}
