// Sends many small messages in few requests; what does not fit into one is split by size.
// Run a server first: npx skylark start
// Then: node examples/batch.mjs [HOST:PORT of the name server]
import { RocketMQ } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const producer = await mq.producer({ group: 'example-batch', maxMessageBytes: 64 * 1024 })

const messages = Array.from({ length: 1000 }, (_, i) => ({
  topic: 'Batches',
  tag: i % 2 === 0 ? 'even' : 'odd',
  body: `message ${i}`,
}))
const parts = await producer.sendBatch(messages)
const count = parts.reduce((sum, each) => sum + each.msgId.split(',').length, 0)
console.log(`sent ${count} messages in ${parts.length} requests`)
await mq.close()
