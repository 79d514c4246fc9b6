/**
 * The client's process of `chaos.mjs`. Producers send single messages, batches, transactions, and messages in order by key; a
 * group of two members, a group of two that consumes in order, and one that broadcasts take them. At the end each message
 * that was acknowledged must have been taken by each group.
 *
 * Order by key: the messages of a key go to one queue, each once the one before it was acknowledged or refused. Of those
 * that were acknowledged each must be taken for the first time after those before it. One that was refused says nothing:
 * it may have been stored all the same, and later than those after it, when its bytes were held up on their way. One that comes again
 * comes after later ones, as after any death of a broker; that is counted.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { RocketMQ } from '@skylarkmq/client'
import { hostBehind } from '@skylarkmq/testing'

const options = JSON.parse(process.argv[2])
const { nameServer, ports, brokers, queues, seconds, offsetsDirectory } = options
const endsAt = performance.now() + seconds * 1000
const isOver = () => performance.now() > endsAt
/** How long everything has to be taken once the faults are over. */
const CATCH_UP_MS = 120_000
const CLOSE_MS = 5_000
const CLOSE_SLACK_MS = 1_500
/** MiB a minute that the heap may grow by in the second half. */
const SLOPE_MAX = 1
const KEYS = 16
const BATCH = 20

/** More numbers than are sent: room that is there from the start, so that only what leaks grows. */
const room = Math.ceil(seconds * 400) + 10_000
const table = () => new Uint8Array(room)
/** By kind of message: the numbers that were acknowledged, and those that nobody may get. */
const kinds = ['single', 'batch', 'transaction', 'ordered']
const acknowledged = Object.fromEntries(kinds.map((kind) => [kind, table()]))
const refused = Object.fromEntries(kinds.map((kind) => [kind, 0]))
const taken = {}
const problems = []
const reasons = new Map()
let overtaken = 0

for (const event of ['unhandledRejection', 'uncaughtException']) {
  process.on(event, (error) => problems.push(`${event}: ${error?.stack ?? error}`))
}
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const env = hostBehind([], (target) => (target in ports ? `127.0.0.1:${ports[target]}` : undefined))
const clients = []
function clientOf() {
  const mq = new RocketMQ({ nameServers: nameServer, logger: silent }, env)
  clients.push(mq)
  return mq
}

/** Counts numbers of a kind as what became of them. */
async function counted(kind, numbers, sent) {
  try {
    await sent
    for (const number of numbers) acknowledged[kind][number] = 1
  } catch (error) {
    refused[kind] += numbers.length
    reasons.set(error.code, (reasons.get(error.code) ?? 0) + 1)
    if (error.code === 'RMQ_BATCH') return
    if (!String(error.code).startsWith('RMQ_')) problems.push(`${kind}: ${error.stack}`)
  }
}

/** Single messages, some under way at a time. */
async function singles(mq) {
  const producer = await mq.producer({ group: 'soak-single' })
  const open = new Set()
  for (let number = 0; !isOver() && number < room; number++) {
    const send = producer.send({ topic: 'Soak', body: `single ${number}` })
    const sent = counted('single', [number], send).finally(() => open.delete(sent))
    open.add(sent)
    if (open.size > 200) await Promise.race(open)
    await pause(10)
  }
  await Promise.all(open)
}

async function batches(mq) {
  const producer = await mq.producer({ group: 'soak-batch' })
  for (let first = 0; !isOver() && first + BATCH < room; first += BATCH) {
    const numbers = Array.from({ length: BATCH }, (_, i) => first + i)
    const messages = numbers.map((number) => ({ topic: 'Soak', body: `batch ${number}` }))
    await counted('batch', numbers, producer.sendBatch(messages))
    await pause(200)
  }
}

/** What is decided depends on the number alone: also where the half message was refused, and stored all the same. */
const decisionOf = (number) => (number % 3 === 0 ? 'rollback' : 'commit')

async function transactions(mq) {
  const check = (message) => decisionOf(Number(message.body.toString().split(' ')[1]))
  const producer = await mq.transactionProducer({ group: 'soak-transaction', check })
  for (let number = 0; !isOver() && number < room; number++) {
    const decide = () => (number % 3 === 2 ? 'unknown' : decisionOf(number))
    const send = producer.send({ topic: 'Soak', body: `transaction ${number}` }, decide)
    await counted('transaction', [number], send)
    await pause(60)
  }
}

let nextOrdered = 0
async function inOrder(mq, key) {
  const producer = await mq.producer({ group: 'soak-ordered' })
  const queue = {
    topic: 'Ordered',
    brokerName: brokers[key % brokers.length],
    queueId: Math.floor(key / brokers.length) % queues,
  }
  while (!isOver() && nextOrdered < room) {
    const number = nextOrdered++
    const send = producer.send({ topic: 'Ordered', body: `ordered ${number} ${key}` }, { queue })
    await counted('ordered', [number], send)
    await pause(100)
  }
}

/** A member of a group. */
async function member(name, topic, more, seen = () => undefined) {
  const tables = (taken[name] ??= Object.fromEntries(
    kinds
      .filter((kind) => (kind === 'ordered') === (topic === 'Ordered'))
      .map((kind) => [kind, table()]),
  ))
  const consumer = await clientOf().consumer({
    ...{ group: `soak-${name}`, subscriptions: { [topic]: '*' }, consumeFrom: 'first' },
    ...more,
  })
  await consumer.run(async (message) => {
    const [kind, text, key] = message.body.toString().split(' ')
    const number = Number(text)
    const times = tables[kind][number]
    if (times === 0) seen(number, key)
    if (times < 255) tables[kind][number]++
    await pause(1)
  })
}

