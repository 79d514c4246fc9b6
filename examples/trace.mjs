// Watches what the client does, joins a send with its handler, and writes a message trace as Java's client does.
// Run a server first: npx skylark start --set traceTopicEnable=true
// Then: node examples/trace.mjs [HOST:PORT of the name server]
import { tracingChannel } from 'node:diagnostics_channel'
import { RocketMQ } from '@skylarkmq/client'

tracingChannel('rocketmq:send').subscribe({
  start: ({ topic, properties }) => {
    if (topic === 'Traced')
      properties.traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  },
  asyncEnd: ({ topic, result }) => {
    if (topic === 'Traced') console.log(`sent to ${topic}: ${result.status}`)
  },
})
tracingChannel('rocketmq:process').subscribe({
  start: ({ topic, properties }) => {
    if (topic === 'Traced')
      console.log(`handled, of ${properties.get('traceparent').split('-')[1]}`)
  },
})

const mq = new RocketMQ({ nameServers: process.argv[2] })
const producer = await mq.producer({ group: 'example-producer', trace: true })
const { msgId } = await producer.send({ topic: 'Traced', body: 'one' })

const consumer = await mq.consumer({
  group: 'example-traced',
  subscriptions: { Traced: '*' },
  consumeFrom: 'first',
})
await new Promise((resolve, reject) => {
  consumer.run(resolve).catch(reject)
})
// What is left of the trace is sent by close().
await producer.close()
for await (const { body } of mq.admin().messages.browse('RMQ_SYS_TRACE_TOPIC')) {
  if (body.includes(msgId)) console.log('the trace topic knows the message')
}
await mq.close()
