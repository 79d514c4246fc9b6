/**
 * `npm run first-message`: how long a consumer of a group that is new takes from `run()` until its handler has the first
 * message, which lies there. Each time a new client with new connections; the median of 20, on both makes.
 *
 *   --make skylark|apache   one of them
 *   --rounds N              so many (20)
 *   --topics N              topics that the group wants; the first message of the last one counts (1)
 */
import { parseArgs } from 'node:util'
import { RocketMQ } from '@skylarkmq/client'
import * as apache from '../test/conformance/apache/apache.mjs'
import { choosePorts, scratchDirectory, waitUntil } from '../test/conformance/lib/processes.mjs'
import * as skylark from '../test/conformance/skylark.mjs'

const { values: options } = parseArgs({
  options: {
    make: { type: 'string' },
    rounds: { type: 'string', default: '20' },
    topics: { type: 'string', default: '1' },
  },
})
const topics = Array.from({ length: Number(options.topics) }, (_, i) => `First${i}`)
const subscriptions = Object.fromEntries(topics.map((topic) => [topic, '*']))

/** ms from `run()` until it has resolved, and until the handler has its first message. */
async function round(nameServers, number) {
  const mq = new RocketMQ({ nameServers })
  const consumer = await mq.consumer({
    group: `first-${number}`,
    subscriptions,
    consumeFrom: 'first',
  })
  const seen = new Set()
  const began = performance.now()
  let runMs
  const firstMs = await new Promise((resolve, reject) => {
    const handle = ({ topic }) => {
      seen.add(topic)
      if (seen.size === topics.length) resolve(performance.now() - began)
    }
    consumer.run(handle).then(() => (runMs = performance.now() - began), reject)
  })
  await mq.close()
  return { runMs, firstMs }
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]

async function show(make) {
  const scratch = scratchDirectory(`first-${make}`)
  const { startCluster } = make === 'apache' ? apache : skylark
  const settings = make === 'apache' ? { skipPreOnline: true } : {}
  const cluster = await startCluster({ dir: scratch.path, ports: await choosePorts(2), settings })
  try {
    const { nameServer } = cluster
    const mq = new RocketMQ({ nameServers: nameServer })
    const producer = await mq.producer()
    for (const topic of topics) {
      await mq.admin().topics.create(topic, { queues: 4 })
      const known = async () => (await mq.admin().topics.route(topic)) !== undefined
      await waitUntil(`the route of ${topic}`, known)
      for (let i = 0; i < 4; i++) await producer.send({ topic, body: `first ${i}` })
    }
    await mq.close()
    const rounds = []
    for (let i = 0; i < Number(options.rounds); i++) rounds.push(await round(nameServer, i))
    const first = rounds.map(({ firstMs }) => firstMs)
    const run = rounds.map(({ runMs }) => runMs)
    const ms = (value) => `${value.toFixed(1)} ms`
    console.log(
      `${make.padEnd(8)} first message ${ms(median(first))} after run() (best ${ms(Math.min(...first))}, worst ${ms(Math.max(...first))}); run() resolves after ${ms(median(run))}`,
    )
  } finally {
    await cluster.stop()
    scratch.remove()
  }
}

for (const make of options.make === undefined ? ['skylark', 'apache'] : [options.make]) {
  await show(make)
}
