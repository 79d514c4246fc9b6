// Handles the messages of one customer one after the other, those of others beside them, and begins no more than 50 in a
// second.
// Run a server first: npx skylark start
// Then: node examples/one-at-a-time.mjs [HOST:PORT of the name server]
import { RocketMQ } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const producer = await mq.producer({ group: 'example-producer' })
for (const step of [1, 2, 3]) {
  for (const customer of ['ann', 'bob'])
    await producer.send({
      topic: 'Bookings',
      body: String(step),
      shardingKey: customer,
      properties: { customer },
    })
}

const consumer = await mq.consumer({
  group: 'example-bookings',
  subscriptions: { Bookings: '*' },
  consumeFrom: 'first',
  concurrencyKey: (message) => message.properties.get('customer'),
  rateLimit: { messages: 50, per: '1s' },
})
const booked = { ann: [], bob: [] }
const running = new Set()
await new Promise((resolve, reject) => {
  const handler = async ({ body, properties }) => {
    const customer = properties.get('customer')
    if (running.has(customer)) reject(new Error(`two at a time of ${customer}`))
    running.add(customer)
    await new Promise((done) => setTimeout(done, 20))
    running.delete(customer)
    booked[customer].push(String(body))
    if (booked.ann.length + booked.bob.length === 6) resolve()
  }
  consumer.run(handler).catch(reject)
})
for (const [customer, steps] of Object.entries(booked))
  console.log(`${customer}: ${steps.join(', ')}`)
await mq.close()
