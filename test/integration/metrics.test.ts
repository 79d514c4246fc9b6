import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { prometheusText, Unrecoverable } from '@skylarkmq/client'
import { startServer } from '@skylarkmq/testing'

const nothing = (): void => undefined
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing }

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(2)
}

test('metrics() counts what is sent and consumed, in a namespace too', async () => {
  await using server = await startServer({ topics: { 'ns%T': 1 } })
  const mq = server.client({ logger: SILENT, namespace: 'ns' })
  const producer = await mq.producer({ sendTimeoutMs: 300 })
  await producer.send({ topic: 'T', body: 'ok' })
  const bodies = ['later', 'never', 'ok']
  await producer.sendBatch(bodies.map((body) => ({ topic: 'T', body })))
  await producer.sendOneway({ topic: 'T', body: 'ok' })
  const consumer = await mq.consumer({
    ...{ group: 'g', subscriptions: { T: '*' }, consumeFrom: 'first' },
  })
  await consumer.run(({ body }) => {
    if (String(body) === 'later') throw new Error('no')
    if (String(body) === 'never') throw new Unrecoverable('no')
  })
  const of = () => mq.metrics().consumers.find(({ topic }) => topic === 'T')
  await until(() => of()?.sentBack === 1 && of()?.deadLetters === 1 && of()?.lag === 0)
  const [sent] = mq.metrics().sends
  assert.deepEqual(
    [sent?.topic, sent?.messages, sent?.oneway, sent?.statuses.SEND_OK, sent?.tookMs.count],
    ['T', 4, 1, 2, 2],
  )
  const counted = of()
  assert.deepEqual([counted?.group, counted?.received, counted?.waiting], ['g', 5, 0])
  assert.deepEqual([counted?.consumedMs.count, counted?.failedMs.count], [3, 2])
  assert.deepEqual(mq.metrics().groups, [{ group: 'g', running: 0 }])

  server.broker.kill()
  await assert.rejects(producer.send({ topic: 'T', body: 'x' }))
  const failures = Object.values(mq.metrics().sends[0]?.failures ?? {})
  assert.deepEqual(failures, [1])
  await server.broker.start()
  await producer.send({ topic: 'T', body: 'x' }, { timeout: 5_000 })
  await until(() => mq.metrics().connections.reconnects > 0)
  assert.ok(mq.metrics().connections.lost > 0)
  assert.ok((of()?.failedPulls ?? 0) > 0)
  assert.match(
    prometheusText(mq.metrics()),
    /^rocketmq_received_messages_total\{topic="T",.*\} \d/m,
  )
  assert.deepEqual(JSON.parse(JSON.stringify(mq.metrics())), mq.metrics())
})
