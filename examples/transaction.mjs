// Sends messages that nobody gets before the sender's own work is done. Run a server first: npx skylark start
// The broker asks about the third message when it has heard nothing for 6 s, within half a minute.
// Then: node examples/transaction.mjs [HOST:PORT of the name server]
import { RocketMQ } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })
// What the program has done; a database, in earnest.
const paid = new Set()

const producer = await mq.transactionProducer({
  group: 'example-payments',
  check: (message) => (paid.has(message.msgId) ? 'commit' : 'rollback'),
})

await producer.send({ topic: 'Payments', body: 'paid' }, async ({ msgId }) => {
  paid.add(msgId)
  return 'commit'
})
await producer.send({ topic: 'Payments', body: 'refused' }, () => 'rollback')
await producer.send({ topic: 'Payments', body: 'paid, and not said' }, ({ msgId }) => {
  paid.add(msgId)
  return 'unknown'
})

const consumer = await mq.consumer({
  group: 'example-shipping',
  subscriptions: { Payments: '*' },
  consumeFrom: 'first',
})
// A message may come more than once, of Apache's broker above all.
const got = new Set()
await new Promise((resolve, reject) => {
  consumer
    .run((message) => {
      if (got.has(message.msgId)) return
      got.add(message.msgId)
      console.log(`got ${message.body}`)
      if (got.size === 2) resolve()
    })
    .catch(reject)
})
await mq.close()