/** The first time that a message of a key is taken. */
const orders = Array.from({ length: KEYS }, () => [])
function firstOf(number, key) {
  orders[key].push(number)
}

/** Those that were acknowledged must stand in their order; what came before is forgotten. */
function lookAtOrder(keep) {
  for (const [key, numbers] of orders.entries()) {
    const known = numbers.splice(0, numbers.length - keep)
    for (const number of known) {
      // One that was refused has no place.
      if (acknowledged.ordered[number] === 0) continue
      if (number < (lastOf[key] ?? -1)) {
        overtaken++
        if (overtaken < 10) problems.push(`key ${key}: ${number} after ${lastOf[key]}`)
      } else lastOf[key] = number
    }
  }
}
const lastOf = []

const figures = []
async function watchMemory() {
  while (!isOver()) {
    globalThis.gc?.()
    const { heapUsed, external, rss } = process.memoryUsage()
    const MiB = 2 ** 20
    figures.push({
      minutes: performance.now() / 60_000,
      heap: heapUsed / MiB,
      external: external / MiB,
      rss: rss / MiB,
    })
    lookAtOrder(50)
    await pause(2_000)
  }
}

function missing() {
  const lost = []
  for (const [name, tables] of Object.entries(taken)) {
    for (const [kind, counts] of Object.entries(tables)) {
      for (let number = 0; number < room; number++) {
        const isRolledBack = kind === 'transaction' && decisionOf(number) === 'rollback'
        if (acknowledged[kind][number] === 1 && !isRolledBack && counts[number] === 0)
          lost.push(`${name}: ${kind} ${number}`)
      }
    }
  }
  return lost
}

function rolledBackButTaken() {
  let count = 0
  for (const { transaction } of Object.values(taken))
    for (let number = 0; transaction !== undefined && number < room; number += 3)
      count += transaction[number]
  return count
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0

/** MiB a minute: the line through the least of every ten figures of the second half. */
function slope() {
  const half = figures.slice(Math.floor(figures.length / 2))
  const points = []
  for (let i = 0; i + 10 <= half.length; i += 10) {
    const some = half.slice(i, i + 10)
    points.push({
      x: median(some.map((each) => each.minutes)),
      y: Math.min(...some.map((each) => each.heap)),
    })
  }
  const mean = (list) => list.reduce((sum, each) => sum + each, 0) / list.length
  const [x, y] = [mean(points.map((each) => each.x)), mean(points.map((each) => each.y))]
  const over = points.reduce((sum, each) => sum + (each.x - x) * (each.y - y), 0)
  const under = points.reduce((sum, each) => sum + (each.x - x) ** 2, 0)
  return points.length < 3 ? 0 : over / under
}

const healed = new Promise((resolve) => process.once('message', resolve))
await Promise.all([
  member('shared', 'Soak', {}),
  member('shared', 'Soak', {}),
  member('broadcast', 'Soak', { model: 'BROADCASTING', offsetsDirectory }),
  member('ordered', 'Ordered', { ordered: true }, firstOf),
  member('ordered', 'Ordered', { ordered: true }, firstOf),
])
const senders = clientOf()
await Promise.all([
  ...[singles, batches, transactions].map((produce) => produce(senders)),
  ...Array.from({ length: KEYS }, (_, key) => inOrder(senders, key)),
  watchMemory(),
])
await healed
const caughtUpAt = performance.now() + CATCH_UP_MS
const began = performance.now()
while (missing().length > 0 && performance.now() < caughtUpAt) await pause(500)
const caughtUpMs = Math.round(performance.now() - began)
const lost = missing()
// What is still on its way may come once more.
await pause(2_000)
lookAtOrder(0)
const closing = performance.now()
await Promise.all(clients.map((mq) => mq.close({ timeout: CLOSE_MS })))
const closedMs = Math.round(performance.now() - closing)

const sum = (list) => list.reduce((all, each) => all + each, 0)
const growth = slope()
if (lost.length > 0) problems.push(`${lost.length} lost, such as ${lost.slice(0, 5).join(', ')}`)
if (rolledBackButTaken() > 0)
  problems.push(`${rolledBackButTaken()} came though they were rolled back`)
if (overtaken > 0) problems.push(`${overtaken} overtook others of their key`)
if (growth > SLOPE_MAX) problems.push(`the heap grows by ${growth.toFixed(2)} MiB a minute`)
if (closedMs > CLOSE_MS + CLOSE_SLACK_MS) problems.push(`close took ${closedMs} ms of ${CLOSE_MS}`)
const quarter = (at) => {
  const some = figures.slice(
    Math.floor((figures.length * at) / 4),
    Math.floor((figures.length * (at + 1)) / 4),
  )
  return Object.fromEntries(
    ['heap', 'external', 'rss'].map((name) => [
      name,
      Math.round(median(some.map((each) => each[name])) * 10) / 10,
    ]),
  )
}
process.send({
  problems,
  acknowledged: Object.fromEntries(kinds.map((kind) => [kind, sum(acknowledged[kind])])),
  refused: { ...refused, reasons: Object.fromEntries(reasons) },
  lost: lost.length,
  twice: Object.fromEntries(
    Object.entries(taken).map(([name, tables]) => [
      name,
      sum(
        Object.values(tables).map((counts) =>
          counts.reduce((all, each) => all + Math.max(0, each - 1), 0),
        ),
      ),
    ]),
  ),
  overtaken,
  caughtUpMs,
  closedMs,
  MiB: { first: quarter(0), second: quarter(1), third: quarter(2), last: quarter(3) },
  heapSlope: `${growth.toFixed(3)} MiB a minute`,
})
process.disconnect()
