import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeProperties,
  decodeRecords,
  encodeBatch,
  encodeProperties,
  Property,
  SendBatchMessage,
} from '@skylarkmq/protocol'
import { passUntil, testBroker, type Peer } from './support/broker.ts'

const config = { enableLmq: true, enableMultiDispatch: true }

interface Found {
  readonly body: string
  readonly topic: string
  readonly queueOffset: number
  readonly properties: ReadonlyMap<string, string>
}

async function pulled(peer: Peer, topic: string): Promise<Found[]> {
  const { body } = await peer.pull(topic, 0, { suspendTimeoutMillis: 0, sysFlag: 4 })
  return decodeRecords(body ?? Buffer.alloc(0)).map((record) => ({
    body: record.body.toString(),
    topic: record.topic,
    queueOffset: record.queueOffset,
    properties: decodeProperties(record.properties),
  }))
}

// Reference of this file: `LmqDispatch.java`, `MultiDispatchUtils.java`.
test('a message is in its own queue and in the light ones that it names, each with its own offsets', async (t) => {
  const { peer, clock, context } = await testBroker(t, { config })
  const one = peer()
  for (const [i, names] of ['%LMQ%a,%LMQ%b', '%LMQ%b', '', '%LMQ%a,other,%LMQ%../x'].entries()) {
    const properties = names === '' ? {} : { [Property.INNER_MULTI_DISPATCH]: names }
    const sent = await one.send('T', `m${i}`, { ...properties, UNIQ_KEY: `U${i}` })
    assert.equal(sent.code, 0)
  }
  await passUntil(clock, 20, () => context.store.offsetMax('%LMQ%a', 0) === 2)
  const a = await pulled(one, '%LMQ%a')
  assert.deepEqual(
    a.map(({ body, topic }) => [body, topic]),
    [
      ['m0', 'T'],
      ['m3', 'T'],
    ],
  )
  assert.deepEqual(
    (await pulled(one, '%LMQ%b')).map(({ body }) => body),
    ['m0', 'm1'],
  )
  const own = await pulled(one, 'T')
  assert.deepEqual(
    own.map(({ properties }) => properties.get(Property.INNER_MULTI_QUEUE_OFFSET)),
    ['0,0', '1', undefined, '1,,'],
  )
  assert.deepEqual(context.store.queuesOf('other'), [])
})

test('light queues continue after a restart, and so do offsets of their groups', async (t) => {
  const first = await testBroker(t, { config })
  const one = first.peer()
  const properties = { [Property.INNER_MULTI_DISPATCH]: '%LMQ%a' }
  for (let i = 0; i < 3; i++) await one.send('T', `m${i}`, properties)
  const { offsets } = first.context
  offsets.commit('%LMQ%g', '%LMQ%a', 0, 2)
  offsets.commit('G', 'T', 0, 1)
  const { disk, clock } = first
  await first.stop()
  const file = JSON.parse(
    disk.readFile('/memory/config/lmqConsumerOffset.json')?.toString() ?? '{}',
  ) as Record<string, unknown>
  assert.deepEqual(file['lmqOffsetTable'], { '%LMQ%a@%LMQ%g': 2 })
  assert.deepEqual(file['offsetTable'], { 'T@G': { 0: 1 } })
  const second = await testBroker(t, { disk, clock, config })
  assert.equal(second.context.offsets.committed('%LMQ%g', '%LMQ%a', 0), 2)
  assert.equal(second.context.groups.find('%LMQ%g')?.groupName, '%LMQ%g')
  const two = second.peer()
  await two.send('T', 'm3', properties)
  await passUntil(clock, 20, () => second.context.store.offsetMax('%LMQ%a', 0) === 4)
  assert.deepEqual(
    (await pulled(two, '%LMQ%a')).map(({ body }) => body),
    ['m0', 'm1', 'm2', 'm3'],
  )
})

// As in Apache, where only a message by itself gets offsets in light queues.
test('messages of a batch come into no light queue, whatever the batch says', async (t) => {
  const { peer, context } = await testBroker(t, { config })
  const properties = encodeProperties({
    [Property.INNER_MULTI_DISPATCH]: '%LMQ%a',
    [Property.INNER_MULTI_QUEUE_OFFSET]: '999999999999',
  })
  const header = {
    producerGroup: 'P',
    topic: 'T',
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: 0,
    sysFlag: 0,
    bornTimestamp: 1,
    flag: 0,
    properties,
    batch: true,
  }
  const batch = encodeBatch([{ flag: 0, body: Buffer.from('m'), properties }])
  assert.equal((await peer().ask(SendBatchMessage, header, batch)).code, 0)
  assert.equal(context.store.offsetMax('T', 0), 1)
  assert.deepEqual(context.store.queuesOf('%LMQ%a'), [])
})
