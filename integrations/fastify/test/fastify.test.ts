import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { test, type TestContext } from 'node:test'
import { idempotent, memoryStore } from '@skylarkmq/idempotent'
import { startServer, type TestServer } from '@skylarkmq/testing'
import { fastifyRocketMQ } from '@skylarkmq/fastify'
import fastify, { type FastifyInstance } from 'fastify'

async function begin(
  t: TestContext,
  topics: Readonly<Record<string, number>>,
): Promise<{ server: TestServer; app: FastifyInstance }> {
  const server = await startServer({ topics })
  const app = fastify()
  t.after(async () => {
    await app.close()
    await server.close()
  })
  await app.register(fastifyRocketMQ, { nameServers: server.nameServers, logLevel: 'warn' })
  return { server, app }
}

const orders = { group: 'G', subscriptions: { Orders: '*' }, consumeFrom: 'first' } as const

test('a route sends with the producer of the app, also one of a plug-in within', async (t) => {
  const { server, app } = await begin(t, { Orders: 1 })
  await app.register((inner) => {
    inner.post('/orders', async (request) => {
      const body = JSON.stringify(request.body)
      const { status } = await inner.rocketmq.producer.send({ topic: 'Orders', body })
      return { status }
    })
  })
  const answer = await app.inject({ method: 'POST', url: '/orders', payload: { id: 7 } })
  assert.deepEqual(answer.json(), { status: 'SEND_OK' })
  assert.equal(String(server.messages('Orders')[0]?.body), '{"id":7}')
})

test('a consumer begins when the app is ready, comes again after an error, and stops before the app ends', async (t) => {
  const { server, app } = await begin(t, { Orders: 1 })
  const seen: string[] = []
  const consumer = await app.rocketmq.consume(orders, (message, { log, signal }) => {
    seen.push(`${message.body.toString()} ${message.reconsumeTimes}`)
    assert.equal(typeof log.info, 'function')
    assert.equal(signal.aborted, false)
    if (message.reconsumeTimes === 0) throw new Error('not yet')
  })
  await app.rocketmq.producer.send({ topic: 'Orders', body: 'one' })
  await server.quiet()
  assert.deepEqual(seen, [])
  await app.ready()
  await server.quiet()
  assert.deepEqual(seen, ['one 0'])
  await server.clock.advance('11s')
  assert.deepEqual(seen, ['one 0', 'one 1'])
  assert.equal(consumer.queues.length, 2)
  const { producer } = app.rocketmq
  await app.close()
  assert.equal(consumer.queues.length, 0)
  await assert.rejects(producer.send({ topic: 'Orders', body: 'late' }), { code: 'RMQ_CLOSED' })
})

test('an app whose consumer cannot begin is not ready', async (t) => {
  const { app } = await begin(t, { Orders: 1 })
  await app.rocketmq.consume({ ...orders, subscriptions: { Orders: { sql: 'a = 1' } } }, () => 0)
  await assert.rejects(async () => app.ready(), { code: 'RMQ_BROKER' })
})

test('a client that was given is left open', async (t) => {
  const server = await startServer({ topics: { Orders: 1 } })
  t.after(() => server.close())
  const client = server.client()
  const app = fastify()
  await app.register(fastifyRocketMQ, { client, producer: { group: 'shop' } })
  await app.rocketmq.producer.send({ topic: 'Orders', body: 'one' })
  await app.close()
  const producer = await client.producer()
  await producer.send({ topic: 'Orders', body: 'two' })
  assert.equal(server.messages('Orders').length, 2)
})

test('idempotent keeps what the app’s context has, its types too', async (t) => {
  const { server, app } = await begin(t, { Orders: 1 })
  const bindings: unknown[] = []
  await app.rocketmq.consume(
    orders,
    idempotent(
      ({ msgId }, { log, signal }, tx) => {
        log.info(msgId)
        tx.onCommit(() => bindings.push([msgId, typeof log.child, signal.aborted]))
      },
      { store: memoryStore() },
    ),
  )
  await app.ready()
  const { msgId } = await app.rocketmq.producer.send({ topic: 'Orders', body: 'one' })
  await server.quiet()
  assert.deepEqual(bindings, [[msgId, 'function', false]])
})

test('the example runs to its end', async (t) => {
  const server = await startServer()
  t.after(() => server.close())
  const program = fileURLToPath(new URL('../example/orders.js', import.meta.url))
  const options = { timeout: 30_000 }
  const args = [program, server.nameServers]
  const { stdout } = await promisify(execFile)(process.execPath, args, options)
  assert.deepEqual(stdout.trim().split('\n').sort(), ['answered 202', 'billed tea'].sort())
})
