import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Link,
  type Span,
  type TextMapGetter,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api'
import type { ProcessTrace, SendTrace } from '@skylarkmq/client'
import { processAttributes, resultAttributes, sendAttributes } from './attributes.ts'

/** Options of tracing. */
export interface OpenTelemetryOptions {
  /** Creates the spans; default the global provider. */
  readonly tracerProvider?: TracerProvider | undefined
}

/** The fields of a received message that are used here. */
interface Received {
  readonly properties: ReadonlyMap<string, string>
}

const NAME = '@skylarkmq/opentelemetry'
const getter: TextMapGetter<ReadonlyMap<string, string>> = {
  get: (properties, key) => properties.get(key),
  keys: (properties) => [...properties.keys()],
}

/**
 * Traces all clients of this process from now on: a span for each send and for each call of a handler, which runs in
 * the context of its span. Messages carry the context of their send through the global propagator, as `traceparent`
 * by default. Returns a function that stops tracing.
 */
export function traceRocketMQ({ tracerProvider }: OpenTelemetryOptions = {}): () => void {
  const tracer = (tracerProvider ?? trace.getTracerProvider()).getTracer(NAME)
  const spans = new WeakMap<object, Span>()
  const ended = (traced: SendTrace | ProcessTrace): void => {
    const span = spans.get(traced)
    if (span === undefined) return
    spans.delete(traced)
    if ('operation' in traced && traced.error === undefined) {
      span.setAttributes(resultAttributes(traced))
    }
    if (traced.error !== undefined) failed(span, traced.error)
    span.end()
  }
  const ends = [
    listen('send:start', (sent) => spans.set(sent, startSend(tracer, sent as SendTrace))),
    listen('send:asyncEnd', ended),
    listen('process:start', (handled) =>
      spans.set(handled, startProcess(tracer, handled as ProcessTrace)),
    ),
    listen('process:asyncEnd', ended),
  ]
  return () => {
    for (const end of ends) end()
  }
}

/** The context that a message carries, as the parent of a span. */
export function contextOf({ properties }: Received): Context {
  return propagation.extract(ROOT_CONTEXT, properties, getter)
}

/** Links to the sends of messages, for your own span that handles them together. */
export function linksTo(messages: readonly Received[]): Link[] {
  return messages.flatMap((message) => {
    const spanContext = trace.getSpanContext(contextOf(message))
    return spanContext === undefined ? [] : [{ context: spanContext }]
  })
}

function startSend(tracer: Tracer, sent: SendTrace): Span {
  const { topic, operation, carried, properties } = sent
  const links = carried === undefined ? [] : linksTo([{ properties: carried }])
  const attributes = sendAttributes(sent)
  const kind = carried === undefined ? SpanKind.PRODUCER : SpanKind.CLIENT
  const span = tracer.startSpan(`${operation} ${topic}`, { kind, attributes, links })
  propagation.inject(trace.setSpan(context.active(), span), properties)
  return span
}

function startProcess(tracer: Tracer, handled: ProcessTrace): Span {
  const parent = contextOf(handled.message)
  const options = { kind: SpanKind.CONSUMER, attributes: processAttributes(handled) }
  const span = tracer.startSpan(`process ${handled.topic}`, options, parent)
  const within = trace.setSpan(parent, span)
  handled.wrap = (call) => context.with(within, call)
  return span
}

function failed(span: Span, thrown: unknown): void {
  const isError = thrown instanceof Error
  const code = isError ? (thrown as { readonly code?: unknown }).code : undefined
  const type = typeof code === 'string' ? code : isError ? thrown.name : '_OTHER'
  span.setAttribute('error.type', type)
  if (isError) span.recordException(thrown)
  span.setStatus({ code: SpanStatusCode.ERROR, message: isError ? thrown.message : type })
}

/**
 * Subscribes to a tracing channel. A failing tracer must not break a send or the program. Returns a function that
 * unsubscribes.
 */
function listen(step: string, told: (traced: SendTrace | ProcessTrace) => unknown): () => void {
  const channel = `tracing:rocketmq:${step}`
  const listener = (traced: unknown): void => {
    try {
      told(traced as SendTrace | ProcessTrace)
    } catch {
      // This step is not traced.
    }
  }
  subscribe(channel, listener)
  return () => {
    unsubscribe(channel, listener)
  }
}
