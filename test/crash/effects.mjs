/**
 * npm run effects: a shop that takes orders and a group that bills them, with a database of their own to remember in, while
 * the processes of both, the database and the broker are killed and started anew. At the end each order was billed once.
 *
 *   --times N       how often something is killed or started anew, over all databases (200)
 *   --only NAME     postgres, mariadb or redis
 *
 * Its last line is `N passed, N failed, N skipped`, of databases. Skipped is one that is not installed.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { RocketMQ } from '@skylarkmq/client'
import {
  choosePorts,
  scratchDirectory,
  startProcess,
  tailOf,
  waitUntil,
} from '../conformance/lib/processes.mjs'
import { startCluster } from '../conformance/skylark.mjs'
import { linesOf, shopAt, startDatabase } from './effects/databases.mjs'
import { isAtRest, judge } from './effects/judge.mjs'

const KINDS = ['postgres', 'mariadb', 'redis']
/** How often each thing happens, of twenty. */
const FAULTS = {
  billing: 8,
  shop: 4,
  databaseKilled: 3,
  databaseEnded: 2,
  brokerKilled: 2,
  brokerEnded: 1,
}
/** Between two of them, ms. */
const BETWEEN_MS = [150, 1500]
/** Orders that are billed before anything happens. */
const BUSY = 20
/** How long it may take until all have come to rest: an outbox leaves to others what its process had in hand after half a minute. */
const REST_MS = 180_000
/** What came to rest is looked at for so long: a second effect would come later than the first. */
const AFTERWARDS_MS = 3000
const SETTINGS = {
  // A message that failed comes again after a second, however often it failed.
  messageDelayLevel: Array.from({ length: 18 }, () => '1s').join(' '),
  defaultTopicQueueNums: 4,
}

const { values: options } = parseArgs({
  options: { times: { type: 'string', default: '200' }, only: { type: 'string' } },
})
const times = Number(options.times)
const kinds = options.only === undefined ? KINDS : [options.only]
if (!(times > 0) || kinds.some((kind) => !KINDS.includes(kind))) {
  console.error(`--times takes a number, --only one of ${KINDS.join(', ')}`)
  process.exit(2)
}

const program = (name) => fileURLToPath(new URL(`./effects/${name}.mjs`, import.meta.url))
const drawn = (from, to) => from + Math.random() * (to - from)

/** A process that is started anew whenever it was killed; `killedMs` hears when that was. */
function keptAlive(name, args, logFile, killedMs) {
  let running
  const start = () => {
    const all = ['--no-warnings', program(name), ...args]
    running = startProcess(process.execPath, all, { logFile, env: process.env })
  }
  const stop = async () => {
    if (!running.isRunning()) throw new Error(`${name} ended by itself:\n${tailOf(logFile)}`)
    await running.stop('SIGKILL')
    killedMs.set(running.pid, Date.now())
  }
  start()
  return { stop, restart: () => stop().then(start) }
}

/** Kinds of faults in a random order, each as often as its share is. */
function plannedFaults(count) {
  const all = Object.entries(FAULTS).flatMap(([name, share]) => Array(share).fill(name))
  const plan = []
  while (plan.length < count) plan.push(...all.toSorted(() => Math.random() - 0.5))
  return plan.slice(0, count)
}

/** The orders among the dead letters. */
async function deadOrders(mq) {
  const found = []
  for await (const { body } of mq.admin().deadLetters.list('billing')) found.push(String(body))
  return found
}

/** The order of each receipt, by the receipt's id: one that was sent twice is one. */
async function receiptsOf(mq) {
  const found = new Map()
  for await (const { msgId, body } of mq.admin().messages.browse('Receipts')) {
    found.set(msgId, String(body))
  }
  return [...found.values()]
}

