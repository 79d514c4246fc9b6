import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startServer } from '@skylarkmq/testing'

const nothing = (): void => undefined
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing }
const TRACE = 'RMQ_SYS_TRACE_TOPIC'

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(2)
}

for (const ordered of [false, true]) {
  test(`trace: true writes down what a listener got, and what became of it${ordered ? ', in order' : ''}`, async () => {
    await using server = await startServer({
      topics: { T: 1 },
      settings: { traceTopicEnable: true },
    })
    const mq = server.client({ logger: SILENT })
    const producer = await mq.producer({ trace: true })
    const { msgId } = await producer.send({ topic: 'T', keys: ['k'], body: 'ok' })
    let tries = 0
    const consumer = await mq.consumer({
      ...{ group: 'g', subscriptions: { T: '*' }, consumeFrom: 'first', ordered, trace: true },
      suspendCurrentQueueMs: 10,
    })
    await consumer.run(() => {
      tries++
      if (ordered && tries === 1) throw new Error('no')
    })
    const written = (): string[][] =>
      server
        .messages(TRACE)
        .flatMap(({ body }) => String(body).split('\u0002'))
        .map((line) => line.split('\u0001'))
    const calls = ordered ? 2 : 1
    // What a listener gets before the end is written by close() at the latest.
    await until(() => tries === calls)
    await consumer.close()
    await until(() => written().filter(([type]) => type === 'SubAfter').length === calls)
    const begun = written().filter(([type]) => type === 'SubBefore')
    const ended = written().filter(([type]) => type === 'SubAfter')
    assert.equal(begun.length, calls)
    for (const [i, [, timestamp, region, group, id, of, times, keys]] of begun.entries()) {
      assert.ok(Number(timestamp) > 0)
      assert.deepEqual(
        [region, group, of, times, keys],
        ['DefaultRegion', 'g', msgId, String(i), 'k'],
      )
      const [, , endedOf, costMs, isOk, endedKeys, code, at, endedGroup] =
        ended.find(([, each]) => each === id) ?? []
      assert.ok(Number(costMs) >= 0)
      const isLast = i === calls - 1
      assert.deepEqual(
        [endedOf, isOk, endedKeys, code],
        [msgId, String(isLast), 'k', isLast ? '0' : '4'],
      )
      assert.deepEqual([at, endedGroup], [timestamp, 'g'])
    }
    const found = await mq.admin().messages.query(TRACE, msgId)
    assert.ok(found.some(({ body }) => String(body).includes('SubAfter')))
  })
}

test('a broker without the trace topic holds up no consumer', async () => {
  await using server = await startServer({
    topics: { T: 1 },
    settings: { autoCreateTopicEnable: false },
  })
  const mq = server.client({ logger: SILENT })
  await (await mq.producer()).send({ topic: 'T', body: 'x' })
  let got = 0
  const consumer = await mq.consumer({
    ...{ group: 'g', subscriptions: { T: '*' }, consumeFrom: 'first', trace: true },
  })
  await consumer.run(() => {
    got++
  })
  await until(() => got === 1)
  await consumer.close()
})
