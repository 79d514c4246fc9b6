/**
 * `npm run conformance -- metrics`: what both makes show a Prometheus after the same messages of our own client, by names,
 * labels and values. What is of the host, the moment or the make's inside is compared by its name and labels alone.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as apache from './apache/apache.mjs'
import { choosePorts, scratchDirectory, waitUntil } from './lib/processes.mjs'
import * as skylark from './skylark.mjs'

const golden = join(
  dirname(fileURLToPath(import.meta.url)),
  `golden/metrics-${apache.apacheVersion}.json`,
)

const makes = {
  apache: (options) =>
    apache.startCluster({ ...options, settings: { ...options.settings, skipPreOnline: true } }),
  skylark: (options) => skylark.startCluster(options),
}

/** Series whose values depend on the host, the moment or the make's inside. */
const OF_THE_MOMENT =
  /^rocketmq_(storage_|\w*latency_milliseconds|finish_message\w*_(sum|bucket)|(topic|consumer_group)_number)/
/** Series that one make alone has, and means it. */
const MEANT = [
  [/^rocketmq_pop_/, 'POP is not built'],
  [/^rocketmq_(topic|consumer_group)_create_execution_time_/, 'the time to create is not measured'],
  [/request_code=31999/, 'a code that nobody serves has no series: a peer could invent more'],
  // Which requests a client sends at its start and when depends on the moment.
  [
    /^rocketmq_rpc_latency_\w+\{.*request_code=(?!send_message_v2|end_transaction)/,
    'of the moment',
  ],
]

const nothing = () => undefined
const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }

async function show(cluster, page) {
  const { RocketMQ } = await import('../../packages/client/dist/src/index.js')
  const mq = new RocketMQ({ nameServers: cluster.nameServer, logger })
  try {
    await mq.admin().topics.create('MT', { queues: 1 })
    const producer = await mq.producer({ group: 'PG' })
    for (let i = 0; i < 5; i++) await producer.send({ topic: 'MT', body: 'x'.repeat(100) })
    await producer.send({ topic: 'MT', body: 'in order', shardingKey: 'k' })
    await producer.send({ topic: 'MT', body: 'later', delayLevel: 1 })
    await producer.send({ topic: 'MT', body: 'big'.repeat(1000) })
    const transactions = await mq.transactionProducer({ group: 'TG', check: () => 'unknown' })
    for (const end of ['commit', 'rollback', 'unknown'])
      await transactions.send({ topic: 'MT', body: end }, () => end)
    let count = 0
    const consumer = await mq.consumer({
      ...{ group: 'CG', subscriptions: { MT: '*' }, consumeFrom: 'first', maxReconsumeTimes: 0 },
    })
    await consumer.run(({ body }) => {
      count++
      if (String(body) === 'in order') throw new Error('no')
    })
    const isEven = async () => {
      const now = await page()
      const at = (name) => [...now].find(([key]) => key.startsWith(`${name}{`))?.[1]
      const isDead = at('rocketmq_send_to_dlq_messages_total') === 1
      return count === 9 && isDead && at('rocketmq_consumer_lag_messages') === 0
    }
    await waitUntil('all is consumed', isEven, { everyMs: 500 })
    // Apache's end of a transaction is one-way.
    await pause(1_000)
    return Object.fromEntries(await page())
  } finally {
    await mq.close({ timeout: 1_000 })
  }
}

/** `name{labels in order}` → value. */
function seriesOf(text) {
  const series = []
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] =
      /^(rocketmq_\w+)(?:\{(.*)\})? (\S+)(?: \d+)?$/.exec(line) ?? []
    if (name === undefined) continue
    const all = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, of]) => `${key}=${of}`)
    series.push([`${name}{${all.sort().join()}}`, Number(value)])
  }
  return new Map(series.sort(([a], [b]) => (a < b ? -1 : 1)))
}

async function seriesAfter(make, keep) {
  const scratch = scratchDirectory(`conformance-metrics-${make}`)
  const [metricsPort, ...ports] = await choosePorts(3)
  const settings = {
    metricsExporterType: 'PROM',
    metricsPromExporterPort: metricsPort,
    metricsPromExporterHost: '127.0.0.1',
    metricsLabel: 'zone:z1',
  }
  const cluster = await makes[make]({ dir: scratch.path, ports, settings })
  const page = async () => {
    const answer = await fetch(`http://127.0.0.1:${metricsPort}/metrics`)
    return seriesOf(await answer.text())
  }
  try {
    return await show(cluster, page)
  } finally {
    await cluster.stop()
    if (!keep) scratch.remove()
  }
}

function differences(theirs, ours) {
  const lines = { bad: [], meant: new Set() }
  for (const key of new Set([...Object.keys(theirs), ...Object.keys(ours)])) {
    const [a, b] = [theirs[key], ours[key]]
    const isSame = OF_THE_MOMENT.test(key) ? (a === undefined) === (b === undefined) : a === b
    if (isSame) continue
    const why = MEANT.find(([pattern]) => pattern.test(key))?.[1]
    if (why === undefined) lines.bad.push(`    ${key}: apache ${a}, skylark ${b}`)
    else lines.meant.add(`    meant: ${key.replace(/\{.*/, '')} (${why})`)
  }
  return lines
}

/** One verdict: names, labels and values. */
export async function metricsVerdict({ golden: isGolden = false, record = false, keep = false }) {
  if (isGolden && !existsSync(golden))
    throw new Error('no recorded series: run with --record first')
  const theirs = isGolden
    ? JSON.parse(readFileSync(golden, 'utf8'))
    : await seriesAfter('apache', keep)
  if (record) writeFileSync(golden, `${JSON.stringify(theirs, null, 1)}\n`)
  const { bad, meant } = differences(theirs, await seriesAfter('skylark', keep))
  return { name: 'metrics/series', same: bad.length === 0, lines: [...meant, ...bad] }
}
