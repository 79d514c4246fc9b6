/**
 * One folder, opened by Skylark and by Apache in turn. Each broker is asked over the wire for all that it serves: first
 * and next offset of every queue, each message by pull with all its bytes, key queries, consumer offsets. It must be
 * what the broker before it served, and then each adds messages of its own.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import * as apache from './apache/apache.mjs'
import { choosePorts, scratchDirectory } from './lib/processes.mjs'
import { openStoreClient, openTransactionProducer } from './lib/store-client.mjs'
import * as skylark from './skylark.mjs'

// Small files, so that a run has several of each.
const settings = {
  brokerName: 'broker-a',
  brokerIP1: '127.0.0.1',
  autoCreateTopicEnable: true,
  mappedFileSizeCommitLog: 1024 * 1024,
  mappedFileSizeConsumeQueue: 300 * 20,
  mapperFileSizeBatchConsumeQueue: 7 * 46,
  maxHashSlotNum: 500,
  maxIndexNum: 2000,
  // Half messages are asked about soon.
  transactionTimeOut: 1000,
  transactionCheckInterval: 1000,
  // A machine under test may keep a message waiting longer than Apache's 200 ms.
  waitTimeMillsInSendQueue: 20_000,
}
const TIMED = 'I_timed'
const TRANSACTION = 'I_tx'
const TRANSACTION_GROUP = 'P_tx'
const LEVEL_1S = 1
const LEVEL_2H = 18
const LOAD_CONNECTIONS = 4
const LOAD_MESSAGES = 6000
const CHECKED_KEYS = 40
const GROUPS = ['G_reader', 'G_other']
const LONG_GROUP = `G_${'long_'.repeat(28)}`

/** The brokers that open the folder. */
const makes = {
  skylark: ({ dir, port, nameServer, more }) =>
    skylark.startBroker({ dir, port, nameServer, settings: { ...settings, ...more } }),
  'apache-5.3.3': (place) => startApache('5.3.3', place),
  'apache-4.9.7': (place) => startApache('4.9.7', place),
}

function startApache(version, { dir, port, nameServer, more }) {
  const store = {
    storePathRootDir: join(dir, 'data'),
    storePathCommitLog: join(dir, 'data', 'commitlog'),
    // Without it Apache's broker registers only ten seconds after its start.
    skipPreOnline: true,
  }
  const all = { ...settings, ...more, ...store }
  return apache.startBroker({ dir, port, nameServer, settings: all, version, heapMiB: 512 })
}

const command = new URL('../../packages/skylarkmq/bin/skylark.js', import.meta.url).pathname
const sizes = ['maxHashSlotNum', 'maxIndexNum'].flatMap((key) => [
  '--set',
  `${key}=${settings[key]}`,
])

/** What `skylark store check` or `repair` says is wrong with a folder that nobody has open, a line each. */
function problemsOf(place, ...words) {
  const folder = join(place.dir, 'data')
  const args = [command, 'store', ...words, folder, ...sizes, '--json']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  if (status === 2 || stdout === '') return [`    store ${words.join(' ')}: ${stderr}`]
  const said = JSON.parse(stdout)
  return (said.report ?? said).problems.map(({ where, what }) => `    ${where}: ${what}`)
}

/** What is known of a folder: the queues and keys that were used. */
function newKnowledge(groups, hasTimers, hasLightQueues = false) {
  return {
    groups,
    hasTimers,
    hasLightQueues,
    queues: new Map(),
    keys: new Map(),
    offsets: new Set(),
    round: 0,
  }
}

function note(known, topic, queueId) {
  known.queues.set(`${topic}:${queueId}`, [topic, queueId])
}

