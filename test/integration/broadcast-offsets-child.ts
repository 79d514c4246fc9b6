/** A broadcasting member of a process of its own: NAMESERVER FOLDER. Prints each body that it gets, and stores offsets at once. */
import { RocketMQ } from '@skylarkmq/client'

const [nameServers, offsetsDirectory] = process.argv.slice(2)
const mq = new RocketMQ({ nameServers })
const consumer = await mq.consumer({
  ...{ group: 'g', subscriptions: { T: '*' }, consumeFrom: 'first', model: 'BROADCASTING' },
  offsetsDirectory,
  persistOffsetsMs: 20,
})
await consumer.run(({ body }) => {
  console.log(body.toString())
})
