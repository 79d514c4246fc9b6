import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import {
  ClosedError,
  OptionError,
  type ConsumerOptions,
  type QueuePlace,
  type RocketMQ,
} from '@skylarkmq/client'
import { startServer } from '@skylarkmq/testing'

const nothing = (): void => undefined
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing }

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(2)
}

async function send(mq: RocketMQ, topic: string, from: number, to: number): Promise<void> {
  const producer = await mq.producer()
  for (let i = from; i < to; i++) await producer.send({ topic, body: String(i) })
}

const OPTIONS: ConsumerOptions = {
  ...{ group: 'g', subscriptions: { T: '*', U: '*' }, consumeFrom: 'first' },
}

for (const ordered of [false, true]) {
  const how = ordered ? ', in order' : ''

  test(`pause() stops one topic, of what was pulled too, and resume() continues in order${how}`, async () => {
    await using server = await startServer({ topics: { T: 1, U: 1 } })
    const mq = server.client({ logger: SILENT })
    const got: string[] = []
    let isOpen = false
    const wait: (() => void)[] = []
    const consumer = await mq.consumer({ ...OPTIONS, ordered, concurrency: 1 })
    await send(mq, 'T', 0, 20)
    await consumer.run(async ({ topic, body }) => {
      if (!isOpen) await new Promise<void>((resolve) => wait.push(resolve))
      got.push(topic + body.toString())
    })
    await until(() => wait.length === 1)
    consumer.pause({ topic: 'T' })
    isOpen = true
    wait[0]?.()
    await send(mq, 'T', 20, 25)
    await send(mq, 'U', 0, 5)
    await until(() => got.length === 6)
    await server.quiet()
    assert.deepEqual(got, ['T0', 'U0', 'U1', 'U2', 'U3', 'U4'])
    const health = consumer.health({ stuckAfter: 1 })
    assert.deepEqual(health.reasons, [])
    assert.equal(health.queues.find(({ topic }) => topic === 'T')?.isPaused, true)
    consumer.resume({ topic: 'T' })
    await until(() => got.length === 30)
    assert.deepEqual(
      got.slice(6),
      Array.from({ length: 24 }, (_, i) => `T${i + 1}`),
    )
  })

  test(`seek() moves the queue, and a running handler does not move it back${how}`, async () => {
    await using server = await startServer({ topics: { T: 1, U: 1 } })
    const mq = server.client({ logger: SILENT })
    await send(mq, 'T', 0, 10)
    const got: string[] = []
    let end = nothing
    let isFirst = true
    const consumer = await mq.consumer({ ...OPTIONS, ordered, concurrency: 1 })
    await consumer.run(async ({ body }) => {
      got.push(body.toString())
      if (!isFirst) return
      isFirst = false
      await new Promise<void>((resolve) => (end = resolve))
    })
    await until(() => got.length === 1)
    await consumer.seek({ topic: 'T', queueId: 0 }, 7)
    const { queues } = await mq.admin().groups.lag('g', 'T')
    assert.equal(queues[0]?.consumerOffset, 7)
    end()
    await until(() => got.length >= 4)
    await server.quiet()
    assert.deepEqual(got, ['0', '7', '8', '9'])
    await consumer.seek({ topic: 'T' }, 'first')
    await until(() => got.length >= 14)
    assert.deepEqual(
      got.slice(4),
      Array.from({ length: 10 }, (_, i) => String(i)),
    )
    await Promise.all([
      consumer.seek({ topic: 'T' }, 'first'),
      consumer.seek({ topic: 'T' }, 'last'),
    ])
    await send(mq, 'T', 10, 11)
    await until(() => got.length >= 15)
    await consumer.close()
    assert.equal((await mq.admin().groups.lag('g', 'T')).lag, 0)
    assert.deepEqual(got.slice(14), ['10'])
  })

  test(`a handler may seek its own queue, and await it${how}`, async () => {
    await using server = await startServer({ topics: { T: 1, U: 1 } })
    const mq = server.client({ logger: SILENT })
    await send(mq, 'T', 0, 5)
    const got: string[] = []
    const consumer = await mq.consumer({ ...OPTIONS, ordered, concurrency: 1 })
    await consumer.run(async ({ body, messageQueue }) => {
      got.push(body.toString())
      if (got.length === 1) await consumer.seek(messageQueue, 3)
    })
    await until(() => got.length >= 3)
    await server.quiet()
    assert.deepEqual(got, ['0', '3', '4'])
  })
}

