// A Fastify app that takes orders over HTTP and bills them from a topic. Run a server first: npx skylark start
// Then: npm run integrations, and: node integrations/fastify/dist/example/orders.js [HOST:PORT of the name server]
import { json } from '@skylarkmq/client'
import { fastifyRocketMQ } from '@skylarkmq/fastify'
import fastify from 'fastify'

interface Order {
  readonly item: string
}

const app = fastify()
await app.register(fastifyRocketMQ, {
  nameServers: process.argv[2],
  producer: { group: 'fastify-orders' },
})

app.post<{ Body: Order }>('/orders', async (request, reply) => {
  const body = JSON.stringify(request.body)
  const { msgId } = await app.rocketmq.producer.send({ topic: 'FastifyOrders', body })
  return reply.code(202).send({ msgId })
})

const billed = new Promise<void>((resolve, reject) => {
  app.rocketmq
    .consume<Order>(
      {
        group: 'fastify-billing',
        subscriptions: { FastifyOrders: '*' },
        consumeFrom: 'first',
        serde: json<Order>(),
      },
      ({ body: order }, { log }) => {
        log.info('an order is billed')
        console.log(`billed ${order.item}`)
        resolve()
      },
    )
    .catch(reject)
})

const address = await app.listen({ port: 0 })
const answer = await fetch(`${address}/orders`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ item: 'tea' }),
})
console.log(`answered ${answer.status}`)
await billed
await app.close()
