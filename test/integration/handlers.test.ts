import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { PushConsumer } from '@skylarkmq/client'
import { startServer } from '@skylarkmq/testing'

const nothing = (): void => undefined
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing }

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(2)
}

for (const ordered of [false, true]) {
  test(`what a listener leaves in an AsyncLocalStorage is not there for the next message${ordered ? ', in order' : ''}`, async () => {
    await using server = await startServer({ topics: { T: 1 } })
    const producer = await server.client({ logger: SILENT }).producer()
    for (let i = 0; i < 30; i++) await producer.send({ topic: 'T', body: String(i) })
    const request = new AsyncLocalStorage<string>()
    const found: (string | undefined)[] = []
    const consumer = request.run('of who began', () => {
      const namesrvAddr = server.nameServers
      return new PushConsumer({
        ...{ namesrvAddr, group: 'g', consumeFrom: 'first', ordered, concurrency: 1 },
      })
    })
    consumer.subscribe('T')
    await consumer.start(({ msgId }) => {
      found.push(request.getStore())
      request.enterWith(msgId)
    })
    await until(() => found.length === 30)
    await consumer.close()
    assert.deepEqual(new Set(found), new Set([undefined]))
  })
}

test('an Unrecoverable of another copy of the client is one', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const mq = server.client({ logger: SILENT })
  await (await mq.producer()).send({ topic: 'T', body: 'x' })
  const consumer = await mq.consumer({
    group: 'g',
    subscriptions: { T: '*' },
    consumeFrom: 'first',
  })
  // As a bundle and its tests have it, or ES modules beside CommonJS.
  const copy = new URL('consumer/consumer.js?another', import.meta.resolve('@skylarkmq/client'))
    .href
  const { Unrecoverable } = (await import(copy)) as typeof import('@skylarkmq/client')
  await consumer.run(() => {
    throw new Unrecoverable('never')
  })
  await until(() => server.messages('%DLQ%g').length === 1)
})
