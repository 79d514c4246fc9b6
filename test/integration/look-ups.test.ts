import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OptionError, RocketMQ } from '@skylarkmq/client'
import { atEnd, serverFor } from './cluster.ts'

test('a look-up by key gives messages of its topic, and none of another whose key has the same hash', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const mq = new RocketMQ({ nameServers: namesrvAddr })
  atEnd(t, () => mq.close())
  const admin = mq.admin()
  for (const topic of ['AaTopic', 'BBTopic']) await admin.topics.create(topic, { queues: 1 })
  const producer = await mq.producer({ group: 'p' })
  // `AaTopic#BB` and `BBTopic#BB` have one hash in Java.
  await producer.send({ topic: 'BBTopic', keys: 'BB', body: 'b' })
  let own: unknown[] = []
  while (own.length === 0) own = await admin.messages.query('BBTopic', 'BB')
  assert.deepEqual(await admin.messages.query('AaTopic', 'BB'), [])
})

test('an offset id leads to its message, whatever address its broker wrote into it', async (t) => {
  const { namesrvAddr } = await serverFor(t, { host: '0.0.0.0' })
  const mq = new RocketMQ({ nameServers: namesrvAddr })
  atEnd(t, () => mq.close())
  const producer = await mq.producer({ group: 'p' })
  const sent = await producer.send({ topic: 'T', body: 'hello' })
  const { messages } = mq.admin()
  assert.equal((await messages.get('T', sent.offsetMsgId))?.body.toString(), 'hello')
  const elsewhere = `CB00710700002A9F${sent.offsetMsgId.slice(16)}`
  assert.equal(await messages.get('T', elsewhere), undefined)
})

test('a consumer group whose failed messages could not be stored is refused when it is made', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const mq = new RocketMQ({ nameServers: namesrvAddr })
  atEnd(t, () => mq.close())
  await mq.admin().topics.create('T', { queues: 1 })
  const consumer = (length: number) =>
    mq.consumer({ group: 'g'.repeat(length), subscriptions: { T: '*' } })
  for (const length of [249, 255]) await assert.rejects(consumer(length), OptionError)
  await assert.rejects(mq.admin().groups.create('g'.repeat(249)), OptionError)
  await consumer(248)
})
