// A CommonJS program that uses the packed client: sends a message and reads it.
const { RocketMQ } = require('@skylarkmq/client')

async function main() {
  const mq = new RocketMQ({ nameServers: process.argv[2] })
  const producer = await mq.producer({ group: 'commonjs' })
  await producer.send({ topic: 'CommonJs', body: 'hello' })
  for await (const message of mq.reader({ topic: 'CommonJs', from: 'first' })) {
    console.log(`got ${message.body}`)
    break
  }
  await mq.close()
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
