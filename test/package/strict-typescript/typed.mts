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

/** What a producer may leave out, and sends as text. */
interface OrderInput {
  readonly id: string
  readonly count?: number
}
interface OrderOutput {
  readonly id: number
  readonly count: number
}
/** As zod's `z.object({ id: z.string().transform(Number), count: z.number().default(1) })` has them. */
const transforms: StandardSchema<OrderInput, OrderOutput> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const { id, count = 1 } = value as OrderInput
      return { value: { id: Number(id), count } }
    },
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

const both = json(transforms)
await using inputs = await mq.producer({ serde: both })
await inputs.send({
  topic: 'Strict2',
  tag: 't',
  shardingKey: 'k',
  body: { id: '8' },
  properties: { a: 'b' },
})
// @ts-expect-error -- what is sent is text
const output: Message<OrderInput> = { topic: 'Strict2', body: { id: 8 } }
await using outputs = await mq.consumer({
  group: 'strict2',
  subscriptions: { Strict2: '*', Strict3: '*' },
  consumeFrom: 'first',
  serde: both,
})
await using plain = await mq.producer()
const next = new Promise<string>((resolve, reject) => {
  outputs
    .run(async ({ body, ...rest }) => {
      const sum: number = body.id + body.count
      if (rest.topic === 'Strict3') {
        resolve(`${sum} ${rest.tag} ${rest.shardingKey} ${rest.properties.get('a')}`)
        return
      }
      // What was received is sent on, its properties as they are.
      await plain.send({ ...rest, topic: 'Strict3', body: JSON.stringify({ id: '9' }) })
    })
    .catch(reject)
})
process.stdout.write(`sent on ${await next}, not ${typeof output.body.id}\n`)
