/**
 * `npm run conformance -- fields`: every request that we serve, each of its fields and each part of its body left out,
 * empty or wrong in turn, asked of Apache and of Skylark on the wire; the codes of the answers are compared. What is
 * meant to differ is in `differences.mjs`.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as apache from '../apache/apache.mjs'
import { choosePorts, scratchDirectory } from '../lib/processes.mjs'
import { encodeFrame, frameReader } from '../lib/remoting.mjs'
import * as skylark from '../skylark.mjs'
import { allCases } from './cases.mjs'
import { differenceOf } from './differences.mjs'
import { prepare, prepareHalves, prepareTargets } from './state.mjs'

const goldenFile = join(
  dirname(fileURLToPath(import.meta.url)),
  `../golden/fields-${apache.apacheVersion}.json`,
)
// Half messages are not asked about while the cases run.
const settings = {
  recallMessageEnable: true,
  autoCreateTopicEnable: true,
  transactionTimeOut: 600_000,
}
const AT_ONCE = 64
/** Who has not answered by then is taken to be silent; when the makes differ, they are asked again with more time. */
const SILENCE_MS = 3_000
const LONG_SILENCE_MS = 12_000
const SHOWN = 40
const AGAIN_MAX = 300
/** A connection that was closed, and none that answered. */
const CLOSED = 'c'
const SILENT = '-'

const makes = {
  apache: (options) =>
    apache.startCluster({ ...options, settings: { ...settings, skipPreOnline: true } }),
  skylark: (options) => skylark.startCluster({ ...options, settings }),
}

/** One request on a connection of its own; the code of the answer, with `b` when it has a body. */
function outcome(address, { code, fields, body }, limitMs) {
  const [host, port] = address.split(':')
  const { promise, resolve } = withResolvers()
  const socket = connect({ host, port: Number(port) })
  const timer = setTimeout(() => resolve(SILENT), limitMs)
  socket.on('error', () => resolve(CLOSED))
  socket.on('close', () => resolve(CLOSED))
  socket.on(
    'data',
    frameReader((header, answer) => {
      if ((header.flag & 1) !== 0) resolve(`${header.code}${answer.length > 0 ? 'b' : ''}`)
    }),
  )
  const header = { code, language: 'JAVA', version: 493, opaque: 1, flag: 0 }
  if (fields !== undefined) header.extFields = fields
  socket.write(encodeFrame(header, body === undefined ? undefined : Buffer.from(body)))
  return promise.finally(() => {
    clearTimeout(timer)
    socket.destroy()
  })
}

function withResolvers() {
  const made = {}
  made.promise = new Promise((resolve) => (made.resolve = resolve))
  return made
}

