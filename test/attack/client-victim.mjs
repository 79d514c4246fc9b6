/** A program that uses the client: a consumer of a topic and a producer, and how long its event loop stood still. */
import { RocketMQ } from '../../packages/client/dist/src/index.js'

const EVERY_MS = 20

const seen = { consumed: 0, failed: 0, bytes: 0, longestMs: 0, peakMiB: 0 }
const startMiB = mib()
let last = performance.now()
setInterval(() => {
  const now = performance.now()
  seen.longestMs = Math.max(seen.longestMs, Math.round(now - last - EVERY_MS))
  last = now
  seen.peakMiB = Math.max(seen.peakMiB, mib() - startMiB)
}, EVERY_MS)
process.on('message', () => process.send(seen))

const quiet = () => {}
const mq = new RocketMQ({
  nameServers: `127.0.0.1:${process.argv[2]}`,
  pollNameServerMs: 200,
  heartbeatMs: 200,
  logger: { debug: quiet, info: quiet, warn: () => seen.failed++, error: () => seen.failed++ },
})
const consumer = await mq.consumer({
  group: 'victim',
  subscriptions: { Hostile: '*' },
  consumeFrom: 'first',
  rebalanceMs: 200,
})
void join()
const producer = await mq.producer({ group: 'victims', checkTransaction: () => 'commit' })
setInterval(() => {
  producer.send({ topic: 'Hostile', body: 'x' }, { timeout: 500 }).catch(() => {})
}, 100)

function mib() {
  return Math.round(process.memoryUsage.rss() / 2 ** 20)
}

/** `run` may reject: that is told to the program, which tries again. */
async function join() {
  try {
    await consumer.run((message) => {
      seen.consumed++
      seen.bytes += message.body.length
    })
  } catch {
    seen.failed++
    setTimeout(join, 100)
  }
}
