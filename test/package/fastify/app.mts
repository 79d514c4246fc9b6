/** A strict project that uses the packed plug-in: takes an order over HTTP and consumes it. */
import { fastifyRocketMQ } from '@skylarkmq/fastify'
import fastify from 'fastify'

const app = fastify()
await app.register(fastifyRocketMQ, { nameServers: process.argv[2] })
app.post('/', (request) =>
  app.rocketmq.producer.send({ topic: 'FastifyOrders', body: JSON.stringify(request.body) }),
)
const got = new Promise<string>((resolve, reject) => {
  const options = {
    ...{ group: 'fastify', subscriptions: { FastifyOrders: '*' }, consumeFrom: 'first' as const },
  }
  app.rocketmq.consume(options, ({ body }) => resolve(body.toString())).catch(reject)
})
const { statusCode } = await app.inject({ method: 'POST', url: '/', payload: { id: 7 } })
await app.ready()
console.log(`${statusCode} ${await got}`)
await app.close()
