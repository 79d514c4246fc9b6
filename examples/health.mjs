// Answers the probes of Kubernetes and of load balancers: /live while the process works, /ready while it has joined its group
// and its queues move.
// Run a server first: npx skylark start
// Then: node examples/health.mjs [HOST:PORT of the name server]
import { createServer } from 'node:http'
import { RocketMQ } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const consumer = await mq.consumer({
  group: 'example-watched',
  subscriptions: { Watched: '*' },
  consumeFrom: 'first',
})

const server = createServer((request, response) => {
  // A consumer that waits for its broker is alive: a restart would not help it.
  if (request.url === '/live') response.end('ok\n')
  else if (request.url === '/ready') {
    const { ok, reasons } = mq.health({ stuckAfter: '2m' })
    response.writeHead(ok ? 200 : 503).end(JSON.stringify({ ok, reasons }))
  } else response.writeHead(404).end()
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${server.address().port}`

const probe = async (path) => (await fetch(url + path)).status
console.log(`before it runs: live ${await probe('/live')}, ready ${await probe('/ready')}`)

const producer = await mq.producer({ group: 'example-producer' })
await producer.send({ topic: 'Watched', body: 'one' })
await new Promise((resolve, reject) => {
  consumer.run(resolve).catch(reject)
})
while ((await probe('/ready')) !== 200) await new Promise((resolve) => setTimeout(resolve, 100))
console.log('it runs: ready 200')

const { queues, lag } = consumer.health()
console.log(`queues: ${queues.filter(({ topic }) => topic === 'Watched').length}, behind: ${lag}`)

await mq.close()
console.log(`after close(): ready ${await probe('/ready')}`)
server.closeAllConnections()
server.close()
