// Provokes some errors and prints what they say: every one of them names its cause and what to do.
// Run a server first: npx skylark start
// Then: node examples/errors.mjs [HOST:PORT of the name server]
import { RocketMQ, RocketMQError, TimeoutError } from '@skylarkmq/client'

const mq = new RocketMQ({ nameServers: process.argv[2] })
const producer = await mq.producer({ group: 'example-errors', maxMessageBytes: 1024 })

async function attempt(what) {
  try {
    await what()
  } catch (error) {
    if (!(error instanceof RocketMQError)) throw error
    console.log(`${error.code}${error.retriable ? ', try again' : ''}: ${error.hint}`)
  }
}

await attempt(() => producer.send({ topic: 'Errors', body: 'x'.repeat(2000) }))
await attempt(() => mq.producer({ group: 'no group at all' }))
try {
  await producer.request({ topic: 'Errors', body: 'anybody there?' }, { timeout: 1000 })
} catch (error) {
  if (!(error instanceof TimeoutError)) throw error
  console.log(`${error.code} while it was in «${error.phase}»: ${error.hint}`)
}
const nobody = new RocketMQ({ nameServers: '127.0.0.1:1' })
const lost = await nobody.producer()
await attempt(() => lost.send({ topic: 'Errors', body: 'one' }, { timeout: 300 }))
await nobody.close()
await mq.close()
