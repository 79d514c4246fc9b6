// Comes to an end as Kubernetes wants it: not ready at once, then no more new work, then gone, all within its time.
// Run a server first: npx skylark start
// Then: node examples/shutdown.mjs [HOST:PORT of the name server]
import { createServer } from 'node:http'
import { RocketMQ } from '@skylarkmq/client'

/** Less than terminationGracePeriodSeconds, 30 as a rule, and what a preStop hook takes of it. */
const CLOSE_MS = 20_000

const mq = new RocketMQ({ nameServers: process.argv[2] })
let isEnding = false
const server = createServer((request, response) => {
  const isReady = !isEnding && mq.health().ok
  response.writeHead(isReady ? 200 : 503).end()
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))

const ended = new Promise((resolve) => {
  const end = async (signal) => {
    if (isEnding) return
    isEnding = true
    console.log(`${signal}: no new work`)
    // Handlers that run may still send: the client closes consumers first, then producers, then connections.
    await mq.close({ timeout: CLOSE_MS })
    server.closeAllConnections()
    server.close(resolve)
  }
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => void end(signal))
})

const producer = await mq.producer({ group: 'example-producer' })
await producer.send({ topic: 'LongWork', body: 'one' })
const consumer = await mq.consumer({
  group: 'example-long-work',
  subscriptions: { LongWork: '*' },
  consumeFrom: 'first',
})
await consumer.run(async ({ body }, { signal }) => {
  console.log(`began ${body}`)
  // As Kubernetes would; a handler that runs has most of the time of close() before its signal is aborted.
  process.kill(process.pid, 'SIGTERM')
  await new Promise((resolve) => setTimeout(resolve, 500))
  console.log(`done ${body}, told to hurry: ${signal.aborted}`)
})
await ended
console.log('ended')
