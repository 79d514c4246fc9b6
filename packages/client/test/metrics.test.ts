import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TimeoutError } from '../src/errors.ts'
import { ClientMetrics, OTHERS } from '../src/metrics/client-metrics.ts'
import { Histogram } from '../src/metrics/histogram.ts'
import { prometheusText } from '../src/metrics/prometheus.ts'
import type { MetricsSnapshot } from '../src/metrics/snapshot.ts'

function snapshot(metrics: ClientMetrics, clientId = 'c'): MetricsSnapshot {
  const connections = { open: 1, ...metrics.connections }
  const consumers = metrics.consumerMetrics([])
  return { clientId, sends: metrics.sendMetrics(), consumers, groups: [], connections }
}

test('a histogram counts what is no larger than each of its bounds', () => {
  const histogram = new Histogram([1, 5])
  for (const value of [0, 1, 1.5, 5, 7]) histogram.observe(value)
  assert.deepEqual(histogram.snapshot(), {
    ...{ count: 5, sum: 14.5 },
    buckets: [
      { le: 1, count: 2 },
      { le: 5, count: 4 },
    ],
  })
})

test('any number of topics takes a bounded number of counts', () => {
  const metrics = new ClientMetrics()
  for (let i = 0; i < 10_000; i++) {
    metrics.sends(`T${i}`).stored('SEND_OK', 1, 1, 10)
    metrics.group('g').of(`T${i}`).pulled(1)
  }
  const { sends, consumers } = snapshot(metrics)
  assert.deepEqual([sends.length, consumers.length], [1_001, 1_001])
  assert.deepEqual([sends.at(-1)?.topic, sends.at(-1)?.messages], [OTHERS, 9_000])
  assert.equal(consumers.at(-1)?.received, 9_000)
})

test('a page for Prometheus has each name once, its type above it, with all clients below', () => {
  const pages = ['one', 'a "quoted\\name"\n'].map((clientId) => {
    const metrics = new ClientMetrics()
    const sends = metrics.sends('T')
    sends.stored('SEND_OK', 3, 32, 100)
    sends.failed(new TimeoutError({ what: 'send', phase: 'wait', elapsedMs: 1 }))
    sends.failed('odd')
    metrics.group('g').of('T').handled(7, false)
    return snapshot(metrics, clientId)
  })
  const text = prometheusText(...pages)
  const types = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
  assert.equal(new Set(types).size, types.length)
  for (const line of text.trimEnd().split('\n'))
    assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+\{(\w+="([^"\\\n]|\\.)*",?)+\} \d+(\.\d+)?)$/)
  const expected = [
    'rocketmq_send_cost_time_milliseconds_bucket{topic="T",client_id="one",invocation_status="success",le="5"} 1',
    'rocketmq_send_cost_time_milliseconds_count{topic="T",client_id="one",invocation_status="success"} 1',
    'rocketmq_send_failure_total{topic="T",client_id="one",code="RMQ_TIMEOUT"} 1',
    'rocketmq_send_messages_total{topic="T",client_id="a \\"quoted\\\\name\\"\\n"} 32',
    'rocketmq_process_time_milliseconds_sum{topic="T",client_id="one",consumer_group="g",invocation_status="failure"} 7',
    'rocketmq_client_connections{client_id="one"} 1',
  ]
  for (const each of expected) assert.ok(text.includes(`${each}\n`), each)
  assert.equal(prometheusText(), '')
})
