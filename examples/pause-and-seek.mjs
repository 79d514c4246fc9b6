// Stops one topic while what its handler needs is away, and reads another one again from an hour ago.
// Run a server first: npx skylark start
// Then: node examples/pause-and-seek.mjs [HOST:PORT of the name server]
import { RocketMQ } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const producer = await mq.producer({ group: 'example-producer' })
for (const n of [1, 2]) {
  await producer.send({ topic: 'Mails', body: `mail ${n}` })
  await producer.send({ topic: 'Prices', body: `price ${n}` })
}

const consumer = await mq.consumer({
  group: 'example-steered',
  subscriptions: { Mails: '*', Prices: '*' },
  consumeFrom: 'first',
})
let mailServerIsUp = false
let got = 0
let wake = () => {}
const until = async (count) => {
  while (got < count) await new Promise((resolve) => (wake = resolve))
}

consumer.pause({ topic: 'Mails' })
await consumer.run(({ topic, body }) => {
  if (topic === 'Mails' && !mailServerIsUp) throw new Error('the mail server is down')
  console.log(`got ${body}`)
  got++
  wake()
})
await until(2)

mailServerIsUp = true
consumer.resume({ topic: 'Mails' })
await until(4)

const anHourAgo = new Date(Date.now() - 3_600_000)
await consumer.seek({ topic: 'Prices' }, anHourAgo)
await until(6)
await mq.close()
