/** A strict project that uses the packed client as an ES module: sends an order and consumes it. */
import { json, RocketMQ, RocketMQError, type Message, type StandardSchema } from '@skylarkmq/client'

interface Order {
  readonly id: number
}

const schema: StandardSchema<unknown, Order> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof (value as { id?: unknown } | null)?.id === 'number'
        ? { value: value as Order }
        : { issues: [{ message: 'no order' }] },
  },
}

await using mq = new RocketMQ({
  nameServers: process.argv[2],
  signal: new AbortController().signal,
})
const serde = json(schema)
await using producer = await mq.producer({ group: 'strict', serde })
const message: Message<Order> = { topic: 'Strict', tag: 'paid', body: { id: 7 } }
await producer.send(message, { timeout: 5_000 })
// @ts-expect-error -- an order has an id
const wrong: Message<Order> = { topic: 'Strict', body: { name: 'x' } }
try {
  await producer.send(wrong)
} catch (error) {
  if (!(error instanceof RocketMQError)) throw error
  process.stdout.write(`${error.code}\n`)
}
await using consumer = await mq.consumer({
  group: 'strict',
  subscriptions: { Strict: 'paid' },
  consumeFrom: 'first',
  serde,
})
const id = await new Promise<number>((resolve, reject) => {
  consumer
    .run(({ body }) => {
      resolve(body.id)
    })
    .catch(reject)
})
process.stdout.write(`got order ${id}\n`)
