// Sends the events of several orders: those of one order go to one queue and stay in their order, others do not wait
// for them. Run a server first: npx skylark start
// Then: node examples/ordered.mjs [HOST:PORT of the name server]
import { RocketMQ } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const producer = await mq.producer({ group: 'example-ordered' })
for (const step of ['created', 'paid', 'shipped']) {
  for (const order of ['order-1', 'order-2', 'order-3']) {
    await producer.send({ topic: 'Steps', shardingKey: order, keys: order, body: step })
  }
}

// A reader gets each queue in order.
const steps = new Map()
let left = 9
for await (const message of mq.reader({ topic: 'Steps', from: 'first' })) {
  const [order] = message.keys
  steps.set(order, [...(steps.get(order) ?? []), message.body.toString()])
  left -= 1
  if (left === 0) break
}
for (const [order, list] of [...steps].sort()) console.log(`${order}: ${list.join(', ')}`)
await mq.close()
