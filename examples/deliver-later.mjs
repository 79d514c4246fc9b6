// Sends messages that come later: after a delay, at a time, and after the delay of a level. Run a server first:
//   npx skylark start
// Then: node examples/deliver-later.mjs [HOST:PORT of the name server]
import { RocketMQ } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const producer = await mq.producer({ group: 'example-producer' })
const begin = Date.now()
await producer.send({ topic: 'Reminders', body: 'after a level', delayLevel: 2 })
await producer.send({ topic: 'Reminders', body: 'after a while', delay: '1500ms' })
await producer.send({ topic: 'Reminders', body: 'at a time', deliverAt: new Date(begin + 3000) })

const consumer = await mq.consumer({
  group: 'example-later',
  subscriptions: { Reminders: '*' },
  consumeFrom: 'first',
})
let left = 3
await new Promise((resolve, reject) => {
  consumer
    .run((message) => {
      console.log(
        `got ${message.body}, stored ${message.storeTimestamp - begin} ms after the start`,
      )
      left -= 1
      if (left === 0) resolve()
    })
    .catch(reject)
})
await mq.close()
