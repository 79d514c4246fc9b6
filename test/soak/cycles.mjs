/**
 * `npm run cycles`: makes a client, sends, consumes and closes it, a thousand times, and looks at what is left: handles,
 * memory after a collection, and connections of the server. Ends with 1 when anything grows.
 *
 *   --make skylark|apache   whose broker (skylark)
 *   --count N               cycles (1000)
 */
import { readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { RocketMQ } from '@skylarkmq/client'
import * as apache from '../conformance/apache/apache.mjs'
import { choosePorts, scratchDirectory, waitUntil } from '../conformance/lib/processes.mjs'
import * as skylark from '../conformance/skylark.mjs'

const { values: options } = parseArgs({
  options: {
    make: { type: 'string', default: 'skylark' },
    count: { type: 'string', default: '1000' },
  },
})
const count = Number(options.count)

/** One life of a client: it sends a message, has it, and goes. */
async function cycle(nameServers, number) {
  const mq = new RocketMQ({ nameServers })
  const producer = await mq.producer({ group: 'cycles-producer' })
  const consumer = await mq.consumer({
    group: `cycles-${number % 5}`,
    subscriptions: { Cycles: '*' },
    consumeFrom: 'first',
  })
  const body = String(number)
  const got = new Promise((resolve, reject) => {
    const handle = (message) => {
      if (message.body.toString() === body) resolve()
    }
    consumer.run(handle).catch(reject)
  })
  await producer.send({ topic: 'Cycles', body })
  await got
  await mq.close()
}

/** Sockets of a process, as Linux lists them; 0 elsewhere. */
function socketsOf(pid) {
  const folder = `/proc/${pid}/fd`
  try {
    return readdirSync(folder).filter((name) => {
      try {
        return readlinkSync(`${folder}/${name}`).startsWith('socket:')
      } catch {
        return false
      }
    }).length
  } catch {
    return 0
  }
}

async function figures(cluster) {
  // What a closed socket leaves is gone a moment later.
  await pause(300)
  for (let i = 0; i < 3; i++) globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  const MiB = (bytes) => Number((bytes / 2 ** 20).toFixed(1))
  return {
    handles: process.getActiveResourcesInfo().length,
    ownSockets: socketsOf(process.pid),
    serverSockets: socketsOf(cluster.brokerPid()),
    heapMiB: MiB(heapUsed),
    externalMiB: MiB(external),
    rssMiB: MiB(rss),
  }
}

const scratch = scratchDirectory(`cycles-${options.make}`)
const make = options.make === 'apache' ? apache : skylark
const settings = options.make === 'apache' ? { skipPreOnline: true } : {}
const cluster = await make.startCluster({
  dir: scratch.path,
  ports: await choosePorts(2),
  settings,
})
try {
  const mq = new RocketMQ({ nameServers: cluster.nameServer })
  await mq.admin().topics.create('Cycles', { queues: 2 })
  const known = async () => (await mq.admin().topics.route('Cycles')) !== undefined
  await waitUntil('the route of Cycles', known)
  await mq.close()
  const began = performance.now()
  const seen = []
  for (let number = 0; number < count; number++) {
    if (number === Math.floor(count / 10)) seen.push(await figures(cluster))
    if (number === Math.floor(count / 2)) seen.push(await figures(cluster))
    await cycle(cluster.nameServer, number)
  }
  seen.push(await figures(cluster))
  console.log(`${count} cycles in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  console.table(Object.fromEntries(seen.map((each, i) => [['tenth', 'half', 'end'][i], each])))
  const [first, , last] = seen
  const grown = ['handles', 'ownSockets', 'serverSockets'].filter(
    (name) => last[name] > first[name] + 2,
  )
  if (last.heapMiB > first.heapMiB * 1.2 + 2) grown.push('heapMiB')
  if (grown.length > 0) console.log(`it grows: ${grown.join(', ')}`)
  process.exitCode = grown.length === 0 ? 0 : 1
} finally {
  await cluster.stop()
  scratch.remove()
}
