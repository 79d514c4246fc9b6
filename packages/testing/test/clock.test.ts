import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startServer } from '../src/index.ts'

const bodies = (all: readonly { readonly body: Buffer }[]) => all.map(({ body }) => String(body))

test('a message that is delayed by two hours comes when two hours are over, and not before', async () => {
  await using server = await startServer({ topics: { Reminders: 1 } })
  const producer = await server.client().producer()
  await producer.send({ topic: 'Reminders', body: 'call back', delay: '2h' })
  await server.clock.advance('1h59m')
  assert.deepEqual(server.messages('Reminders'), [])
  await server.clock.advance('1m')
  assert.deepEqual(bodies(server.messages('Reminders')), ['call back'])
})

test('a message that fails each time comes again sixteen times, then lies in the dead-letter queue', async () => {
  await using server = await startServer({ topics: { Orders: 1 } })
  const mq = server.client()
  const consumer = await mq.consumer({
    group: 'billing',
    subscriptions: { Orders: '*' },
    consumeFrom: 'first',
  })
  const times: number[] = []
  await consumer.run((message) => {
    times.push(message.reconsumeTimes)
    throw new Error('no')
  })
  const producer = await mq.producer()
  await producer.send({ topic: 'Orders', body: 'one' })
  await server.clock.advance('5h')
  assert.deepEqual(
    times,
    Array.from({ length: 17 }, (_, index) => index),
  )
  assert.deepEqual(bodies(server.messages('%DLQ%billing')), ['one'])
})

test('a transaction that its producer left open is asked for, and ends as the answer says', async () => {
  await using server = await startServer({ topics: { Orders: 1 } })
  const asked: string[] = []
  const producer = await server.client().transactionProducer({
    group: 'shop',
    check: (message) => {
      asked.push(message.body.toString())
      return 'commit'
    },
  })
  await producer.send({ topic: 'Orders', body: 'one' }, () => 'unknown')
  assert.deepEqual(server.messages('Orders'), [])
  await server.clock.advance('2m')
  assert.equal(asked.length, 1)
  assert.deepEqual(bodies(server.messages('Orders')), ['one'])
})

test('time is advanced while handlers run: it waits for them', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const mq = server.client()
  const consumer = await mq.consumer({
    group: 'slow',
    subscriptions: { T: '*' },
    consumeFrom: 'first',
  })
  let ended = 0
  let begun: (end: () => void) => void = () => undefined
  const nextBegins = (): Promise<() => void> => new Promise((resolve) => (begun = resolve))
  let next = nextBegins()
  await consumer.run(async () => {
    await new Promise<void>((end) => {
      begun(end)
    })
    ended++
  })
  const producer = await mq.producer()
  for (let delay = 1; delay <= 3; delay++) {
    await producer.send({ topic: 'T', body: String(delay), delay: `${delay}h` })
  }
  let isThere = false
  const advancing = server.clock.advance('3h').then(() => (isThere = true))
  for (let i = 0; i < 3; i++) {
    const end = await next
    assert.deepEqual([isThere, ended], [false, i])
    next = nextBegins()
    end()
  }
  await advancing
  assert.equal(ended, 3)
})