/** Asks all cases of one make; a map of a case's id to its outcome. */
async function askAll(cluster, cases, state, round, limitMs) {
  const results = new Map()
  const topics = []
  const groups = []
  const nameOf = ({ id }) => `${round}-${id}`
  const ending = cases.filter(({ request }) => request === 'END_TRANSACTION')
  const halves = await prepareHalves(cluster, ending.map(nameOf))
  const requests = cases.map((one) => {
    const request = one.make(nameOf(one), { ...state, halves })
    topics.push(...(request.topics ?? []))
    groups.push(...(request.groups ?? []))
    return { one, code: one.code, ...request }
  })
  await prepareTargets(cluster, { topics, groups })
  // One kind of request after the other: what one leaves behind is there for the next, with both makes.
  for (const group of groupBy(requests, ({ one }) => one.request).values()) {
    let next = 0
    const worker = async () => {
      while (next < group.length) {
        const request = group[next++]
        const address = request.one.server === 'broker' ? cluster.brokerAddress : cluster.nameServer
        results.set(request.one.id, await outcome(address, request, limitMs))
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
  }
  return results
}

function groupBy(items, keyOf) {
  const groups = new Map()
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return groups
}

/** Starts a make with the state of `prepare`; answers `{ ask(cases, round, limitMs), stop() }`. */
async function startMake(make, keep) {
  const scratch = scratchDirectory(`conformance-fields-${make}`)
  const cluster = await makes[make]({ dir: scratch.path, ports: await choosePorts(2) })
  const stop = async () => {
    await cluster.stop()
    if (!keep) scratch.remove()
  }
  try {
    const state = await prepare(cluster)
    return {
      ask: (cases, round, limitMs) => askAll(cluster, cases, state, round, limitMs),
      async stop() {
        state.leave()
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const keyOf = ({ server, request }) => `${server}/${request}`

/** The outcomes as they are recorded: for each request and row the outcomes in the order of the columns. */
function tableOf(cases, results) {
  const table = {}
  for (const one of cases) {
    const rows = (table[keyOf(one)] ??= {})
    const answer = results.get(one.id)
    rows[one.row] = rows[one.row] === undefined ? answer : `${rows[one.row]} ${answer}`
  }
  return table
}

/** Recorded outcomes by case; a case that the record lacks has none. */
function recorded(cases) {
  if (!existsSync(goldenFile)) throw new Error('no recorded answers: run with --record first')
  const table = JSON.parse(readFileSync(goldenFile, 'utf8'))
  const places = new Map()
  return new Map(
    cases.map((one) => {
      const key = `${keyOf(one)} ${one.row}`
      const at = places.get(key) ?? 0
      places.set(key, at + 1)
      return [one.id, table[keyOf(one)]?.[one.row]?.split(' ')[at]]
    }),
  )
}

/** What differs, what of it is meant, by reason. */
function compare(cases, theirs, ours) {
  const meant = new Map()
  const different = []
  for (const one of cases) {
    const left = theirs.get(one.id)
    const right = ours.get(one.id)
    if (left === right) continue
    const why = differenceOf(one, left, right)
    if (why === undefined) different.push({ one, left, right })
    else meant.set(why, (meant.get(why) ?? 0) + 1)
  }
  return { meant, different }
}

const linesOf = (different) =>
  different.map(
    ({ one, left, right }) =>
      `    ${one.request} ${one.row}, ${one.column}: apache ${left}, skylark ${right}`,
  )

async function theirsAndOurs(cases, { golden, keep }) {
  const running = []
  const start = async (make) => {
    const started = await startMake(make, keep)
    running.push(started)
    return started
  }
  try {
    const first = golden ? undefined : await start('apache')
    const theirs = golden ? recorded(cases) : await first.ask(cases, 'a', SILENCE_MS)
    const second = await start('skylark')
    const ours = await second.ask(cases, 'a', SILENCE_MS)
    const { different } = compare(cases, theirs, ours)
    if (different.length > 0 && different.length <= AGAIN_MAX) {
      const again = different.map(({ one }) => one)
      console.log(`fields: ${again.length} asked again`)
      for (const line of linesOf(different).slice(0, SHOWN)) console.log(line)
      const asked = [
        [theirs, first],
        [ours, second],
      ].filter(([, make]) => make !== undefined)
      for (const [results, make] of asked) {
        for (const [id, answer] of await make.ask(again, 'b', LONG_SILENCE_MS)) {
          results.set(id, answer)
        }
      }
    }
    return { theirs, ours }
  } finally {
    for (const make of running) await make.stop()
  }
}

/** One verdict for each server. */
export async function fieldsVerdicts({ golden = false, record = false, keep = false } = {}) {
  const { servedRequests } = await import('../../../packages/broker/dist/src/index.js')
  const { namesrvRequests } = await import('../../../packages/protocol/dist/src/index.js')
  const cases = allCases({ served: servedRequests, namesrvRequests })
  const began = performance.now()
  const { theirs, ours } = await theirsAndOurs(cases, { golden, keep })
  console.log(
    `fields: ${cases.length} cases in ${((performance.now() - began) / 1000).toFixed(0)} s`,
  )
  if (record) writeFileSync(goldenFile, `${JSON.stringify(tableOf(cases, theirs), null, 1)}\n`)
  return ['broker', 'namesrv'].map((server) => {
    const own = cases.filter((one) => one.server === server)
    const { meant, different } = compare(own, theirs, ours)
    const lines = linesOf(different).slice(0, SHOWN)
    if (different.length > SHOWN) lines.push(`    … and ${different.length - SHOWN} more`)
    const told = [...meant].map(([why, count]) => `    meant: ${why} (${count})`)
    return {
      name: `fields/${server}-${own.length}-cases`,
      same: different.length === 0,
      lines: [...told, ...lines],
    }
  })
}