/** Adds messages of every kind. */
async function addMessages(client, known) {
  const round = known.round++
  const [plain, keyed, batch] = ['I_plain', 'I_keyed', 'I_batch']
  if (round === 0) {
    for (const [topic, queues] of [
      [plain, 4],
      [keyed, 2],
      [batch, 1],
      ['I_delay', 1],
      [TIMED, 1],
      [TRANSACTION, 1],
    ]) {
      await client.createTopic(topic, queues)
    }
    for (const group of known.groups) await client.createGroup(group)
  }
  const stored = []
  for (let i = 0; i < 40; i++) {
    const properties = {
      UNIQ_KEY: `U${round}_${i}`,
      TAGS: ['a', 'Aa', 'BB', 'ü'][i % 4],
      WAIT: String(i % 5 > 0),
    }
    stored.push(await client.send(plain, i % 4, `plain ${round} ${i}`, properties, i))
    note(known, plain, i % 4)
  }
  const large = Buffer.alloc(30_000, `${round}`)
  for (let i = 0; i < 20; i++) {
    const keys = [`key-${round}-${i}`, 'same', `键-${i}`]
    await client.send(keyed, i % 2, large, { UNIQ_KEY: `K${round}_${i}`, KEYS: keys.join(' ') })
    note(known, keyed, i % 2)
    for (const key of keys) known.keys.set(`${keyed} ${key}`, [keyed, key])
  }
  const members = [0, 1, 2, 3, 4].map((i) => ({
    body: `batch ${round} ${i}`,
    properties: { UNIQ_KEY: `B${round}_${i}`, KEYS: `batch-${round}-${i}` },
  }))
  await client.sendBatch(batch, 0, members)
  note(known, batch, 0)
  known.keys.set(`${batch} batch-${round}-3`, [batch, `batch-${round}-3`])
  await addDelayed(client, known, round, stored)
  if (known.hasTimers) await addTimed(client, round)
  if (known.hasTimers) await addBatchesAsOne(client, known, round)
  if (known.hasLightQueues) await addLight(client, known, round)
  for (const end of ['commit', 'rollback']) {
    await client.sendHalf(TRANSACTION_GROUP, TRANSACTION, 0, `${end} ${round}`)
  }
  note(known, TRANSACTION, 0)
  for (const [i, group] of known.groups.entries()) {
    await client.commit(group, plain, i % 4, 3 + round + i)
    known.offsets.add(`${group} ${plain} ${i % 4}`)
  }
}

/** Adds batches that are one record each, and a message by itself between them. */
async function addBatchesAsOne(client, known, round) {
  const topic = 'I_as_one'
  if (round === 0) await client.createTopic(topic, 1, '+queue.type=BatchCQ')
  const members = (stem, count) =>
    Array.from({ length: count }, (_, i) => ({
      body: `${stem} ${round} ${i}`,
      properties: { UNIQ_KEY: `${stem}${round}_${i}`, TAGS: 'member' },
    }))
  const own = (stem) => ({ UNIQ_KEY: `${stem}${round}`, KEYS: `as-one-${stem}-${round}` })
  await client.sendBatch(topic, 0, members('X', 5), own('X'))
  await client.send(topic, 0, `alone ${round}`, { UNIQ_KEY: `S${round}`, TAGS: 'alone' })
  await client.sendBatch(topic, 0, members('Y', 2), own('Y'))
  await client.waitForMax(topic, 0, 8 * (round + 1))
  note(known, topic, 0)
  known.keys.set(`${topic} as-one-X-${round}`, [topic, `as-one-X-${round}`])
}

async function addDelayed(client, known, round, stored) {
  await client.send('I_delay', 0, `soon ${round}`, { DELAY: LEVEL_1S, KEYS: `soon-${round}` })
  await client.send('I_delay', 0, `late ${round}`, { DELAY: LEVEL_2H })
  note(known, 'I_delay', 0)
  known.keys.set(`I_delay soon-${round}`, ['I_delay', `soon-${round}`])
  for (const [i, group] of known.groups.entries()) {
    await client.sendBack(group, stored[i], LEVEL_1S)
    note(known, `%RETRY%${group}`, 0)
    // A dead-letter topic of such a name is refused by both makes.
    if (group === LONG_GROUP) continue
    await client.sendBack(group, stored[i + 5], -1)
    note(known, `%DLQ%${group}`, 0)
  }
  note(known, 'SCHEDULE_TOPIC_XXXX', LEVEL_1S - 1)
  note(known, 'SCHEDULE_TOPIC_XXXX', LEVEL_2H - 1)
  await client.waitForMax('I_delay', 0, round + 1)
  for (const group of known.groups) {
    await client.waitForMax(`%RETRY%${group}`, 0, round + 1)
    if (group !== LONG_GROUP) await client.waitForMax(`%DLQ%${group}`, 0, round + 1)
  }
}

