// Sends three messages and consumes them. Run a server first: npx skylark start
// Then: node examples/send-and-consume.mjs
import { Producer, PushConsumer } from '@skylarkmq/client'

const namesrvAddr = process.env.NAMESRV_ADDR ?? '127.0.0.1:9876'

const producer = new Producer({ namesrvAddr, group: 'example-producer' })
for (const body of ['one', 'two', 'three']) {
  const { msgId, messageQueue, queueOffset } = await producer.send({ topic: 'Example', body })
  console.log(`sent ${body} as ${msgId}: queue ${messageQueue.queueId}, offset ${queueOffset}`)
}

const consumer = new PushConsumer({ namesrvAddr, group: 'example', consumeFrom: 'first' })
let left = 3
const done = new Promise((resolve) => {
  consumer.subscribe('Example')
  consumer
    .start((message) => {
      console.log(`got ${message.body}`)
      left -= 1
      if (left === 0) resolve()
    })
    .catch((error) => {
      console.error(error.message, error.advice ?? '')
      process.exit(1)
    })
})
await done
await consumer.close()
await producer.close()
