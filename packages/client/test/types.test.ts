import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import type { Message, ReceivedMessage } from '../src/message.ts'
import type { RocketMQ } from '../src/rocketmq.ts'
import { decodeBody, encodeBody } from '../src/serde/bodies.ts'
import { json } from '../src/serde/json.ts'

/** What a producer may leave out and write as text, and a handler finds as it wants it. */
const orders = json(
  z.object({
    id: z.string().transform(Number),
    count: z.number().default(1),
    due: z.coerce.date<string | Date>(),
  }),
)

interface Order {
  readonly id: number
  readonly count: number
  readonly due: Date
}

/** Is compiled, and never called. */
export async function compiles(mq: RocketMQ): Promise<void> {
  const group = 'G'
  const subscriptions = { T: '*' }
  const producer = await mq.producer({ serde: orders })
  await producer.send({ topic: 'T', body: { id: '7', due: '2030-01-01' } })
  // @ts-expect-error -- what is sent is text
  await producer.send({ topic: 'T', body: { id: 7, due: '2030-01-01' } })
  const consumer = await mq.consumer({ group, subscriptions, serde: orders })
  await consumer.run(({ body }) => {
    body satisfies Order
    // @ts-expect-error -- what is received is a number
    body.id satisfies string
  })
  for await (const { body } of mq.reader({ topic: 'T', serde: orders })) body satisfies Order
  const transactions = await mq.transactionProducer({
    ...{ group, serde: orders },
    check: ({ body }) => (body.due.getTime() > body.count ? 'commit' : 'rollback'),
  })
  await transactions.send({ topic: 'T', body: { id: '7', due: new Date() } }, () => 'commit')
  const reply = await producer.request(
    { topic: 'T', body: { id: '7', count: 2, due: '2030-01-01' } },
    { serde: orders },
  )
  reply.body satisfies Order

  const named = await mq.producer({ serde: json<Order>() })
  await named.send({ topic: 'T', body: { id: 7, count: 1, due: new Date() } })
  // @ts-expect-error -- a schema that does not say what it takes takes what it gives
  await (await mq.producer({ serde: own })).send({ topic: 'T', body: { id: '7' } })
}

const own = json({
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as Order }) },
})

/** A message that was received may be sent on. */
export const sentOn = (received: ReceivedMessage): Message => ({ ...received, topic: 'Next' })

test('what goes over the wire is what a producer gave, and the schema makes of it what a handler gets', async () => {
  const body = { id: '7', due: new Date(5) }
  const sent = await encodeBody(orders, { topic: 'T', body })
  assert.equal(sent.body, '{"id":"7","due":"1970-01-01T00:00:00.005Z"}')
  const received = { topic: 'T', body: Buffer.from(sent.body) } as ReceivedMessage
  const { body: order } = await decodeBody(orders, received)
  assert.deepEqual(order, { id: 7, count: 1, due: new Date(5) })
})