/** Adds messages with times of their own: one that this broker delivers, one that the next does, one that stays. */
async function addTimed(client, round) {
  const delays = { now: 1, cross: 8, far: 7200 }
  for (const [body, sec] of Object.entries(delays)) {
    const key = `${body}-${round}`
    await client.send(TIMED, 0, key, { UNIQ_KEY: key, TIMER_DELAY_SEC: String(sec) })
  }
  await client.waitForMax(TIMED, 0, 2 * round + 1)
}

/** Adds messages that are in light message queues, too, and a group's offset in one of them. */
async function addLight(client, known, round) {
  const [one, two] = ['%LMQ%one', '%LMQ%two']
  for (const [i, names] of [`${one},${two}`, two, one, two].entries()) {
    const body = `light ${round} ${i}`
    const properties = { UNIQ_KEY: body, TAGS: 'light', INNER_MULTI_DISPATCH: names }
    await client.send('I_plain', i, body, properties)
  }
  for (const [name, count] of [
    [one, 2],
    [two, 3],
  ]) {
    note(known, name, 0)
    await client.waitForMax(name, 0, count * (round + 1))
  }
  await client.commit('%LMQ%group', two, 0, 1 + round)
  known.offsets.add(`%LMQ%group ${two} 0`)
}

/** What is wrong with the messages that the broker before this one left waiting. */
async function timedOf(client, rounds) {
  await client.waitForMax(TIMED, 0, 2 * rounds)
  // Time for what would come twice.
  await pause(2_500)
  const lines = []
  const max = await client.maxOffset(TIMED, 0)
  if (max !== 2 * rounds) lines.push(`    ${max} messages came, ${2 * rounds} were due`)
  for (let round = 0; round < rounds; round++) {
    const places = await client.queryKey(TIMED, `cross-${round}`)
    if (places.length !== 1) lines.push(`    cross-${round} is at ${JSON.stringify(places)}`)
  }
  const waiting = await client.timersWaiting(TIMED)
  if (waiting !== rounds) lines.push(`    ${waiting} wait, it should be ${rounds}`)
  return lines
}

/** What is wrong with the ends of the transactions that the broker before this one left open. */
async function transactionsOf(client, address, rounds) {
  const isCommitted = (body) => body.startsWith('commit')
  const producer = await openTransactionProducer(address, TRANSACTION_GROUP, isCommitted)
  const lines = []
  try {
    await client.waitForMax(TRANSACTION, 0, rounds)
    for (const end of ['commit', 'rollback']) {
      for (let waited = 0; !producer.bodies.has(`${end} ${rounds - 1}`); waited++) {
        if (waited === 200) lines.push(`    nobody was asked about ${end} ${rounds - 1}`)
        if (waited === 200) break
        await pause(100)
      }
    }
    // Time for what would come twice.
    await pause(2_500)
  } finally {
    producer.close()
  }
  const max = await client.maxOffset(TRANSACTION, 0)
  if (max !== rounds) lines.push(`    ${max} messages are there, ${rounds} were committed`)
  const early = [...producer.bodies].filter((body) => !body.endsWith(` ${rounds - 1}`))
  if (early.length > 0) lines.push(`    ${early.join()} had ended, and was asked about again`)
  return lines
}

/** Everything that a broker serves of what is known. */
async function factsOf(client, known) {
  const facts = { queues: {}, keys: {}, offsets: {} }
  for (const [name, [topic, queueId]] of known.queues) {
    facts.queues[name] = await client.readQueue(topic, queueId)
  }
  for (const [name, [topic, key]] of known.keys)
    facts.keys[name] = await client.queryKey(topic, key)
  for (const name of known.offsets) {
    const [group, topic, queueId] = name.split(' ')
    facts.offsets[name] = await client.committed(group, topic, Number(queueId))
  }
  return facts
}

