// Calls a message back before it comes. Run a server that allows it first:
//   npx skylark start --set recallMessageEnable=true
// Then: node examples/recall.mjs [HOST:PORT of the name server]
import { BrokerError, RocketMQ } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const producer = await mq.producer({ group: 'example-producer' })
const kept = await producer.send({ topic: 'Recalled', body: 'kept', delay: '1s' })
const later = { topic: 'Recalled', body: 'called back', delay: '1h' }
const { recallHandle } = await producer.send(later)
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
  await producer.recall('Recalled', kept.recallHandle)
} catch (error) {
  if (!(error instanceof BrokerError)) throw error
  console.log(`too late: ${error.responseCode}`)
}
await mq.close()