/** Has one database, its shop, its group and its broker suffer so often. Resolves with what is left to do: come to rest, be judged. */
async function suffer(kind, database, count, scratch) {
  const { directory } = database
  const shop = shopAt(kind, directory)
  await shop.prepare()
  const dir = join(scratch, kind)
  mkdirSync(dir, { recursive: true })
  const cluster = await startCluster({ dir, ports: await choosePorts(2), settings: SETTINGS })
  const killedMs = new Map()
  const args = [kind, directory, cluster.nameServer]
  const keep = (name, log, ...more) =>
    keptAlive(name, [...args, ...more], join(dir, `${log}.log`), killedMs)
  const taking = keep('shop', 'shop')
  const billing = ['one', 'two'].map((name) => keep('billing', name))
  const happened = {}
  const does = {
    billing: () => billing[Math.floor(Math.random() * billing.length)].restart(),
    shop: () => taking.restart(),
    databaseKilled: () => database.restart('killed'),
    databaseEnded: () => database.restart('orderly'),
    brokerKilled: () => cluster.restartBroker({}, 'SIGKILL'),
    brokerEnded: () => cluster.restartBroker({}, 'SIGTERM'),
  }
  const isBusy = async () => (await shop.look()).effects.length >= BUSY
  await waitUntil(`${kind}: ${BUSY} orders billed`, isBusy)
  for (const fault of plannedFaults(count)) {
    await pause(drawn(...BETWEEN_MS))
    await does[fault]()
    happened[fault] = (happened[fault] ?? 0) + 1
  }
  await pause(BETWEEN_MS[1])
  await taking.stop()
  const sending = keep('shop', 'sending', '--closed')

  const end = async () => {
    for (const each of [sending, ...billing]) await each.stop()
    await shop.end()
    await cluster.stop()
    await database.stop()
  }
  const rest = async () => {
    const mq = new RocketMQ({ nameServers: cluster.nameServer })
    const deadline = Date.now() + REST_MS
    // A machine with other work may keep one look waiting too long.
    const look = async () => [await shop.look(), await deadOrders(mq)]
    const isQuiet = () => look().then((seen) => isAtRest(...seen), console.log)
    while (!(await isQuiet()) && Date.now() < deadline) await pause(500)
    await pause(AFTERWARDS_MS)
    const calls = linesOf(join(directory, 'calls'))
    const receipts = shop.isTransactional ? await receiptsOf(mq) : []
    const figures = judge(shop, ...(await look()), { receipts, calls, killedMs })
    await mq.close()
    await end()
    return figures
  }
  return { happened, isTransactional: shop.isTransactional, rested: rest() }
}

/** Prints what became of a database; whether all was well. */
async function tell(kind, { happened, isTransactional, rested }) {
  const { orders, calls, lost, twice, receipts, repeated, dead, wrong } = await rested
  const what = Object.entries(happened).map(([name, n]) => `${name} ${n}`)
  console.log(`${kind}: ${what.join(', ')}`)
  const again = isTransactional
    ? `${twice} with two effects, ${receipts} receipts`
    : `${twice} with two effects (${repeated} calls that never heard that the effect of one before them was noted)`
  const rest = `${lost} lost, ${again}, ${dead} dead letters, all given up`
  console.log(`  ${orders} orders, ${calls} calls of the handler: ${rest}`)
  for (const each of wrong.slice(0, 20)) console.log(`  NOT well: ${each}`)
  return wrong.length === 0
}

const scratch = scratchDirectory('effects')
const outcomes = { passed: 0, failed: 0, skipped: 0 }

async function run() {
  const begun = []
  let left = times
  for (const [i, kind] of kinds.entries()) {
    const count = Math.round(left / (kinds.length - i))
    left -= count
    const database = await startDatabase(kind)
    if (database === undefined) {
      console.log(`${kind}: left out, it is not installed`)
      outcomes.skipped++
      continue
    }
    const suffered = await suffer(kind, database, count, scratch.path)
    // While one comes to rest the next one suffers.
    suffered.rested.catch(() => undefined)
    begun.push([kind, suffered])
  }
  for (const [kind, suffered] of begun) {
    const isWell = await tell(kind, suffered).catch((error) => console.log(kind, error))
    outcomes[isWell ? 'passed' : 'failed']++
  }
}

try {
  await run()
} catch (error) {
  console.log(error)
  outcomes.failed++
} finally {
  scratch.remove()
}
const { passed, failed, skipped } = outcomes
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exit(failed === 0 ? 0 : 1)
