import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { RocketMQ } from '@skylarkmq/client'
import { atEnd, Collector, createTopic, serverFor } from './cluster.ts'

test('a service with a backlog that sends much in its handlers makes progress', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  await createTopic(namesrvAddr, 'In', 32)
  await createTopic(namesrvAddr, 'Out', 8)
  const mq = new RocketMQ({ nameServers: namesrvAddr })
  atEnd(t, () => mq.close({ timeout: 1_000 }))
  const producer = await mq.producer({ sendTimeoutMs: 60_000 })
  const body = randomBytes(8_000)
  for (let i = 0; i < 40; i++) {
    await Promise.all(Array.from({ length: 100 }, () => producer.send({ topic: 'In', body })))
  }
  const consumer = await mq.consumer({
    group: 'G',
    subscriptions: { In: '*' },
    consumeFrom: 'first',
    concurrency: 20,
  })
  const large = randomBytes(1_000_000)
  const sent = new Collector<string>()
  await consumer.run(async () => {
    const { status } = await producer.send({ topic: 'Out', body: large })
    sent.add(status)
  })
  await sent.atLeast(60)
})

test('many sends that are begun at once are all answered', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  await createTopic(namesrvAddr, 'T', 8)
  const mq = new RocketMQ({ nameServers: namesrvAddr })
  atEnd(t, () => mq.close({ timeout: 1_000 }))
  const producer = await mq.producer({ sendTimeoutMs: 60_000 })
  await producer.send({ topic: 'T', body: 'first' })
  const body = randomBytes(1_000)
  const sends = Array.from({ length: 20_000 }, () => producer.send({ topic: 'T', body }))
  const results = await Promise.all(sends)
  assert.ok(results.every(({ status }) => status === 'SEND_OK'))
})

test('one-way sends in a loop let others have their turn, and buffer no more than is accepted', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  await createTopic(namesrvAddr, 'T', 8)
  const mq = new RocketMQ({ nameServers: namesrvAddr })
  atEnd(t, () => mq.close({ timeout: 1_000 }))
  const producer = await mq.producer()
  await producer.send({ topic: 'T', body: 'first' })
  const timer = { hasFired: false }
  setTimeout(() => {
    timer.hasFired = true
  }, 1)
  while (!timer.hasFired) await producer.sendOneway({ topic: 'T', body: 'x' })
})
