import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AdminClient,
  NameServerError,
  RouteNotFoundError,
  Producer,
  PushConsumer,
  queueByHash,
  TopicReader,
  type ReceivedMessage,
} from '@skylarkmq/client'
import { atEnd, Collector, createTopic, found, serverFor, until } from './cluster.ts'

const bodies = (messages: readonly ReceivedMessage[]): string[] =>
  messages.map((each) => each.body.toString()).sort()

test('what is sent is consumed by a group, with tag, keys, properties and ids', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  await createTopic(namesrvAddr, 'T')
  const producer = new Producer({ namesrvAddr, group: 'P' })
  atEnd(t, () => producer.close())
  const sent = await producer.send({
    topic: 'T',
    body: 'hello',
    tag: 'a',
    keys: ['k1', 'k2'],
    properties: { colour: 'blue' },
  })
  assert.equal(sent.status, 'SEND_OK')
  const consumer = new PushConsumer({ namesrvAddr, group: 'G', consumeFrom: 'first' })
  atEnd(t, () => consumer.close())
  const got = new Collector<ReceivedMessage>()
  consumer.subscribe('T')
  await consumer.start((message) => {
    got.add(message)
  })
  const [message] = await got.atLeast(1)
  assert.equal(message?.body.toString(), 'hello')
  assert.equal(message.tag, 'a')
  assert.deepEqual(message.keys, ['k1', 'k2'])
  assert.equal(message.properties.get('colour'), 'blue')
  assert.equal(message.msgId, sent.msgId)
  assert.equal(message.offsetMsgId, sent.offsetMsgId)
  assert.deepEqual(message.messageQueue, sent.messageQueue)
})

test('a large body is compressed on the way and comes whole', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  await createTopic(namesrvAddr, 'T')
  const producer = new Producer({ namesrvAddr })
  atEnd(t, () => producer.close())
  const body = 'x'.repeat(100_000)
  await producer.send({ topic: 'T', body })
  const reader = new TopicReader({ namesrvAddr, topic: 'T', from: 'first' })
  atEnd(t, () => reader.close())
  const got = new Collector<ReceivedMessage>()
  await reader.start((message) => {
    got.add(message)
  })
  const [message] = await got.atLeast(1)
  assert.equal(message?.body.toString(), body)
  assert.ok(message.storeSize < 2000)
  assert.equal(message.sysFlag, 0)
})

test('a group gets only the tags that it wants', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  await createTopic(namesrvAddr, 'T')
  const producer = new Producer({ namesrvAddr })
  atEnd(t, () => producer.close())
  for (const tag of ['a', 'b', 'c', 'AaAa', 'BBBB']) {
    await producer.send({ topic: 'T', body: tag, tag })
  }
  const consumer = new PushConsumer({ namesrvAddr, group: 'G', consumeFrom: 'first' })
  atEnd(t, () => consumer.close())
  const got = new Collector<ReceivedMessage>()
  // AaAa and BBBB have one hash in Java, so the broker lets both pass.
  consumer.subscribe('T', 'a || c || AaAa')
  await consumer.start((message) => {
    got.add(message)
  })
  await got.atLeast(3)
  await producer.send({ topic: 'T', body: 'last', tag: 'a' })
  assert.deepEqual(bodies(await got.atLeast(4)), ['AaAa', 'a', 'c', 'last'])
})

test('the members of a group share the queues, and one that leaves gives its queues to the other', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  await createTopic(namesrvAddr, 'T')
  const producer = new Producer({ namesrvAddr })
  atEnd(t, () => producer.close())
  await producer.send({ topic: 'T', body: 'first' })
  const join = async (): Promise<PushConsumer> => {
    const consumer = new PushConsumer({ namesrvAddr, group: 'G', consumeFrom: 'first' })
    atEnd(t, () => consumer.close())
    consumer.subscribe('T')
    await consumer.start(() => undefined)
    return consumer
  }
  const queuesOf = (consumer: PushConsumer): number =>
    consumer.queues.filter((queue) => queue.topic === 'T').length
  const one = await join()
  await until(() => queuesOf(one) === 4)
  const other = await join()
  await until(() => queuesOf(one) === 2 && queuesOf(other) === 2)
  await other.close()
  await until(() => queuesOf(one) === 4)
})

test('messages of one key keep their order', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  await createTopic(namesrvAddr, 'T')
  const producer = new Producer({ namesrvAddr })
  atEnd(t, () => producer.close())
  const results = []
  for (let i = 0; i < 20; i++) {
    results.push(
      await producer.send({ topic: 'T', body: `${i}` }, { selector: queueByHash('order-7') }),
    )
  }
  assert.equal(new Set(results.map((result) => result.messageQueue.queueId)).size, 1)
  assert.deepEqual(
    results.map((result) => result.queueOffset),
    Array.from({ length: 20 }, (_, i) => i),
  )
})

