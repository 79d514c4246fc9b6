// Asks a question and waits for the answer of whoever consumes the topic. Run a server first: npx skylark start
// Then: node examples/request-reply.mjs [HOST:PORT of the name server]
import { json, RocketMQ } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const serde = json()

// The side that answers; in another process, in earnest.
const answers = await mq.producer({ group: 'example-answers', serde })
const consumer = await mq.consumer({
  group: 'example-sums',
  subscriptions: { Sums: '*' },
  consumeFrom: 'first',
  serde,
})
await consumer.run(async (message) => {
  const sum = message.body.reduce((a, b) => a + b, 0)
  await answers.reply(message, { sum })
})

const producer = await mq.producer({ group: 'example-questions', serde })
for (const numbers of [
  [1, 2],
  [3, 4, 5],
]) {
  const reply = await producer.request({ topic: 'Sums', body: numbers }, { serde, timeout: 10_000 })
  console.log(`got ${numbers.join(' + ')} = ${reply.body.sum}`)
}
await mq.close()
