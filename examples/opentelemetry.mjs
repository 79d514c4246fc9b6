// Traces a send and the handler that gets its message, with an SDK of OpenTelemetry that keeps the spans here.
// Run a server first: npx skylark start
// Then: node examples/opentelemetry.mjs [HOST:PORT of the name server]
import { context, propagation } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { RocketMQ } from '@skylarkmq/client'
import { traceRocketMQ } from '@skylarkmq/opentelemetry'

const exporter = new InMemorySpanExporter()
const tracerProvider = new BasicTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(exporter)],
})
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
const stop = traceRocketMQ({ tracerProvider })

const mq = new RocketMQ({ nameServers: process.argv[2] })
const producer = await mq.producer({ group: 'example-producer' })
const { msgId } = await producer.send({ topic: 'Spans', body: 'one' })
const consumer = await mq.consumer({
  group: 'example-spans',
  subscriptions: { Spans: '*' },
  consumeFrom: 'first',
})
await new Promise((resolve, reject) => {
  const handler = (message) => {
    if (message.msgId === msgId) resolve()
  }
  consumer.run(handler).catch(reject)
})
await mq.close()
stop()

const spans = exporter.getFinishedSpans()
const [sent, handled] = ['send Spans', 'process Spans'].map((name) =>
  spans.find((span) => span.name === name && span.attributes['messaging.message.id'] === msgId),
)
const isBelow = handled.parentSpanContext.spanId === sent.spanContext().spanId
console.log(`${handled.name} is below ${sent.name}: ${isBelow}`)
