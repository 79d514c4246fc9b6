import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { ReceivedMessage, RocketMQ } from '@skylarkmq/client'
import { startServer } from '@skylarkmq/testing'

const textOf = (message: ReceivedMessage): string => message.body.toString()
const nothing = (): void => undefined
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing }

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(2)
}

async function send(mq: RocketMQ, topic: string, count: number): Promise<void> {
  const producer = await mq.producer()
  for (let i = 0; i < count; i++) {
    await producer.send({
      topic,
      body: `${topic} ${i}`,
      tag: i % 2 === 0 ? 'even' : 'odd',
      properties: { no: String(i) },
    })
  }
}

async function collect(messages: AsyncIterable<ReceivedMessage>): Promise<string[]> {
  const texts: string[] = []
  for await (const message of messages) texts.push(textOf(message))
  return texts
}

test('topics are created, listed, looked at and deleted', async () => {
  await using server = await startServer()
  const mq = server.client()
  const { topics } = mq.admin()
  await topics.create('Orders', { queues: 3 })
  await until(async () => (await topics.list()).includes('Orders'))
  assert.equal((await topics.queues('Orders')).length, 3)
  await send(mq, 'Orders', 7)
  const stats = await topics.stats('Orders')
  assert.equal(
    stats.reduce((sum, { minOffset, maxOffset }) => sum + maxOffset - minOffset, 0),
    7,
  )
  await topics.delete('Orders')
  await until(async () => !(await topics.list()).includes('Orders'))
  await assert.rejects(topics.create('no blanks please'), { code: 'RMQ_OPTION' })
})

test('a group reports its progress, its members and what they do', async () => {
  await using server = await startServer({ topics: { T: 2 } })
  const mq = server.client({ clientId: '10.0.0.1@me' })
  const { groups, topics } = mq.admin()
  assert.equal(await groups.connections('g'), undefined)
  await send(mq, 'T', 10)
  const consumer = await mq.consumer({
    group: 'g',
    subscriptions: { T: '*' },
    consumeFrom: 'first',
    persistOffsetsMs: 10,
  })
  let taken = 0
  await consumer.run(() => taken++)
  await until(() => taken === 10)
  consumer.suspend()
  await until(async () => (await groups.lag('g', 'T')).lag === 0)
  const connected = await groups.connections('g')
  assert.deepEqual(
    connected?.connectionSet.map(({ clientId }) => clientId),
    ['10.0.0.1@me'],
  )
  const info = await groups.runningInfo('g', '10.0.0.1@me')
  assert.equal(info.properties.get('PROP_CONSUMEORDERLY'), 'false')
  assert.deepEqual(await topics.groups('T'), ['g'])
  await consumer.close()
  await send(mq, 'T', 4)
  assert.equal((await groups.lag('g')).lag, 4)
})

test('offsets of a group are reset, and a dry run only says what would change', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const mq = server.client()
  const { groups } = mq.admin()
  await send(mq, 'T', 5)
  const taken: string[] = []
  const run = async () => {
    const consumer = await mq.consumer({
      group: 'g',
      subscriptions: { T: '*' },
      consumeFrom: 'first',
    })
    await consumer.run((message) => taken.push(textOf(message)))
    return consumer
  }
  const consumer = await run()
  await until(() => taken.length === 5)
  await consumer.close()
  const dry = await groups.resetOffsets('g', 'T', { to: 'first', dryRun: true })
  assert.deepEqual(
    dry.map(({ from, to }) => [from, to]),
    [[5, 0]],
  )
  assert.equal((await groups.lag('g', 'T')).lag, 0)
  await groups.resetOffsets('g', 'T', { to: 'first' })
  const again = await run()
  await until(() => taken.length === 10)
  await again.close()
})

test('groups are created with their settings, listed and deleted', async () => {
  await using server = await startServer()
  const { groups } = server.client().admin()
  await groups.create('strict', { retryMaxTimes: 3, consumeBroadcastEnable: false })
  const found = (await groups.list()).find(({ groupName }) => groupName === 'strict')
  assert.equal(found?.retryMaxTimes, 3)
  assert.equal(found.consumeBroadcastEnable, false)
  await groups.delete('strict', { offsets: true })
  assert.ok(!(await groups.list()).some(({ groupName }) => groupName === 'strict'))
})

test('messages are browsed in the order of all queues, by time and by tag', async () => {
  await using server = await startServer({ topics: { T: 4 } })
  const mq = server.client()
  const { messages } = mq.admin()
  await send(mq, 'T', 100)
  const all = Array.from({ length: 100 }, (_, i) => `T ${i}`)
  assert.deepEqual(await collect(messages.browse('T')), all)
  const odd = await collect(messages.browse('T', { expression: 'odd' }))
  assert.deepEqual(odd.sort(), all.filter((_, i) => i % 2 === 1).sort())
  const noon = new Date(server.clock.now() + 60_000)
  await server.clock.advance('2m')
  await send(mq, 'T', 3)
  assert.equal((await collect(messages.browse('T', { from: noon }))).length, 3)
  assert.equal((await collect(messages.browse('T', { to: noon }))).length, 100)
})

test('dead letters are looked at and sent again, all or some, and stay where they are', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const mq = server.client({ logger: SILENT })
  const { deadLetters } = mq.admin()
  assert.deepEqual(await collect(deadLetters.list('g')), [])
  await send(mq, 'T', 3)
  const consumer = await mq.consumer({
    group: 'g',
    subscriptions: { T: '*' },
    consumeFrom: 'first',
    concurrency: 1,
  })
  let isWell = false
  const taken: ReceivedMessage[] = []
  await consumer.run((message, context) => {
    taken.push(message)
    if (!isWell) context.deadLetter()
  })
  await until(() => server.messages('%DLQ%g').length === 3)
  // The name server hears of the topic a moment later.
  await until(async () => (await collect(deadLetters.list('g'))).length > 0)
  assert.deepEqual(await collect(deadLetters.list('g')), ['T 0', 'T 1', 'T 2'])
  const some = { filter: ({ tag }: ReceivedMessage) => tag === 'odd' }
  assert.deepEqual(await deadLetters.replay('g', { ...some, dryRun: true }), {
    replayed: 1,
    skipped: 2,
  })
  isWell = true
  assert.equal(taken.length, 3)
  await deadLetters.replay('g', some)
  await until(() => taken.length === 4)
  const [, , , again] = taken
  assert.equal(again && textOf(again), 'T 1')
  assert.equal(again?.topic, 'T')
  assert.equal(again.tag, 'odd')
  assert.equal(again.properties.get('no'), '1')
  assert.equal(again.reconsumeTimes, 0)
  await deadLetters.replay('g', { topic: 'Elsewhere' })
  assert.equal(server.messages('Elsewhere').length, 3)
  assert.equal(server.messages('%DLQ%g').length, 3)
})

test('a broker shows its settings, takes new ones, and refuses those that it does not know', async () => {
  await using server = await startServer()
  const { brokers } = server.client().admin()
  const [master] = await brokers.masters()
  const address = master?.address ?? ''
  assert.equal(address, server.broker.address)
  assert.equal((await brokers.config(address)).get('flushDiskType'), 'ASYNC_FLUSH')
  await brokers.setConfig(address, { fileReservedTime: '24' })
  assert.equal((await brokers.config(address)).get('fileReservedTime'), '24')
  assert.ok((await brokers.runtime(address)).has('putTps'))
  assert.deepEqual([...(await brokers.clusters()).clusterAddrTable.keys()], ['DefaultCluster'])
})
