// Tests of a program of one's own, as jest runs ES modules.
import { json, RocketMQError, Unrecoverable } from '@skylarkmq/client'
import { startServer } from '@skylarkmq/testing'
import { afterEach, beforeEach, expect, test } from '@jest/globals'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
let server

beforeEach(async () => {
  server = await startServer({ topics: { Reminders: 1 } })
})

afterEach(() => server.close())

test('a customer is reminded two hours later, once', async () => {
  const reminded = []
  const mq = server.client()
  const consumer = await mq.consumer({
    group: 'reminders',
    subscriptions: { Reminders: '*' },
    consumeFrom: 'first',
    serde: json(),
  })
  await consumer.run((message) => {
    reminded.push(message.body)
  })
  const producer = await mq.producer({ serde: json() })
  await producer.send({ topic: 'Reminders', body: { order: 7 }, delay: '2h' })
  await server.clock.advance('1h')
  expect(reminded).toEqual([])
  await server.clock.advance('1h')
  expect(reminded).toEqual([{ order: 7 }])
})

test('what fails sixteen times more is a dead letter, and what cannot get better at once', async () => {
  const mq = server.client({ logger: silent })
  const consumer = await mq.consumer({
    group: 'reminders',
    subscriptions: { Reminders: '*' },
    consumeFrom: 'first',
  })
  let tries = 0
  await consumer.run((message) => {
    if (String(message.body) === 'never') throw new Unrecoverable('never')
    tries++
    throw new Error('not yet')
  })
  const producer = await mq.producer()
  await producer.send({ topic: 'Reminders', body: 'never' })
  await server.waitFor('%DLQ%reminders')
  await producer.send({ topic: 'Reminders', body: Buffer.from('later') })
  await server.clock.advance('7h')
  expect(tries).toBe(17)
  expect(server.messages('%DLQ%reminders').map(({ body }) => String(body))).toEqual([
    'never',
    'later',
  ])
})

test('errors are known by their class and their code', async () => {
  const mq = server.client({ logger: silent, timeout: 500 })
  const producer = await mq.producer({ sendTimeoutMs: 500 })
  server.broker.kill()
  server.network.refuse()
  const error = await producer.send({ topic: 'Reminders', body: 'lost' }).catch((e) => e)
  expect(error).toBeInstanceOf(RocketMQError)
  expect(error.code).toMatch(/^RMQ_/)
})
