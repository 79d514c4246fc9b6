// Sends messages that nobody gets before the sender's own work is done. Run a server first: npx skylark start
// The broker asks about the third message when it has heard nothing for 6 s, within half a minute.
// Then: node examples/transaction.mjs
import { Producer, PushConsumer } from '@skylarkmq/client'

const namesrvAddr = process.env.NAMESRV_ADDR ?? '127.0.0.1:9876'
// What the program has done; a database, in earnest.
const paid = new Set()

const producer = new Producer({
  namesrvAddr,
  group: 'example-payments',
  checkTransaction: (message) => (paid.has(message.msgId) ? 'commit' : 'rollback'),
})

async function order(body, work) {
  return producer.sendInTransaction({ topic: 'Payments', body }, work)
}

await order('paid', ({ msgId }) => {
  paid.add(msgId)
  return 'commit'
})
await order('refused', () => 'rollback')
await order('paid, and not said', ({ msgId }) => {
  paid.add(msgId)
  return 'unknown'
})

const consumer = new PushConsumer({ namesrvAddr, group: 'example-shipping', consumeFrom: 'first' })
consumer.subscribe('Payments')
const got = []
await new Promise((resolve, reject) => {
  consumer
    .start((message) => {
      console.log(`got ${message.body}`)
      got.push(message)
      if (got.length === 2) resolve()
    })
    .catch(reject)
})
await consumer.close()
await producer.close()