/** Where two brokers' facts differ, a line each. */
function differences(before, after) {
  const lines = []
  for (const part of Object.keys(before)) {
    for (const [name, value] of Object.entries(before[part])) {
      const [one, other] = [JSON.stringify(value), JSON.stringify(after[part][name])]
      if (one !== other)
        lines.push(`    ${part} ${name}: ${one.slice(0, 300)} became ${other?.slice(0, 300)}`)
    }
  }
  return lines
}

function countOf(facts) {
  return Object.values(facts.queues).reduce((sum, { messages }) => sum + messages.length, 0)
}

/** Starts a broker on a folder, runs something on it, and stops it. */
async function withBroker(make, place, work, signal = 'SIGTERM') {
  const broker = await makes[make](place)
  const client = openStoreClient(broker.address)
  try {
    return await work(client, broker)
  } finally {
    client.close()
    await broker.stop(signal)
  }
}

/**
 * Opens one folder with each make in turn. Yields a verdict for each opening after the first: all that the broker
 * before it served is there.
 */
async function* inTurns(name, order, place, known) {
  let before
  for (const [turn, make] of order.entries()) {
    let found
    let untimely = []
    let unended = []
    const served = await withBroker(make, place, async (client, { address }) => {
      if (before !== undefined) found = await factsOf(client, known)
      if (before !== undefined && known.hasTimers) untimely = await timedOf(client, known.round)
      if (before !== undefined) unended = await transactionsOf(client, address, known.round)
      await addMessages(client, known)
      return factsOf(client, known)
    })
    const unsound = problemsOf(place, 'check')
    yield { name: `${name}/${turn}-${make}-checked`, same: unsound.length === 0, lines: unsound }
    if (before !== undefined) {
      const lines = differences(before, found)
      const what = `${name}/${turn}-${make}-after-${order[turn - 1]}`
      yield { name: what, same: lines.length === 0, lines, note: `${countOf(found)} messages` }
      const timed = { same: untimely.length === 0, lines: untimely }
      if (known.hasTimers) yield { name: `${what}-timed`, ...timed }
      yield { name: `${what}-transactions`, same: unended.length === 0, lines: unended }
    }
    before = served
  }
}

/** Makes queues and index of a folder anew, and opens it with each make: all is served as before. */
async function* afterRepair(place, known) {
  const before = await withBroker('skylark', place, (client) => factsOf(client, known))
  const unsound = problemsOf(place, 'repair', '--all', '--apply')
  yield { name: 'repaired/sound', same: unsound.length === 0, lines: unsound }
  for (const make of ['apache-5.3.3', 'skylark']) {
    const after = await withBroker(make, place, (client) => factsOf(client, known))
    const lines = [...differences(before, after), ...problemsOf(place, 'check')]
    yield { name: `repaired/opened-by-${make}`, same: lines.length === 0, lines }
  }
}

/** Sends over some connections until the broker dies; returns what it acknowledged. */
async function loadUntilDeath(make, place, known, prefix) {
  const acknowledged = []
  await withBroker(
    make,
    place,
    async (_client, broker) => {
      const clients = Array.from({ length: LOAD_CONNECTIONS }, () =>
        openStoreClient(broker.address),
      )
      const sends = []
      for (let i = 0; i < LOAD_MESSAGES; i++) {
        const key = `${prefix}-${i}`
        const sent = clients[i % LOAD_CONNECTIONS]
          .send('I_plain', i % 4, Buffer.alloc(700, key), { UNIQ_KEY: key, KEYS: key })
          .then((stored) => acknowledged.push({ ...stored, key }))
        // What the kill cut off was not acknowledged.
        sends.push(sent.catch(() => undefined))
      }
      while (acknowledged.length < LOAD_MESSAGES / 3) await pause(1)
      await broker.stop('SIGKILL')
      await Promise.all(sends)
      for (const client of clients) client.close()
    },
    'SIGKILL',
  )
  return acknowledged
}

