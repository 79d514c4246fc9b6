// Orders that are taken from stock, each with a message for the dispatch: what was taken, written and sent is one transaction.
// Here its store is in memory; with postgresStore(pool) or mysqlStore(pool) the handler writes by `tx.query(…)` instead.
// Run a server first: npx skylark start
// Then: node examples/consume-write-produce.mjs [HOST:PORT of the name server]
import { RocketMQ } from '@skylarkmq/client'
import { idempotent, memoryStore, outbox } from '@skylarkmq/idempotent'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const producer = await mq.producer()
// One order comes twice, and the handler fails the first time that it sees another.
for (const order of ['order-1', 'order-2', 'order-1', 'order-3']) {
  await producer.send({ topic: 'Sold', body: order, keys: order, shardingKey: 'stock' })
}

const store = memoryStore()
const box = await outbox(mq, { group: 'example-stock', store })
let stock = 10
let fails = true

const consumer = await mq.consumer({
  group: 'example-stock',
  subscriptions: { Sold: '*' },
  consumeFrom: 'first',
  ordered: true,
})
await consumer.run(
  idempotent(
    async (message, context, tx) => {
      const order = String(message.body)
      tx.onCommit(() => (stock -= 1))
      await box.add({ topic: 'Dispatch', body: order, keys: order }, tx)
      if (order === 'order-2' && fails) {
        fails = false
        throw new Error('neither written nor sent')
      }
    },
    { store, key: (message) => message.keys[0], outbox: box },
  ),
)

const dispatch = await mq.consumer({
  group: 'example-dispatch',
  subscriptions: { Dispatch: '*' },
  consumeFrom: 'first',
})
let left = 3
for await (const message of dispatch) {
  console.log(`dispatch ${message.body}`)
  message.ack()
  left -= 1
  if (left === 0) break
}
console.log(`in stock: ${stock}`)
await box.close()
await mq.close()
