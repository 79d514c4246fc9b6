// Sends messages without waiting for any answer: the fastest way, for what may be lost, such as measurements.
// Run a server first: npx skylark start
// Then: node examples/one-way.mjs [HOST:PORT of the name server]
import { RocketMQ } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const producer = await mq.producer({ group: 'example-metrics' })
for (const degrees of [19, 20, 21]) {
  const msgId = await producer.sendOneway({ topic: 'Temperature', body: String(degrees) })
  console.log(`on its way: ${degrees} as ${msgId}`)
}

let left = 3
for await (const message of mq.reader({ topic: 'Temperature', from: 'first' })) {
  console.log(`got ${message.body}`)
  left -= 1
  if (left === 0) break
}
await mq.close()
