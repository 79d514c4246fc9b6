// Consumes in a loop, message by message and then in batches, and says itself what becomes of each message.
// Run a server first: npx skylark start
// Then: node examples/for-await.mjs [HOST:PORT of the name server]
import { RocketMQ } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const producer = await mq.producer({ group: 'example-producer' })
await producer.sendBatch([1, 2, 3].map((n) => ({ topic: 'Letters', body: `letter ${n}` })))

const consumer = await mq.consumer({
  group: 'example-letters',
  subscriptions: { Letters: '*' },
  consumeFrom: 'first',
})
let left = 3
for await (const message of consumer) {
  console.log(`got ${message.body}`)
  // It failed: message.nack({ delay: '30s' }). It never will do: message.deadLetter().
  message.ack()
  left -= 1
  if (left === 0) break
}

await producer.sendBatch([1, 2, 3, 4].map((n) => ({ topic: 'Postcards', body: `card ${n}` })))
const postcards = await mq.consumer({
  group: 'example-postcards',
  subscriptions: { Postcards: '*' },
  consumeFrom: 'first',
})
left = 4
for await (const batch of postcards.batches({ max: 100, maxWait: 200 })) {
  for (const message of batch.messages) console.log(`got ${message.body}`)
  batch.ack()
  left -= batch.messages.length
  if (left === 0) break
}
await mq.close()
