// Looks after a cluster: makes a topic, sees how far a group is behind, has it begin again, finds messages.
// Run a server first: npx skylark start
// Then: node examples/admin.mjs [HOST:PORT of the name server]
import { RocketMQ } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const admin = mq.admin()
await admin.topics.create('Managed', { queues: 2 })
const producer = await mq.producer({ group: 'example-producer' })
for (const n of [1, 2, 3]) {
  await producer.send({ topic: 'Managed', keys: `key-${n}`, body: `message ${n}` })
}

const consumer = await mq.consumer({
  group: 'example-managed',
  subscriptions: { Managed: '*' },
  consumeFrom: 'first',
})
let left = 3
await new Promise((resolve, reject) => {
  consumer.run(() => (left -= 1) === 0 && resolve()).catch(reject)
})
// Its offsets are stored when it closes.
await consumer.close()
console.log(`behind: ${(await admin.groups.lag('example-managed', 'Managed')).lag}`)

const changes = await admin.groups.resetOffsets('example-managed', 'Managed', { to: 'first' })
console.log(`queues that begin again: ${changes.length}`)
console.log(`behind: ${(await admin.groups.lag('example-managed', 'Managed')).lag}`)

const [found] = await admin.messages.query('Managed', 'key-2')
console.log(`found ${found.body}`)
for await (const message of admin.messages.browse('Managed')) console.log(`browsed ${message.body}`)
const [{ address }] = await admin.brokers.masters()
console.log(`the broker listens at ${(await admin.brokers.config(address)).get('listenPort')}`)
await mq.close()
