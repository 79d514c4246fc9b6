// Sends messages, one after the other and several at a time, and consumes them. Run a server first: npx skylark start
// Then: node examples/send-and-consume.mjs [HOST:PORT of the name server]
import { RocketMQ } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })

const producer = await mq.producer({ group: 'example-producer' })
for (const body of ['one', 'two', 'three']) {
  const { msgId, messageQueue, queueOffset } = await producer.send({ topic: 'Example', body })
  console.log(`sent ${body} as ${msgId}: queue ${messageQueue.queueId}, offset ${queueOffset}`)
}
// Nothing waits for anything here: as many are on their way as maxInFlightBytes allows.
const bodies = ['four', 'five', 'six']
const sent = await Promise.all(bodies.map((body) => producer.send({ topic: 'Example', body })))
console.log(`sent ${sent.length} more: ${sent.map((each) => each.status).join(', ')}`)

const consumer = await mq.consumer({
  group: 'example',
  subscriptions: { Example: '*' },
  consumeFrom: 'first',
})
let left = 6
await new Promise((resolve, reject) => {
  consumer
    .run((message) => {
      console.log(`got ${message.body}`)
      left -= 1
      if (left === 0) resolve()
    })
    .catch(reject)
})
await mq.close()
