import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'
import { startServer } from '@skylarkmq/testing'
import { linksTo, traceRocketMQ } from '../src/index.ts'

const nothing = (): void => undefined
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing }
const exporter = new InMemorySpanExporter()
const tracerProvider = new BasicTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(exporter)],
})
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(new W3CTraceContextPropagator())

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn()
}

const all = (name: string): ReadableSpan[] =>
  exporter.getFinishedSpans().filter((span) => span.name === name)

test('a handler runs in a span of its own, below that of the send, whatever way it was sent', async () => {
  exporter.reset()
  const stop = traceRocketMQ({ tracerProvider })
  await using server = await startServer({ topics: { T: 1 } })
  const mq = server.client({ logger: SILENT })
  const producer = await mq.producer()
  const tracer = tracerProvider.getTracer('test')
  const outer = tracer.startSpan('outer')
  await context.with(trace.setSpan(context.active(), outer), async () => {
    await producer.send({ topic: 'T', tag: 'a', keys: ['k1', 'k2'], body: 'send' })
    await producer.sendOneway({ topic: 'T', body: 'sendOneway' })
    await producer.sendBatch([1, 2].map(() => ({ topic: 'T', body: 'sendBatch' })))
    const kept = await producer.prepare({ topic: 'T', body: 'prepare' })
    await producer.sendPrepared(kept)
  })
  outer.end()
  const current = new Map<string, string | undefined>()
  const consumer = await mq.consumer({
    ...{ group: 'g', subscriptions: { T: '*' }, consumeFrom: 'first' },
  })
  await consumer.run(async ({ body }) => {
    // The span is kept over what is awaited.
    await turn()
    current.set(String(body), trace.getSpan(context.active())?.spanContext().spanId)
    tracer.startSpan('inner').end()
    if (String(body) === 'sendOneway') throw new TypeError('no')
  })
  await until(() => all('process T').length === 5)
  await mq.close()
  stop()
  const processed = all('process T')
  for (const name of ['send', 'sendOneway', 'sendBatch', 'prepare']) {
    const [sent] = all(`${name} T`)
    assert.equal(sent?.kind, SpanKind.PRODUCER)
    assert.equal(sent.parentSpanContext?.spanId, outer.spanContext().spanId, name)
    const below = processed.filter(
      (span) => span.parentSpanContext?.spanId === sent.spanContext().spanId,
    )
    assert.equal(below.length, name === 'sendBatch' ? 2 : 1, name)
    assert.ok(
      below.some((span) => span.spanContext().spanId === current.get(name)),
      name,
    )
  }
  assert.equal(all('inner').length, 5)
  assert.ok(
    all('inner').every(({ parentSpanContext }) =>
      processed.some((span) => span.spanContext().spanId === parentSpanContext?.spanId),
    ),
  )
  const [sent] = all('send T')
  assert.equal(sent?.attributes['messaging.system'], 'rocketmq')
  assert.equal(sent.attributes['messaging.rocketmq.message.tag'], 'a')
  assert.deepEqual(sent.attributes['messaging.rocketmq.message.keys'], ['k1', 'k2'])
  const handled = processed.find(
    (span) => span.attributes['messaging.message.id'] === sent.attributes['messaging.message.id'],
  )
  assert.equal(handled?.attributes['messaging.consumer.group.name'], 'g')
  const failed = processed.filter(({ status }) => status.code === SpanStatusCode.ERROR)
  assert.deepEqual(
    failed.map(({ attributes }) => attributes['error.type']),
    ['TypeError'],
  )
  assert.equal(all('sendBatch T')[0]?.attributes['messaging.batch.message_count'], 2)
  const [prepared] = all('sendPrepared T')
  assert.equal(prepared?.links[0]?.context.spanId, all('prepare T')[0]?.spanContext().spanId)
})

test('requests, replies and transactions are traced, and a send that fails has its code', async () => {
  exporter.reset()
  const stop = traceRocketMQ({ tracerProvider })
  await using server = await startServer({ topics: { T: 1, Q: 1 } })
  const mq = server.client({ logger: SILENT })
  const producer = await mq.producer({ sendTimeoutMs: 200 })
  const consumer = await mq.consumer({
    ...{ group: 'g', subscriptions: { Q: '*' }, consumeFrom: 'first' },
  })
  await consumer.run((message) => producer.reply(message, 'yes'))
  await producer.request({ topic: 'Q', body: 'is it?' }, { timeout: 10_000 })
  await until(() => all('reply DefaultCluster_REPLY_TOPIC').length === 1)
  const [reply] = all('reply DefaultCluster_REPLY_TOPIC')
  const [asked] = all('request Q')
  assert.equal(reply?.spanContext().traceId, asked?.spanContext().traceId)
  const transactions = await mq.transactionProducer({ group: 'tx', check: () => 'unknown' })
  await transactions.send({ topic: 'T', body: 'x' }, () => 'commit')
  const [transaction] = all('sendInTransaction T')
  assert.equal(transaction?.attributes['messaging.rocketmq.message.type'], 'transaction')
  server.broker.kill()
  await assert.rejects(producer.send({ topic: 'T', body: 'x' }))
  const [failed] = all('send T')
  assert.equal(failed?.status.code, SpanStatusCode.ERROR)
  assert.match(String(failed.attributes['error.type']), /^RMQ_/)
  stop()
  await assert.rejects(producer.send({ topic: 'T', body: 'x' }))
  assert.equal(all('send T').length, 1)
})

test('a tracer that throws ends neither a send nor a handler', async () => {
  const broken = {
    getTracer: () => {
      throw new Error('at once')
    },
  }
  assert.throws(() => traceRocketMQ({ tracerProvider: broken }))
  const odd = {
    startSpan: () => {
      throw new Error('later')
    },
    startActiveSpan: nothing,
  }
  const stop = traceRocketMQ({ tracerProvider: { getTracer: () => odd as never } })
  await using server = await startServer({ topics: { T: 1 } })
  const mq = server.client({ logger: SILENT })
  const producer = await mq.producer()
  await producer.send({ topic: 'T', body: 'x' })
  let got = 0
  const consumer = await mq.consumer({
    ...{ group: 'g', subscriptions: { T: '*' }, consumeFrom: 'first' },
  })
  await consumer.run(() => {
    got++
  })
  await until(() => got === 1)
  stop()
})

test('messages that bring no context have no links', () => {
  assert.deepEqual(
    linksTo([{ properties: new Map() }, { properties: new Map([['traceparent', 'odd']]) }]),
    [],
  )
})
