// Tells what becomes of messages: one that is consumed, one that waits for its time, one whose transaction is open.
// Run a server first: npx skylark start
// Then: node examples/admin-of-messages.mjs [HOST:PORT of the name server]
import { RocketMQ } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const admin = mq.admin()
await admin.topics.create('Watched', { queues: 1 })
const producer = await mq.producer({ group: 'example-watched' })
const { msgId } = await producer.send({ topic: 'Watched', tag: 'paid', body: 'order 1' })

const consumer = await mq.consumer({
  group: 'example-watched',
  subscriptions: { Watched: 'paid || refunded' },
  consumeFrom: 'first',
})
await new Promise((resolve, reject) => {
  consumer.run(() => resolve()).catch(reject)
})
for (const { group, topic, expression } of await admin.groups.subscriptions('example-watched')) {
  console.log(`${group} wants ${expression} of ${topic}`)
}
// Its offsets are stored when it closes.
await consumer.close()
const life = await admin.messages.life('Watched', msgId)
for (const { group, track } of life.groups) console.log(`${group}: ${track}`)

const later = await producer.send({ topic: 'Watched', body: 'order 2', delay: '1h' })
const waiting = await until(async () => {
  const brokers = await admin.delayed.waiting()
  return brokers.reduce((sum, { timed }) => sum + (timed?.get('Watched') ?? 0), 0)
})
console.log(`waiting for their time: ${waiting}`)
if (later.recallHandle !== undefined) {
  const { topic, dueTimestamp } = admin.delayed.readRecallHandle(later.recallHandle)
  const minutes = Math.round((dueTimestamp - Date.now()) / 60_000)
  console.log(`for ${topic} in ${minutes} minutes`)
}

const orders = await mq.transactionProducer({ group: 'example-orders', check: () => 'unknown' })
await orders.send({ topic: 'Watched', body: 'order 3' }, () => 'unknown')
const open = await until(async () => {
  const all = await admin.transactions.open()
  return all.filter(({ producerGroup }) => producerGroup === 'example-orders').length
})
console.log(`open transactions: ${open}`)
await mq.close()

/** Asks until there is something: brokers work through what they were sent in their own time. */
async function until(ask) {
  for (;;) {
    const found = await ask()
    if (found > 0) return found
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
