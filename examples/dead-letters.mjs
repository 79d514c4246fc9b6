// Puts aside what cannot be consumed, looks at it, and sends it again when the fault is mended. Run a server first:
//   npx skylark start
// Then: node examples/dead-letters.mjs [HOST:PORT of the name server]
import { RocketMQ, Unrecoverable } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const producer = await mq.producer({ group: 'example-producer' })
for (const body of ['4', 'four', '5']) await producer.send({ topic: 'Amounts', body })

let isMended = false
let left = 3
const consumer = await mq.consumer({
  group: 'example-amounts',
  subscriptions: { Amounts: '*' },
  consumeFrom: 'first',
})
let all = () => {}
await consumer.run((message) => {
  left -= 1
  if (left === 0) all()
  const amount = isMended && String(message.body) === 'four' ? 4 : Number(message.body)
  if (Number.isNaN(amount)) throw new Unrecoverable('no number')
  console.log(`got ${amount}`)
})
if (left > 0) await new Promise((resolve) => (all = resolve))

const { deadLetters } = mq.admin()
let dead = []
while (dead.length === 0) {
  await new Promise((resolve) => setTimeout(resolve, 20))
  for await (const message of deadLetters.list('example-amounts')) dead.push(message)
}
console.log(`dead: ${dead.map((message) => message.body).join()}`)

isMended = true
left = 1
const again = new Promise((resolve) => (all = resolve))
const { replayed } = await deadLetters.replay('example-amounts', {
  filter: (message) => String(message.body) === 'four',
})
console.log(`sent ${replayed} again`)
await again
await mq.close()
