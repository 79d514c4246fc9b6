import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RocketMQ, type Message, type ReceivedMessage } from '@skylarkmq/client'
import { isReservedProperty } from '@skylarkmq/protocol'
import { atEnd, Collector, createTopic, serverFor } from './cluster.ts'

test('a message that was received is sent on with what its application gave it, in each way of sending', async (t) => {
  const { namesrvAddr: nameServers } = await serverFor(t)
  for (const topic of ['T', 'Next']) await createTopic(nameServers, topic, 4)
  const mq = new RocketMQ({ nameServers })
  atEnd(t, () => mq.close())
  const producer = await mq.producer()
  const listen = async (topic: string) => {
    const got = new Collector<ReceivedMessage>()
    const options = { subscriptions: { [topic]: '*' }, consumeFrom: 'first' } as const
    const consumer = await mq.consumer({ group: `of-${topic}`, ...options })
    await consumer.run((message) => {
      got.add(message)
    })
    return got
  }
  const properties = { color: 'red', 键: '值' }
  const given = { tag: 'paid', keys: ['k1', 'k2'], shardingKey: 'order-7', flag: 3, properties }
  await producer.send({ topic: 'T', body: 'b', ...given })
  const [received] = await (await listen('T')).atLeast(1)
  assert.ok(received !== undefined)

  const on: Message = { ...received, topic: 'Next' }
  const { messageQueue } = await producer.send(on)
  await producer.sendBatch([on, on])
  await producer.sendOneway(on)
  await producer.sendPrepared(await producer.prepare(on))
  const all = await (await listen('Next')).atLeast(5)
  for (const message of all) {
    const { tag, keys, shardingKey, flag, body } = message
    const own = [...message.properties].filter(([name]) => !isReservedProperty(name))
    assert.deepEqual({ tag, keys, shardingKey, flag, properties: Object.fromEntries(own) }, given)
    assert.equal(body.toString(), 'b')
    assert.notEqual(message.msgId, received.msgId)
    // The order of its key is kept.
    assert.equal(message.messageQueue.queueId, messageQueue.queueId)
  }
  const asObject = { ...on, properties: Object.fromEntries(received.properties) }
  await assert.rejects(producer.send(asObject), /give its properties as they are, a Map/)
  const wrong = { ...on, properties: new Map([['color', 7 as unknown as string]]) }
  await assert.rejects(producer.send(wrong), { code: 'RMQ_MESSAGE', message: /"color" is 7/ })
})
