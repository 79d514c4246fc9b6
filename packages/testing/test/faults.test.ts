import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startServer } from '../src/index.ts'

const bodies = (all: readonly { readonly body: Buffer }[]) => all.map(({ body }) => String(body))

test('acknowledged messages are there after the broker was killed, and clients continue', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const mq = server.client()
  const producer = await mq.producer()
  const consumer = await mq.consumer({
    group: 'g',
    subscriptions: { T: '*' },
    consumeFrom: 'first',
  })
  const taken = new Set<string>()
  await consumer.run((message) => taken.add(message.body.toString()))
  for (let i = 0; i < 10; i++) await producer.send({ topic: 'T', body: `before ${i}` })
  server.broker.kill()
  await server.broker.start()
  await producer.send({ topic: 'T', body: 'after' })
  assert.equal(server.messages('T').length, 11)
  while (taken.size < 11) await new Promise((resolve) => setTimeout(resolve, 5))
})

test('a broker that is stopped and started has its address, its messages and its offsets', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const { address } = server.broker
  const producer = await server.client().producer()
  await producer.send({ topic: 'T', body: 'one' })
  await server.broker.stop()
  assert.equal(server.broker.isRunning, false)
  assert.throws(() => server.messages('T'), /broker\.start/)
  await server.broker.start()
  assert.equal(server.broker.address, address)
  assert.deepEqual(bodies(server.messages('T')), ['one'])
})

test('a cut connection costs a producer a retry, a refused one its patience', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const producer = await server.client().producer()
  await producer.send({ topic: 'T', body: 'one' })
  server.network.cut()
  await producer.send({ topic: 'T', body: 'two' })
  server.network.refuse()
  await assert.rejects(producer.send({ topic: 'T', body: 'lost' }, { timeout: 300 }))
  server.network.heal()
  await producer.send({ topic: 'T', body: 'three' })
  assert.deepEqual(bodies(server.messages('T')), ['one', 'two', 'three'])
})

test('over a slow network everything comes late and in order', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const producer = await server.client().producer()
  await producer.send({ topic: 'T', body: 'warm' })
  server.network.delay(30)
  const began = performance.now()
  await Promise.all(['a', 'b', 'c'].map((body) => producer.send({ topic: 'T', body })))
  assert.ok(performance.now() - began >= 58, 'there and back')
  server.network.heal()
  assert.deepEqual(bodies(server.messages('T')), ['warm', 'a', 'b', 'c'])
})

test('waiting for a message ends with it, or says what is there instead', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const producer = await server.client().producer()
  const waiting = server.waitFor('T', ({ tag }) => tag === 'b')
  await producer.send({ topic: 'T', body: 'one', tag: 'a' })
  await producer.send({ topic: 'T', body: 'two', tag: 'b' })
  assert.equal((await waiting).body.toString(), 'two')
  await assert.rejects(
    server.waitFor('T', ({ tag }) => tag === 'c', { timeout: 20 }),
    /no message of T matched within 20 ms: it has 2, the last of them \["one","two"\]/,
  )
  await assert.rejects(server.waitFor('None', undefined, { timeout: 5 }), /has no message/)
})

test('servers side by side have nothing in common', async () => {
  await using one = await startServer()
  await using other = await startServer()
  const producer = await one.client().producer()
  await producer.send({ topic: 'T', body: 'one' })
  await one.clock.advance('1d')
  assert.equal(one.messages('T').length, 1)
  assert.deepEqual(other.messages('T'), [])
  assert.ok(one.clock.now() - other.clock.now() > 80_000_000)
})

test('a setting that the broker does not know is refused by name', async () => {
  await assert.rejects(startServer({ settings: { flushDiskTipe: 'SYNC_FLUSH' } }), /flushDiskType/)
})
