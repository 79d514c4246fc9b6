// Consumes the orders that a SQL92 expression chooses. Run a server that allows it first:
//   npx skylark start --set enablePropertyFilter=true
// Then: node examples/filter-by-sql.mjs [HOST:PORT of the name server]
import { RocketMQ } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })

const orders = [
  { body: 'tea', properties: { price: '4', region: 'hangzhou' } },
  { body: 'teapot', properties: { price: '40', region: 'hangzhou' } },
  { body: 'table', properties: { price: '400', region: 'beijing' } },
  { body: 'chair', properties: { price: '90', region: 'shanghai' } },
]
const producer = await mq.producer({ group: 'example-producer' })
for (const order of orders) await producer.send({ topic: 'Orders', ...order })

const consumer = await mq.consumer({
  group: 'example-sql',
  subscriptions: { Orders: { sql: "price >= 10 AND region IN ('hangzhou', 'shanghai')" } },
  consumeFrom: 'first',
})
let left = 2
const done = new Promise((resolve, reject) => {
  consumer
    .run((message) => {
      console.log(`got ${message.body}`)
      left -= 1
      if (left === 0) resolve()
    })
    .catch(reject)
})
try {
  await done
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
await mq.close()
