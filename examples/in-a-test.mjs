// A test of one's own program with a server of its own: in this process, in memory, with a clock that can be moved on.
// Run it: node --test examples/in-a-test.mjs
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startServer } from '@skylarkmq/testing'

/** What is tested: reminds a customer of an order two hours later, and tries again when that fails. */
async function remind(mq, sendMail) {
  const consumer = await mq.consumer({
    group: 'reminders',
    subscriptions: { Reminders: '*' },
    consumeFrom: 'first',
  })
  await consumer.run((message) => sendMail(message.body.toString()))
  const producer = await mq.producer()
  await producer.send({ topic: 'Reminders', body: 'order 7', delay: '2h' })
}

test('a customer is reminded two hours later, once', async () => {
  const server = await startServer({ topics: { Reminders: 1 } })
  try {
    const mails = []
    await remind(server.client(), (mail) => mails.push(mail))
    await server.clock.advance('1h')
    assert.deepEqual(mails, [])
    await server.clock.advance('1h')
    assert.deepEqual(mails, ['order 7'])
  } finally {
    await server.close()
  }
})

test('while mails cannot be sent it is tried again, and at last left to a person', async () => {
  const server = await startServer({ topics: { Reminders: 1 } })
  try {
    let tries = 0
    await remind(server.client({ logger: silent }), () => {
      tries++
      throw new Error('the mail server is down')
    })
    await server.clock.advance('7h')
    assert.equal(tries, 17)
    const [dead] = server.messages('%DLQ%reminders')
    assert.equal(dead.body.toString(), 'order 7')
  } finally {
    await server.close()
  }
})

test('an order that was stored is there after the broker was killed', async () => {
  const server = await startServer({ topics: { Orders: 1 } })
  try {
    const producer = await server.client().producer()
    await producer.send({ topic: 'Orders', body: 'order 8' })
    server.broker.kill()
    await server.broker.start()
    const found = await server.waitFor('Orders', (message) => String(message.body) === 'order 8')
    assert.equal(found.reconsumeTimes, 0)
  } finally {
    await server.close()
  }
})

const silent = { debug() {}, info() {}, warn() {}, error() {} }
