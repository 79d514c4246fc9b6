// Tells every member of a group what changed, and only of what it wants to know. Run a server first: npx skylark start
// Then: node examples/broadcast.mjs [HOST:PORT of the name server]
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { RocketMQ } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const producer = await mq.producer({ group: 'example-producer' })
for (const tag of ['prices', 'weather', 'rights']) {
  await producer.send({ topic: 'Changes', tag, body: `${tag} changed` })
}

let left = 4
const heard = new Promise((resolve, reject) => {
  for (const name of ['first', 'second']) join(name, resolve).catch(reject)
})
async function join(name, done) {
  const consumer = await mq.consumer({
    group: 'example-caches',
    model: 'BROADCASTING',
    subscriptions: { Changes: 'prices || rights' },
    consumeFrom: 'first',
    // Each member keeps its offsets in a file; in earnest, in a folder that stays.
    offsetsDirectory: await mkdtemp(path.join(tmpdir(), 'skylark-example-')),
  })
  await consumer.run((message) => {
    console.log(`got ${message.body}, at the ${name}`)
    left -= 1
    if (left === 0) done()
  })
}
await heard
await mq.close()