/** What is wrong with acknowledged messages in what a broker serves. */
async function lostOf(client, facts, acknowledged) {
  const lines = []
  for (const { topic, queueId, queueOffset, physicalOffset } of acknowledged) {
    const queue = facts.queues[`${topic}:${queueId}`]
    const found = queue.messages[queueOffset - queue.min] ?? 'nothing'
    if (!found.startsWith(`${queueOffset}@${physicalOffset} `)) {
      lines.push(
        `    ${topic}:${queueId} ${queueOffset}@${physicalOffset} was acknowledged, there is ${found}`,
      )
    }
  }
  for (const { topic, key, physicalOffset } of acknowledged.slice(-CHECKED_KEYS)) {
    const places = await client.queryKey(topic, key)
    if (!places.includes(physicalOffset))
      lines.push(`    ${key} finds ${JSON.stringify(places)}, not ${physicalOffset}`)
  }
  return lines.slice(0, 10)
}

/** Kills `killed` under load, then opens copies of the folder with both makes. */
async function* afterKill(killed, place, known) {
  const acknowledged = await loadUntilDeath(killed, place, known, `${killed}-${known.round++}`)
  const copy = { ...place, dir: `${place.dir}-killed-${killed}` }
  cpSync(place.dir, copy.dir, { recursive: true })
  const served = {}
  for (const [make, where] of [
    ['skylark', place],
    ['apache-5.3.3', copy],
  ]) {
    const lines = await withBroker(make, where, async (client) => {
      served[make] = await factsOf(client, known)
      return lostOf(client, served[make], acknowledged)
    })
    const what = `killed-${killed}/opened-by-${make}`
    yield {
      name: what,
      same: lines.length === 0,
      lines,
      note: `${acknowledged.length} acknowledged`,
    }
  }
  // What was in memory only when the process died is no broker's; delayed messages may come again.
  const { queues, offsets } = served.skylark
  const lines = differences({ queues, offsets }, served['apache-5.3.3'])
  yield { name: `killed-${killed}/both-serve-the-same`, same: lines.length === 0, lines }
}

const programs = {
  'apache-5.3.3': async function* (place) {
    const known = newKnowledge([...GROUPS, LONG_GROUP], true)
    const order = ['skylark', 'apache-5.3.3', 'skylark', 'apache-5.3.3', 'skylark']
    yield* inTurns('5.3.3', order, place, known)
    yield* afterRepair(place, known)
    yield* afterKill('skylark', place, known)
    yield* afterKill('apache-5.3.3', place, known)
  },
  'light-queues': async function* (place) {
    const known = newKnowledge(GROUPS, true, true)
    const order = ['skylark', 'apache-5.3.3', 'skylark', 'apache-5.3.3', 'skylark']
    const more = { enableLmq: true, enableMultiDispatch: true }
    yield* inTurns('light-queues', order, { ...place, more }, known)
  },
  // It cannot read records of version 2, which topics of long groups have.
  'apache-4.9.7': async function* (place) {
    const known = newKnowledge(GROUPS, false)
    yield* inTurns(
      '4.9.7',
      ['skylark', 'apache-4.9.7', 'skylark', 'apache-4.9.7', 'skylark'],
      place,
      known,
    )
  },
}

/** Shows each wanted program; yields `{ name, program, same, lines }`. */
export async function* interchangeBehaviours(isWanted) {
  for (const [name, program] of Object.entries(programs)) {
    if (!isWanted(name)) continue
    const scratch = scratchDirectory('interchange')
    const [nameServerPort, port] = await choosePorts(2)
    const server = await skylark.startNameServer({
      dir: join(scratch.path, 'namesrv'),
      port: nameServerPort,
    })
    try {
      const dir = join(scratch.path, 'broker')
      mkdirSync(dir)
      for await (const verdict of program({ dir, port, nameServer: server.address })) {
        const { note: figures = '', ...rest } = verdict
        console.log(
          `  ${verdict.same ? 'shown ' : 'FAILED'} interchange/${verdict.name} ${figures}`,
        )
        yield { ...rest, program: name, name: `interchange/${verdict.name}` }
      }
    } catch (error) {
      yield {
        name: `interchange/${name}`,
        program: name,
        same: false,
        lines: [`    ${error.stack}`],
      }
    } finally {
      await server.stop()
      scratch.remove()
    }
  }
}
