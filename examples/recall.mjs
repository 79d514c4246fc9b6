// Calls a message back before it comes. Run a server that allows it first:
//   npx skylark start --set recallMessageEnable=true
// Then: node examples/recall.mjs [HOST:PORT of the name server]
import { BrokerError, RocketMQ } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const producer = await mq.producer({ group: 'example-producer' })
// One time for both, so that it is too late for the second when the first came.
const kept = { topic: 'Recalled', body: 'kept', deliverAt: new Date(Date.now() + 3000) }
await producer.send(kept)
const { recallHandle } = await producer.send({ ...kept, body: 'called back' })
const msgId = await producer.recall('Recalled', recallHandle)
console.log(`called back ${msgId}`)

const consumer = await mq.consumer({
  group: 'example-recall',
  subscriptions: { Recalled: '*' },
  consumeFrom: 'first',
})
await new Promise((resolve, reject) => {
  consumer
    .run((message) => {
      console.log(`got ${message.body}`)
      resolve()
    })
    .catch(reject)
})
try {
  await producer.recall('Recalled', recallHandle)
} catch (error) {
  if (!(error instanceof BrokerError)) throw error
  console.log(`too late: ${error.responseCode}`)
}
await mq.close()
