// Sends messages that come later: after a delay, at a time, and after the delay of a level. Run a server first:
//   npx skylark start
// Then: node examples/deliver-later.mjs
import { Producer, PushConsumer } from '@skylarkmq/client'

const namesrvAddr = process.env.NAMESRV_ADDR ?? '127.0.0.1:9876'

const producer = new Producer({ namesrvAddr, group: 'example-producer' })
const begin = Date.now()
await producer.send({ topic: 'Reminders', body: 'after a level', delayLevel: 2 })
await producer.send({ topic: 'Reminders', body: 'after a while', delayMs: 1500 })
await producer.send({ topic: 'Reminders', body: 'at a time', deliverAtMs: begin + 3000 })

const consumer = new PushConsumer({ namesrvAddr, group: 'example-later', consumeFrom: 'first' })
let left = 3
const done = new Promise((resolve, reject) => {
  consumer.subscribe('Reminders')
  consumer
    .start((message) => {
      console.log(
        `got ${message.body}, stored ${message.storeTimestamp - begin} ms after the start`,
      )
      left -= 1
      if (left === 0) resolve()
    })
    .catch(reject)
})
await done
await consumer.close()
await producer.close()
