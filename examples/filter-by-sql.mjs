// Consumes the orders that a SQL92 expression chooses. Run a server that allows it first:
//   npx skylark start --set enablePropertyFilter=true
// Then: node examples/filter-by-sql.mjs
import { Producer, PushConsumer } from '@skylarkmq/client'

const namesrvAddr = process.env.NAMESRV_ADDR ?? '127.0.0.1:9876'

const orders = [
  { body: 'tea', properties: { price: '4', region: 'hangzhou' } },
  { body: 'teapot', properties: { price: '40', region: 'hangzhou' } },
  { body: 'table', properties: { price: '400', region: 'beijing' } },
  { body: 'chair', properties: { price: '90', region: 'shanghai' } },
]
const producer = new Producer({ namesrvAddr, group: 'example-producer' })
for (const order of orders) await producer.send({ topic: 'Orders', ...order })

const consumer = new PushConsumer({ namesrvAddr, group: 'example-sql', consumeFrom: 'first' })
let left = 2
const done = new Promise((resolve, reject) => {
  consumer.subscribe('Orders', { sql: "price >= 10 AND region IN ('hangzhou', 'shanghai')" })
  consumer
    .start((message) => {
      console.log(`got ${message.body}`)
      left -= 1
      if (left === 0) resolve()
    })
    .catch(reject)
})
try {
  await done
} catch (error) {
  console.error(error.message, error.advice ?? '')
  process.exitCode = 1
}
await consumer.close()
await producer.close()
