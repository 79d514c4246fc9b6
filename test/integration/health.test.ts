import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { OptionError } from '@skylarkmq/client'
import { startServer } from '@skylarkmq/testing'

const nothing = (): void => undefined
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing }

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(2)
}

test('health() follows a client from its start to its end, a broker that dies in between', async () => {
  await using server = await startServer({ topics: { T: 2 } })
  const mq = server.client({ logger: SILENT })
  assert.deepEqual(mq.health(), {
    ...{ ok: true, reasons: [], clientId: mq.clientId, isClosed: false, brokers: [] },
    nameServers: [{ address: server.nameServers, isConnected: false }],
    ...{ consumers: [], producers: [] },
  })
  const consumer = await mq.consumer({
    ...{ group: 'g', subscriptions: { T: '*' }, consumeFrom: 'first' },
  })
  assert.equal(consumer.health().state, 'new')
  assert.equal(mq.health().ok, false)
  const producer = await mq.producer({ sendTimeoutMs: 200 })
  for (let i = 0; i < 4; i++) await producer.send({ topic: 'T', body: String(i) })
  let got = 0
  await consumer.run(() => {
    got++
  })
  await until(() => got === 4 && mq.health().ok && consumer.health().lag === 0)
  const [broker] = mq.health().brokers
  assert.equal(broker?.isConnected, true)
  const queues = consumer.health().queues.filter(({ topic }) => topic === 'T')
  assert.deepEqual(
    queues.map(({ queueId, offset, endOffset, waiting }) => [queueId, offset, endOffset, waiting]),
    [
      [0, 2, 2, 0],
      [1, 2, 2, 0],
    ],
  )

  server.broker.kill()
  await assert.rejects(producer.send({ topic: 'T', body: 'x' }))
  const failingAfter = 0
  await until(() => !consumer.health({ failingAfter }).ok)
  assert.equal(producer.health({ failingAfter: '1h' }).ok, true)
  assert.notEqual(producer.health().failingMs, undefined)
  assert.equal(mq.health({ failingAfter: '1h' }).ok, true)
  await server.broker.start()
  await until(() => consumer.health({ failingAfter }).ok)
  await producer.send({ topic: 'T', body: 'again' }, { timeout: 5_000 })
  assert.equal(producer.health().failingMs, undefined)

  await mq.close()
  assert.deepEqual(mq.health().reasons, ['the client is closed'])
  assert.deepEqual(consumer.health().reasons, ['it is closed'])
  assert.deepEqual(producer.health().reasons, ['it is closed'])
})

for (const ordered of [false, true]) {
  test(`a handler that does not end is told${ordered ? ', in order' : ''}`, async () => {
    await using server = await startServer({ topics: { T: 1 } })
    const mq = server.client({ logger: SILENT })
    await (await mq.producer()).send({ topic: 'T', body: 'x' })
    const consumer = await mq.consumer({
      ...{ group: 'g', subscriptions: { T: '*' }, consumeFrom: 'first', ordered },
    })
    let end = nothing
    await consumer.run(() => new Promise<void>((resolve) => (end = resolve)))
    await until(() => consumer.health({ slowAfter: 1 }).longestMs > 1)
    const [reason] = consumer.health({ slowAfter: 1 }).reasons
    assert.match(reason ?? '', /^a handler has been running for \d+ s$/)
    assert.equal(consumer.health({ stuckAfter: '1ms' }).queues.at(-1)?.isMoving, false)
    assert.equal(consumer.health().running, 1)
    end()
    await until(() => consumer.health({ slowAfter: 1, stuckAfter: 1 }).ok)
    assert.equal(consumer.health().longestMs, 0)
  })
}

test('a message in order that fails again and again has its queue called stuck', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const mq = server.client({ logger: SILENT })
  await (await mq.producer()).send({ topic: 'T', body: 'x' })
  const consumer = await mq.consumer({
    ...{ group: 'g', subscriptions: { T: '*' }, consumeFrom: 'first', ordered: true },
    suspendCurrentQueueMs: 10,
  })
  await consumer.run(() => {
    throw new Error('never')
  })
  const stuck = /^T, queue 0 of .*: nothing was consumed for \d+ s, and 1 wait$/
  await until(() => consumer.health({ stuckAfter: 30 }).reasons.some((each) => stuck.test(each)))
})

test('health() refuses what is no length of time', async () => {
  await using server = await startServer()
  const mq = server.client()
  const problems = [{ stuckAfter: 'soon' }, { slowAfter: -1 }, { failingAfter: NaN }, { stuck: 1 }]
  for (const options of problems)
    assert.throws(() => mq.health(options), OptionError, JSON.stringify(options))
})
