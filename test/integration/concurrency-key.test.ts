import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { OptionError, type ConsumerOptions, type ReceivedMessage } from '@skylarkmq/client'
import { startServer } from '@skylarkmq/testing'

const nothing = (): void => undefined
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing }

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(2)
}

const OPTIONS: ConsumerOptions = { group: 'g', subscriptions: { T: '*' }, consumeFrom: 'first' }

test('messages of one key are handled one after the other and in order, others side by side', async () => {
  await using server = await startServer({ topics: { T: 4 } })
  const mq = server.client({ logger: SILENT })
  const producer = await mq.producer()
  const all = Array.from({ length: 400 }, (_, i) => ({ i, key: `k${i % 7}` }))
  await producer.sendBatch(
    all.map(({ i, key }) => ({ topic: 'T', tag: key, shardingKey: key, body: String(i) })),
  )
  const running = new Set<string>()
  const got: { key: string; i: number }[] = []
  let most = 0
  const consumer = await mq.consumer({ ...OPTIONS, concurrencyKey: ({ tag }) => tag })
  await consumer.run(async ({ tag = '', body }) => {
    assert.equal(running.has(tag), false)
    running.add(tag)
    most = Math.max(most, running.size)
    for (let turns = Number(body) % 3; turns > 0; turns--) await turn()
    running.delete(tag)
    got.push({ key: tag, i: Number(body) })
  })
  await until(() => got.length >= all.length)
  assert.equal(got.length, all.length)
  assert.ok(most > 1)
  for (let n = 0; n < 7; n++) {
    const of = got.filter(({ key }) => key === `k${n}`).map(({ i }) => i)
    assert.deepEqual(
      of,
      [...of].sort((one, other) => one - other),
    )
  }
})

test('a message whose key cannot be determined fails, and nothing else does', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const said: unknown[] = []
  const logger = { ...SILENT, error: (fields: object) => said.push(fields) }
  const mq = server.client({ logger })
  const producer = await mq.producer()
  for (const body of ['a', 'odd', 'b']) await producer.send({ topic: 'T', body })
  const got: string[] = []
  const concurrencyKey = ({ body }: ReceivedMessage): string => {
    if (body.toString() === 'odd') throw Object.create(null)
    return 'all'
  }
  const consumer = await mq.consumer({ ...OPTIONS, concurrencyKey, maxReconsumeTimes: 0 })
  await consumer.run(({ body }) => got.push(body.toString()))
  await until(() => server.messages('%DLQ%g').length === 1 && got.length === 2)
  assert.deepEqual(got, ['a', 'b'])
  assert.equal(said.length, 1)
})

test('the others of its key wait for a message that is held', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const mq = server.client({ logger: SILENT })
  const producer = await mq.producer()
  for (const body of ['a', 'b']) await producer.send({ topic: 'T', body })
  const got: string[] = []
  const consumer = await mq.consumer({ ...OPTIONS, concurrencyKey: () => 'all' })
  await consumer.run(({ body }, context) => {
    got.push(body.toString())
    if (got.length < 3) context.hold(5)
  })
  await until(() => got.length === 4)
  assert.deepEqual(got, ['a', 'a', 'a', 'b'])
})

for (const ordered of [false, true]) {
  test(`rateLimit begins handlers one by one${ordered ? ', in order' : ''}`, async () => {
    await using server = await startServer({ topics: { T: 2 } })
    const mq = server.client({ logger: SILENT })
    const producer = await mq.producer()
    await producer.sendBatch(
      Array.from({ length: 20 }, (_, i) => ({ topic: 'T', body: String(i) })),
    )
    let got = 0
    const rateLimit = { messages: 1, per: '1h' }
    const consumer = await mq.consumer({ ...OPTIONS, ordered, rateLimit })
    await consumer.run(() => {
      got++
    })
    await until(() => consumer.health().queues.some(({ waiting }) => waiting > 0) && got > 0)
    await server.quiet()
    assert.equal(got, 1)
    await consumer.close()
    const other = await mq.consumer({ ...OPTIONS, ordered, rateLimit: { messages: 100_000 } })
    await other.run(() => {
      got++
    })
    await until(() => got >= 20)
  })
}

test('invalid rates and conflicting options are refused', async () => {
  await using server = await startServer()
  const mq = server.client()
  const odd: object[] = [
    { rateLimit: 5 },
    { rateLimit: {} },
    { rateLimit: { messages: 0 } },
    { rateLimit: { messages: 1, per: 'soon' } },
    { rateLimit: { messages: 1, every: '1s' } },
    { rateLimit: { messages: Infinity } },
    { concurrencyKey: 'tag' },
    { concurrencyKey: () => 'x', ordered: true },
  ]
  for (const each of odd)
    await assert.rejects(mq.consumer({ ...OPTIONS, ...each }), OptionError, JSON.stringify(each))
  await assert.rejects(mq.consumer({ ...OPTIONS, limiter: {} } as object as ConsumerOptions), {
    message: /rateLimit/,
  })
})
