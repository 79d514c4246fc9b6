// Serves what the client counts at /metrics, as Prometheus reads it.
// Run a server first: npx skylark start
// Then: node examples/metrics.mjs [HOST:PORT of the name server]
import { createServer } from 'node:http'
import { prometheusText, RocketMQ } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/plain; version=0.0.4')
  response.end(prometheusText(mq.metrics()))
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))

const producer = await mq.producer({ group: 'example-producer' })
for (const body of ['one', 'two', 'three']) await producer.send({ topic: 'Counted', body })

const page = await fetch(`http://127.0.0.1:${server.address().port}/metrics`)
const wanted = /^rocketmq_send_(messages|oneway)_total.*topic="Counted".* (\d+)$/gm
for (const [, name, count] of (await page.text()).matchAll(wanted)) console.log(`${name}: ${count}`)

const [{ tookMs }] = mq.metrics().sends
console.log(`sends that were timed: ${tookMs.count}`)
await mq.close()
server.closeAllConnections()
server.close()