test('a batch is stored as single messages with ids of their own', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  await createTopic(namesrvAddr, 'T')
  const producer = new Producer({ namesrvAddr })
  atEnd(t, () => producer.close())
  await producer.send({ topic: 'T', body: 'zero' })
  const [sent] = await producer.sendBatch(
    ['one', 'two', 'three'].map((body) => ({ topic: 'T', body })),
  )
  const ids = sent?.msgId.split(',') ?? []
  assert.equal(ids.length, 3)
  assert.equal(sent?.offsetMsgId.split(',').length, 3)
  const admin = new AdminClient({ namesrvAddr })
  atEnd(t, () => admin.close())
  const second = await found(() => admin.messages.get('T', ids[1] ?? ''))
  assert.equal(second.body.toString(), 'two')
})

test('messages are found by key, by their id and by their place, and unknown ids by none', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  await createTopic(namesrvAddr, 'T')
  const producer = new Producer({ namesrvAddr })
  const admin = new AdminClient({ namesrvAddr })
  atEnd(t, () => Promise.all([producer.close(), admin.close()]))
  const sent = await producer.send({ topic: 'T', body: 'b', keys: 'order-1' })
  await found(async () => (await admin.messages.query('T', 'order-1'))[0])
  assert.equal((await admin.messages.get('T', sent.msgId))?.body.toString(), 'b')
  assert.equal((await admin.messages.get('T', sent.offsetMsgId))?.msgId, sent.msgId)
  assert.deepEqual(await admin.messages.query('T', 'order'), [])
  assert.equal(await admin.messages.get('T', '0'.repeat(32)), undefined)
})

test('a topic that was created has the queues that were asked for', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const admin = new AdminClient({ namesrvAddr })
  atEnd(t, () => admin.close())
  await createTopic(namesrvAddr, 'Orders', 3)
  assert.equal((await admin.topics.queues('Orders')).length, 3)
})

test('a reader without a group stores no offset and starts behind the last message', async (t) => {
  const { namesrvAddr, broker } = await serverFor(t)
  await createTopic(namesrvAddr, 'T')
  const producer = new Producer({ namesrvAddr })
  atEnd(t, () => producer.close())
  await producer.send({ topic: 'T', body: 'old' })
  const reader = new TopicReader({ namesrvAddr, topic: 'T' })
  atEnd(t, () => reader.close())
  const got = new Collector<ReceivedMessage>()
  await reader.start((message) => {
    got.add(message)
  })
  await producer.send({ topic: 'T', body: 'new' })
  assert.deepEqual(bodies(await got.atLeast(1)), ['new'])
  for (let queueId = 0; queueId < 4; queueId++) {
    assert.equal(broker?.context?.offsets.committed('TOOLS_CONSUMER', 'T', queueId), undefined)
  }
})

test('a oneway message arrives', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  await createTopic(namesrvAddr, 'T')
  const producer = new Producer({ namesrvAddr })
  atEnd(t, () => producer.close())
  await producer.send({ topic: 'T', body: 'first' })
  const reader = new TopicReader({ namesrvAddr, topic: 'T' })
  atEnd(t, () => reader.close())
  const got = new Collector<ReceivedMessage>()
  await reader.start((message) => {
    got.add(message)
  })
  const msgId = await producer.sendOneway({ topic: 'T', body: 'oneway' })
  const [message] = await got.atLeast(1)
  assert.equal(message?.msgId, msgId)
})

test('without a name server the error names the address and what to do', async (t) => {
  const server = await serverFor(t)
  const { namesrvAddr } = server
  await server.stop()
  const producer = new Producer({ namesrvAddr, startTimeoutMs: 0 })
  atEnd(t, () => producer.close())
  await assert.rejects(producer.send({ topic: 'T', body: 'b' }), (error) => {
    assert.ok(error instanceof NameServerError)
    assert.ok(error.message.includes(namesrvAddr))
    assert.match(error.advice, /skylark start/)
    return true
  })
})

test('a second name server is asked when the first one is gone', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const gone = await serverFor(t)
  await gone.stop()
  for (const both of [`${gone.namesrvAddr};${namesrvAddr}`, `${namesrvAddr};${gone.namesrvAddr}`]) {
    const producer = new Producer({ namesrvAddr: both })
    assert.equal((await producer.send({ topic: 'T', body: 'b' })).status, 'SEND_OK')
    await producer.close()
  }
})

test('reading a missing topic is an error that says so', async (t) => {
  const { namesrvAddr } = await serverFor(t)
  const reader = new TopicReader({ namesrvAddr, topic: 'Nowhere' })
  atEnd(t, () => reader.close())
  await assert.rejects(
    reader.start(() => undefined),
    RouteNotFoundError,
  )
})
