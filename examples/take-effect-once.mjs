// Orders that are sent twice, and billed once. Run a server first:
//   npx skylark start
// Then: node examples/take-effect-once.mjs [HOST:PORT of the name server]
import { RocketMQ } from '@skylarkmq/client'
import { idempotent, memoryStore } from '@skylarkmq/idempotent'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const producer = await mq.producer()
for (const order of ['order-1', 'order-2', 'order-1', 'order-3']) {
  await producer.send({ topic: 'Billing', body: order, keys: order })
}

const consumer = await mq.consumer({
  group: 'example-billing',
  subscriptions: { Billing: '*' },
  consumeFrom: 'first',
  ordered: true,
})
let bills = 0
let done = () => {}
const all = new Promise((resolve) => (done = resolve))
function bill(order) {
  console.log(`billed ${order}`)
  bills += 1
  if (bills === 3) done()
}
await consumer.run(
  idempotent((message) => bill(message.body), {
    store: memoryStore(),
    key: (message) => message.keys[0],
  }),
)
await all
await mq.close()
