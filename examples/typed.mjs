// Sends and consumes values in place of bytes: JSON, checked by a schema on both sides. Any library that follows
// Standard Schema has such schemas (zod, valibot, arktype, …); this one is written by hand.
// Run a server first: npx skylark start
// Then: node examples/typed.mjs [HOST:PORT of the name server]
import { json, RocketMQ } from '@skylarkmq/client'

/** An order: `{ id: number, item: string }`. */
const orderSchema = {
  '~standard': {
    version: 1,
    vendor: 'example',
    validate: (value) =>
      Number.isInteger(value?.id) && typeof value?.item === 'string'
        ? { value }
        : { issues: [{ message: 'must be an order with an id and an item' }] },
  },
}

const mq = new RocketMQ({ nameServers: process.argv[2] })
const serde = json(orderSchema)
const producer = await mq.producer({ group: 'example-typed', serde })
await producer.send({ topic: 'TypedOrders', body: { id: 1, item: 'tea' } })
try {
  await producer.send({ topic: 'TypedOrders', body: { id: 'two' } })
} catch (error) {
  console.log(`${error.code}: ${error.message}`)
}
// Somebody else sends what is no order.
const careless = await mq.producer({ group: 'example-careless' })
await careless.send({ topic: 'TypedOrders', body: 'not even JSON' })
await producer.send({ topic: 'TypedOrders', body: { id: 2, item: 'cup' } })

const consumer = await mq.consumer({
  group: 'example-typed',
  subscriptions: { TypedOrders: '*' },
  consumeFrom: 'first',
  serde,
  onInvalid: 'skip',
})
let left = 2
await new Promise((resolve, reject) => {
  consumer
    .run(({ body: order }) => {
      console.log(`got order ${order.id}: ${order.item}`)
      left -= 1
      if (left === 0) resolve()
    })
    .catch(reject)
})
await mq.close()
