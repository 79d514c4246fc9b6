import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Producer, PushConsumer, TopicReader, type ReceivedMessage } from '@skylarkmq/client'
import { atEnd, Collector, createTopic, folderFor, found, serverFor, until } from './cluster.ts'

test('a message that is answered with later comes again, and to its dead-letter queue at last', async (t) => {
  // Levels of some milliseconds in place of 10 s, 30 s, …
  const set = ['messageDelayLevel=1s 1s 1s 1s 1s 1s']
  const { namesrvAddr } = await serverFor(t, { set })
  await createTopic(namesrvAddr, 'T')
  const producer = new Producer({ namesrvAddr })
  atEnd(t, () => producer.close())
  const sent = await producer.send({ topic: 'T', body: 'b' })
  const consumer = new PushConsumer({
    namesrvAddr,
    group: 'G',
    consumeFrom: 'first',
    maxReconsumeTimes: 1,
    pollNameServerMs: 100,
  })
  atEnd(t, () => consumer.close())
  consumer.subscribe('T')
  const tries = new Collector<ReceivedMessage>()
  await consumer.start((message) => {
    tries.add(message)
    return 'later'
  })
  await tries.atLeast(2)
  assert.deepEqual(
    tries.items.map((each) => [each.topic, each.reconsumeTimes, each.msgId]),
    [
      ['T', 0, sent.msgId],
      ['T', 1, sent.msgId],
    ],
  )
  const dead = await found(async () => {
    const reader = new TopicReader({ namesrvAddr, topic: '%DLQ%G', from: 'first' })
    try {
      const got = new Collector<ReceivedMessage>()
      await reader.start((message) => {
        got.add(message)
      })
      return (await got.atLeast(1))[0]
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'RMQ_TOPIC_NOT_FOUND') throw error
      return undefined
    } finally {
      await reader.close()
    }
  })
  assert.equal(dead.msgId, sent.msgId)
})

test('after a restart the messages are there and the group continues where it stopped', async (t) => {
  const data = folderFor(t)
  const first = await serverFor(t, { data })
  await createTopic(first.namesrvAddr, 'T', 1)
  const producer = new Producer({ namesrvAddr: first.namesrvAddr })
  for (const body of ['one', 'two']) await producer.send({ topic: 'T', body })
  const consume = async (namesrvAddr: string): Promise<[PushConsumer, Collector<string>]> => {
    const consumer = new PushConsumer({ namesrvAddr, group: 'G', consumeFrom: 'first' })
    atEnd(t, () => consumer.close())
    consumer.subscribe('T')
    const got = new Collector<string>()
    await consumer.start((message) => {
      got.add(message.body.toString())
    })
    return [consumer, got]
  }
  const [before, gotBefore] = await consume(first.namesrvAddr)
  assert.deepEqual(await gotBefore.atLeast(2), ['one', 'two'])
  await before.close()
  await producer.send({ topic: 'T', body: 'three' })
  await producer.close()
  await first.stop()

  const second = await serverFor(t, { data })
  const [, gotAfter] = await consume(second.namesrvAddr)
  assert.deepEqual(await gotAfter.atLeast(1), ['three'])
})

test('a consumer continues by itself after its broker was away for a while', async (t) => {
  const data = folderFor(t)
  const first = await serverFor(t, { data })
  const { namesrvPort, brokerPort, namesrvAddr } = first
  await createTopic(namesrvAddr, 'T', 1)
  const consumer = new PushConsumer({ namesrvAddr, group: 'G', heartbeatMs: 200, rebalanceMs: 200 })
  atEnd(t, () => consumer.close())
  consumer.subscribe('T')
  const got = new Collector<string>()
  await consumer.start((message) => {
    got.add(message.body.toString())
  })
  await until(() => consumer.queues.some((queue) => queue.topic === 'T'))
  await first.stop()
  await serverFor(t, { data, namesrvPort, brokerPort })
  const producer = new Producer({ namesrvAddr })
  atEnd(t, () => producer.close())
  await producer.send({ topic: 'T', body: 'back' })
  assert.deepEqual(await got.atLeast(1), ['back'])
})

test('a send to a broker that is gone waits for it as long as it has time, then says where it should be', async (t) => {
  const server = await serverFor(t)
  const { namesrvAddr } = server
  await createTopic(namesrvAddr, 'T')
  const producer = new Producer({ namesrvAddr, sendTimeoutMs: 2_000 })
  atEnd(t, () => producer.close())
  await producer.send({ topic: 'T', body: 'b' })
  await server.stop()
  const begin = performance.now()
  await assert.rejects(
    producer.send({ topic: 'T', body: 'b' }),
    /cannot connect to \S+ ECONNREFUSED/,
  )
  assert.ok(performance.now() - begin > 1_000)
})

test('a send waits for its broker while that is away for less than its time', async (t) => {
  const server = await serverFor(t)
  const { namesrvAddr } = server
  await createTopic(namesrvAddr, 'T')
  const producer = new Producer({ namesrvAddr, sendTimeoutMs: 20_000 })
  atEnd(t, () => producer.close())
  await producer.send({ topic: 'T', body: 'b' })
  const { brokerPort } = server
  await server.stop()
  const sent = producer.send({ topic: 'T', body: 'late' })
  await serverFor(t, { brokerPort })
  assert.equal((await sent).status, 'SEND_OK')
})

test('a consumer that closes stores how far it has come, and what runs is finished first', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  await createTopic(namesrvAddr, 'T', 1)
  const producer = new Producer({ namesrvAddr })
  atEnd(t, () => producer.close())
  for (const body of ['one', 'two']) await producer.send({ topic: 'T', body })
  const options = { namesrvAddr, group: 'G', consumeFrom: 'first', concurrency: 1 } as const
  const one = new PushConsumer(options)
  one.subscribe('T')
  const closed = new Collector<string>()
  const finished: string[] = []
  await one.start(async (message) => {
    void one.close().then(() => {
      closed.add('closed')
    })
    await new Promise((resolve) => setImmediate(resolve))
    finished.push(message.body.toString())
  })
  await closed.atLeast(1)
  assert.deepEqual(finished, ['one'])
  const other = new PushConsumer(options)
  atEnd(t, () => other.close())
  other.subscribe('T')
  const got = new Collector<string>()
  await other.start((message) => {
    got.add(message.body.toString())
  })
  assert.deepEqual(await got.atLeast(1), ['two'])
})
