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
const got = new Set()
await new Promise((resolve, reject) => {
  consumer.run(({ msgId }) => got.add(msgId).size === 3 && resolve()).catch(reject)
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

// Nothing is left of it.
await admin.groups.delete('example-managed', { offsets: true })
await admin.topics.delete('Managed')
await mq.close()
