/**
 * The faults of `faults.mjs`, one after the other, while our client sends, consumes, has transactions, and closes. What was
 * acknowledged must be consumed, a message that was committed must come and one that was rolled back must not; each action must
 * succeed again within a bound; and a process that closes its client in the midst of it must end, and in time.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { setTimeout as pause } from 'node:timers/promises'
import { ChaosProxy, hostBehind } from '@skylarkmq/testing'
import { waitUntil } from '../lib/processes.mjs'
import { consuming, Recovery, sending, transacting } from './actions.mjs'
import { faults } from './faults.mjs'
import { startSilentPort } from './silent-port.mjs'

export { faults }

/** What the child gives `close`, ms, and what it may take besides on a machine with other work. */
const CLOSE_MS = 2_000
const CLOSE_SLACK_MS = 1_000
/** From `close` to the end of the process, ms. */
const END_SLACK_MS = 3_000
/** So long after the fault everything must have been consumed, ms. */
const ALL_MS = 60_000
/** How often a fault is shown before its failure counts: the bounds are times, on a machine with other work. */
const SHOWINGS = Number(process.env.SHOW ?? 2)
const closerFile = join(fileURLToPath(new URL('.', import.meta.url)), 'closer.mjs')

/** A process that will close its client; `closeNow` tells it to, and resolves with how long that took and whether it ended. */
async function startCloser(options) {
  const child = spawn(process.execPath, [closerFile, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  child.stdin.on('error', () => undefined)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const exited = once(child, 'exit')
  const { value } = await lines.next()
  if (value !== 'ready') throw new Error(`the closing process said ${value}`)
  return {
    end: kill,
    async closeNow(detour) {
      if (detour !== undefined) child.stdin.write(`detour ${detour}\n`)
      child.stdin.write('close\n')
      const late = pause(CLOSE_MS + CLOSE_SLACK_MS + END_SLACK_MS, ['late'], { ref: false })
      const [code] = await Promise.race([exited, late])
      if (code === 'late') {
        child.kill('SIGKILL')
        return { problem: 'the process did not end' }
      }
      const closed = (await lines.next()).value?.split(' ')[1]
      if (code !== 0) return { problem: `the process ended with ${code}` }
      const ms = Number(closed)
      return ms <= CLOSE_MS + CLOSE_SLACK_MS ? { ms } : { ms, problem: `close took ${ms} ms` }
    },
  }
}

/** Resolves with its recovery, or undefined when that took longer than `ms`. */
const within = (ms, recovery) =>
  Promise.race([recovery.first, pause(ms, undefined, { ref: false })])

/** Shows one fault on a cluster; resolves with a row of the table. Throws when it could not be shown. */
async function showFault(on, fault, label) {
  const opened = []
  try {
    return await showWith(on, fault, label, async (opening) => {
      const each = await opening
      opened.push(each)
      return each
    })
  } finally {
    await Promise.all(opened.map((each) => each.end()))
    on.both.forEach((proxy) => proxy.heal())
  }
}

/** What `showFault` does; `open` notes what has to be ended. */
async function showWith(on, fault, label, open) {
  const topic = `chaos-${label}`
  const txTopic = `chaos-${label}-tx`
  const closeTopic = `chaos-${label}-close`
  for (const each of [topic, txTopic, closeTopic]) await on.createTopic(each, 4)
  const names = { ...on, topic, txTopic }
  let detour
  const env = hostBehind(on.both, (target) => (target in on.ports ? detour : undefined))
  const closer = await open(
    startCloser({
      ...{ nameServer: on.nameServerAddress, topic: closeTopic, group: `chaos-${label}-close` },
      ...{ ports: on.ports, timeout: CLOSE_MS },
    }),
  )
  const consumer = await open(consuming(names, topic, `chaos-${label}`, env))
  const txConsumer = await open(consuming(names, txTopic, `chaos-${label}-tx`))
  const feeder = await open(sending(names, `fed ${label}`))
  const sender = await open(sending(names, `sent ${label}`, env))
  const transactions = await open(transacting(names, `tx ${label}`, env))
  const consumed = new Recovery()
  consumer.taken.onTaken = (text) => {
    const began = feeder.began.get(text)
    if (began !== undefined) consumed.succeeded(began)
  }
  const loops = [feeder, sender, transactions]
  await Promise.all(loops.map((each) => each.ready))

  const context = { ...on, detour: (to) => (detour = to) }
  const recoveries = {
    send: sender.recovery,
    consume: consumed,
    transaction: transactions.recovery,
  }
  const countFrom = (atMs) => Object.values(recoveries).forEach((each) => each.from(atMs))
  const beganMs = performance.now()
  await fault.begin(context)
  if (fault.lastsMs === undefined || fault.from === 'begin') countFrom(beganMs)
  const closed = closer.closeNow(detour)
  if (fault.lastsMs !== undefined) {
    await pause(fault.lastsMs)
    await fault.end(context)
    if (fault.from !== 'begin') countFrom(performance.now())
  }
  const row = { name: fault.name, problems: [], cells: {} }
  const cell = (name, text, ...problems) => {
    row.cells[name] = problems.length === 0 ? text : `${text} FAILED`
    row.problems.push(...problems.map((each) => `${name}: ${each}`))
  }
  const tookMs = Object.fromEntries(
    await Promise.all(
      Object.entries(recoveries).map(async ([name, each]) => [
        name,
        await within(2 * fault.bounds[name], each),
      ]),
    ),
  )
  await Promise.all(loops.map((each) => each.stop()))

  const expected = {
    send: sender.acknowledged.filter((each) => !consumer.taken.counts.has(each)),
    consume: feeder.acknowledged.filter((each) => !consumer.taken.counts.has(each)),
    transaction: transactions.acknowledged.filter((each) => !txConsumer.taken.counts.has(each)),
  }
  const missing = () => {
    const seen = { send: consumer, consume: consumer, transaction: txConsumer }
    for (const name of Object.keys(expected))
      expected[name] = expected[name].filter((each) => !seen[name].taken.counts.has(each))
    return Object.values(expected).flat().length
  }
  await waitUntil('all that was acknowledged', () => missing() === 0, { limitMs: ALL_MS }).catch(
    () => undefined,
  )
  const { problem, ms } = await closed
  for (const [name, recovery] of Object.entries(tookMs)) {
    const bound = fault.bounds[name]
    const problems = []
    if (recovery === undefined) problems.push(`no success in ${2 * bound} ms`)
    else if (recovery > bound) problems.push(`it took ${Math.round(recovery)} ms of ${bound}`)
    if (expected[name].length > 0)
      problems.push(`${expected[name].length} lost, such as ${expected[name][0]}`)
    if (name === 'transaction') {
      const wrong = transactions.rolledBack.filter((each) => txConsumer.taken.counts.has(each))
      if (wrong.length > 0) problems.push(`${wrong.length} came though they were rolled back`)
    }
    cell(
      name,
      `${recovery === undefined ? 'never' : Math.round(recovery)} of ${bound}`,
      ...problems,
    )
  }
  cell('close', `${ms ?? '-'} of ${CLOSE_MS}`, ...(problem === undefined ? [] : [problem]))
  row.sent = feeder.acknowledged.length + sender.acknowledged.length
  row.transactions = transactions.acknowledged.length + transactions.rolledBack.length
  row.failed = sender.failed + transactions.failed
  row.duplicates = `${consumer.taken.duplicates} + ${txConsumer.taken.duplicates}`
  return row
}

const COLUMNS = ['send', 'consume', 'transaction', 'close']

/** The table in plain text: ms until the first success, and the bound. */
function print(name, rows) {
  const header = [
    'fault',
    ...COLUMNS,
    'stored',
    'transactions',
    'refused',
    'twice, + of transactions',
  ]
  const lines = rows.map((row) => [
    row.name,
    ...COLUMNS.map((column) => row.cells[column]),
    ...[row.sent, row.transactions, row.failed, row.duplicates].map(String),
  ])
  const widths = header.map((title, at) =>
    Math.max(...[header, ...lines].map((line) => line[at].length)),
  )
  console.log(`\n${name}: ms to the first success after a fault, of those allowed`)
  for (const line of [header, ...lines])
    console.log(
      line
        .map((text, at) => text.padEnd(widths[at]))
        .join('  ')
        .trimEnd(),
    )
  for (const row of rows)
    for (const each of row.problems) console.log(`FAILED ${row.name}: ${each}`)
}

/** Shows a fault and says so; one that could not be shown is a row that failed in every column. */
async function showOnce(on, fault, label) {
  const began = performance.now()
  let row
  try {
    row = await showFault(on, fault, label)
  } catch (error) {
    const cells = Object.fromEntries(COLUMNS.map((column) => [column, '- FAILED']))
    row = { name: fault.name, problems: [error.stack], cells, sent: '-', transactions: '-' }
    Object.assign(row, { failed: '-', duplicates: '-' })
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  const isGood = row.problems.length === 0
  console.log(
    `${isGood ? 'shown ' : 'FAILED'} ${on.cluster.name} chaos/${fault.name} (${seconds} s)`,
  )
  for (const each of row.problems) console.log(`    ${each.replaceAll('\n', '\n    ')}`)
  return row
}

/**
 * Shows faults on a cluster (as `startCluster` gives it, with a `name` and `createTopic`), prints the table, and resolves with
 * how many of its cells passed and failed, and with the faults that failed once.
 */
export async function showFaults(cluster, wanted) {
  const nameServer = await ChaosProxy.start(cluster.nameServer)
  const broker = await ChaosProxy.start(cluster.brokerAddress)
  const silent = await startSilentPort()
  const both = [nameServer, broker]
  const on = {
    ...{ cluster, nameServer, broker, both, silent },
    createTopic: cluster.createTopic,
    nameServerAddress: cluster.nameServer,
    ports: Object.fromEntries(both.map((each) => [each.target, each.port])),
  }
  const rows = []
  const second = []
  try {
    for (const [number, fault] of wanted.entries()) {
      if (fault.needs === 'silent' && silent === undefined) {
        console.log(`skipped ${fault.name}: connections to a full backlog are made on this host`)
        continue
      }
      let row
      for (let showing = 1; showing <= SHOWINGS && !(row?.problems.length === 0); showing++) {
        row = await showOnce(on, fault, `${number}-${showing}`)
        if (showing > 1 && row.problems.length === 0) second.push(fault.name)
      }
      rows.push(row)
    }
  } finally {
    silent?.stop()
    await Promise.all(both.map((each) => each.close()))
  }
  print(cluster.name, rows)
  const failed = rows
    .flatMap((row) => Object.values(row.cells))
    .filter((each) => each.endsWith('FAILED')).length
  return { passed: rows.length * COLUMNS.length - failed, failed, second }
}
