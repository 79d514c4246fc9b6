import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchError, type Message } from '@skylarkmq/client'
import { startServer } from '@skylarkmq/testing'

const nothing = (): void => undefined
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing }
const KEYS = ['anna', 'bert', 'carl', 'dora', 'emil', 'fritz']

test('each message of a batch goes to the queue of its key, as a message by itself does, in order', async () => {
  await using server = await startServer({ topics: { T: 4 } })
  const producer = await server.client({ logger: SILENT }).producer()
  const queueOf = new Map<string, number>()
  for (const shardingKey of KEYS) {
    const { messageQueue } = await producer.send({ topic: 'T', body: 'alone', shardingKey })
    queueOf.set(shardingKey, messageQueue.queueId)
  }
  assert.ok(new Set(queueOf.values()).size > 1)
  const batch: Message[] = Array.from({ length: 60 }, (_, i) => ({
    ...{ topic: 'T', body: String(i), shardingKey: KEYS[i % KEYS.length] },
  }))
  const results = await producer.sendBatch([...batch, { topic: 'T', body: 'of no key' }])
  const queues = new Set(queueOf.values()).size
  assert.equal(results.length, queues + 1)
  const stored = server.messages('T').filter(({ body }) => body.toString() !== 'alone')
  assert.equal(stored.length, 61)
  for (const key of KEYS) {
    const own = stored.filter(({ properties }) => properties.get('__SHARDINGKEY') === key)
    assert.deepEqual(new Set(own.map(({ messageQueue }) => messageQueue.queueId)).size, 1)
    assert.equal(own[0]?.messageQueue.queueId, queueOf.get(key))
    const order = own
      .sort((one, other) => one.queueOffset - other.queueOffset)
      .map(({ body }) => Number(body.toString()))
    assert.deepEqual(
      order,
      [...order].sort((one, other) => one - other),
    )
    assert.equal(order.length, 10)
  }
})

test('a queue that is chosen for a batch takes all of it', async () => {
  await using server = await startServer({ topics: { T: 4 } })
  const producer = await server.client({ logger: SILENT }).producer()
  const batch = KEYS.map((shardingKey) => ({ topic: 'T', body: 'x', shardingKey }))
  const results = await producer.sendBatch(batch, { selector: ([first]) => first })
  assert.equal(results.length, 1)
})

test('the error of a batch that is stored in part names what is stored and what is not', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const producer = await server
    .client({ logger: SILENT })
    .producer({ maxMessageBytes: 1_000, sendTimeoutMs: 20_000, retryTimes: 0 })
  // Three parts of one message each; the broker is gone after the first.
  const parts = ['a', 'b', 'c'].map((letter) => ({ topic: 'T', body: letter.repeat(700) }))
  let sent = 0
  const selector = ([first]: readonly { topic: string; brokerName: string; queueId: number }[]) => {
    if (++sent > 1) throw new Error('the second one fails')
    return first
  }
  const error = await producer.sendBatch(parts, { selector }).catch((thrown: unknown) => thrown)
  assert.ok(error instanceof BatchError)
  const { results, stored, failed, unsent, reason } = error.values
  assert.deepEqual({ stored, failed, unsent }, { stored: [0], failed: [1], unsent: [2] })
  assert.match(reason, /the second one fails/)
  assert.equal(error.code, 'RMQ_BATCH')
  assert.equal((error.cause as Error).message, 'the second one fails')
  const [message] = server.messages('T')
  assert.equal(results[0]?.msgId, message?.msgId)
  assert.equal(server.messages('T').length, 1)
  // Of a batch whose first part fails nothing is stored, and the error is the part's own.
  await assert.rejects(
    producer.sendBatch(parts, { selector }),
    (thrown) => !(thrown instanceof BatchError),
  )
})

test('a message that is in a batch several times is named by each of its places', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const producer = await server
    .client({ logger: SILENT })
    .producer({ maxMessageBytes: 1_000, sendTimeoutMs: 20_000, retryTimes: 0 })
  let sent = 0
  const same = { topic: 'T', body: 'x'.repeat(700) }
  const selector = ([first]: readonly { topic: string; brokerName: string; queueId: number }[]) => {
    if (++sent > 1) throw new Error('the second one fails')
    return first
  }
  await assert.rejects(producer.sendBatch([same, same, same], { selector }), (error: unknown) => {
    assert.ok(error instanceof BatchError)
    const { stored, failed, unsent } = error.values
    assert.deepEqual({ stored, failed, unsent }, { stored: [0], failed: [1], unsent: [2] })
    return true
  })
})

test('messages of two topics are no batch, whatever their keys', async () => {
  await using server = await startServer({ topics: { T: 2, U: 2 } })
  const producer = await server.client({ logger: SILENT }).producer()
  const mixed = ['T', 'U'].map((topic) => ({ topic, body: 'x', shardingKey: topic }))
  await assert.rejects(producer.sendBatch(mixed), { code: 'RMQ_MESSAGE' })
})