test('a queue that comes by a rebalance is paused as its place was, and begins where was sought', async () => {
  await using server = await startServer({ topics: { T: 4, U: 1 } })
  const mq = server.client({ logger: SILENT })
  const got: string[] = []
  const consumer = await mq.consumer(OPTIONS)
  consumer.pause({ topic: 'T' })
  await consumer.run(({ body }) => got.push(body.toString()))
  await send(mq, 'T', 0, 40)
  const other = await server.client({ logger: SILENT }).consumer(OPTIONS)
  other.pause({ topic: 'T' })
  await other.run(nothing)
  const own = (of = consumer): number => of.queues.filter(({ topic }) => topic === 'T').length
  await until(() => own() === 2 && own(other) === 2)
  // Ids decide which two.
  const kept = consumer.queues.find(({ topic }) => topic === 'T')
  await other.seek({ topic: 'T' }, 'last')
  await other.close()
  await until(() => own() === 4)
  await server.quiet()
  assert.deepEqual(got, [])
  consumer.resume({ topic: 'T', queueId: kept?.queueId })
  await until(() => got.length === 10)
  consumer.resume()
  await until(() => got.length >= 20)
  await server.quiet()
  assert.equal(got.length, 20)
})

test('what failed is paused with the retry topic', async () => {
  await using server = await startServer({ topics: { T: 1, U: 1 } })
  const mq = server.client({ logger: SILENT })
  await send(mq, 'T', 0, 1)
  let tries = 0
  const consumer = await mq.consumer(OPTIONS)
  consumer.pause({ topic: '%RETRY%g' })
  await consumer.run(() => {
    if (tries++ === 0) throw new Error('no')
  })
  await until(() => tries === 1)
  await server.clock.advance('1m')
  await server.quiet()
  assert.equal(tries, 1)
  consumer.resume()
  await until(() => tries === 2)
})

test('a broadcasting consumer seeks too', async (t) => {
  await using server = await startServer({ topics: { T: 1, U: 1 } })
  const mq = server.client({ logger: SILENT, clientId: 'one' })
  await send(mq, 'T', 0, 3)
  const got: string[] = []
  const offsetsDirectory = `${process.cwd()}/.build/offsets-${process.pid}-${t.name.length}`
  const consumer = await mq.consumer({ ...OPTIONS, model: 'BROADCASTING', offsetsDirectory })
  await consumer.run(({ body }) => got.push(body.toString()))
  await until(() => got.length === 3)
  await consumer.seek({ topic: 'T' }, 1)
  await until(() => got.length === 5)
})

test('places that there are not are refused', async () => {
  await using server = await startServer({ topics: { T: 2, U: 1 } })
  const mq = server.client({ logger: SILENT })
  const consumer = await mq.consumer(OPTIONS)
  const odd: unknown[] = [
    undefined,
    'T',
    null,
    {},
    { topic: 'V' },
    { topic: 'T', queue: 1 },
    { topic: 'T', queueId: -1 },
    { topic: 'T', queueId: '1' },
    { topic: 'T', brokerName: 1 },
  ]
  for (const place of odd) {
    const text = JSON.stringify(place)
    assert.throws(() => consumer.pause(place as QueuePlace), OptionError, text)
    await assert.rejects(consumer.seek(place as QueuePlace, 0), OptionError, text)
  }
  await assert.rejects(consumer.seek({ topic: 'T' }, 0), OptionError)
  await consumer.run(nothing)
  await until(() => consumer.queues.length >= 3)
  await assert.rejects(consumer.seek({ topic: 'T' }, 0), /an offset is of one queue, and 2 are/)
  await assert.rejects(consumer.seek({ topic: 'T', queueId: 9 }, 0), OptionError)
  for (const to of [-1, 1.5, NaN, 'begin', new Date(NaN), {}, undefined])
    await assert.rejects(consumer.seek({ topic: 'T', queueId: 0 }, to as number), OptionError)
  await consumer.close()
  await assert.rejects(consumer.seek({ topic: 'T', queueId: 0 }, 0), ClosedError)
})
