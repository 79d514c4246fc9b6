import assert from 'node:assert/strict'
import net from 'node:net'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { RocketMQ } from '@skylarkmq/client'
import type { EventSink } from '@skylarkmq/env'
import type { ServerOptions } from '@skylarkmq/server'
import { atEnd, serverFor } from './cluster.ts'

const nothing = (): void => undefined
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing }

async function measured(t: TestContext, options: Partial<ServerOptions> = {}) {
  const server = await serverFor(t, { metricsPort: 0, ...options })
  const base = `http://127.0.0.1:${server.metricsPort}`
  const get = async (path: string) => {
    const answer = await fetch(base + path)
    return {
      status: answer.status,
      type: answer.headers.get('content-type'),
      text: await answer.text(),
    }
  }
  return { server, base, get, page: async (path = '/metrics') => samplesOf((await get(path)).text) }
}

function clientOf(t: TestContext, nameServers: string): RocketMQ {
  const mq = new RocketMQ({ nameServers, logger: SILENT })
  atEnd(t, () => mq.close({ timeout: 100 }))
  return mq
}

/** Values by name and labels; what all series of the broker have is left out. */
function samplesOf(text: string): ReadonlyMap<string, number> {
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# ')) continue
    const [, name = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    assert.notEqual(name, '', line)
    const own = labels.replace(/cluster="\w+",node_type="broker",node_id="[\w-]+",?/, '')
    const key = `${name}{${own.replace(/otel_scope_name="broker-meter",?/, '')}}`
    assert.ok(!samples.has(key), `twice: ${key}`)
    samples.set(key, Number(value))
  }
  return samples
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(5)
}

// Names and labels: what Apache 5.3.3 shows after the same, see docs/guide/metrics.md.
test('the page tells what was sent and consumed, under the names and labels of Apache', async (t) => {
  const { server, page } = await measured(t)
  const mq = clientOf(t, server.namesrvAddr)
  await mq.admin().topics.create('T', { queues: 1 })
  const producer = await mq.producer({ group: 'P' })
  for (let i = 0; i < 3; i++) await producer.send({ topic: 'T', body: 'x' })
  await producer.send({ topic: 'T', body: 'y', shardingKey: 'k' })
  await producer.send({ topic: 'T', body: 'later', delay: '1h' })
  const transactions = await mq.transactionProducer({ group: 'TX', check: () => 'unknown' })
  for (const end of ['commit', 'rollback', 'unknown'] as const)
    await transactions.send({ topic: 'T', body: end }, () => end)
  const consumer = await mq.consumer({
    ...{ group: 'G', subscriptions: { T: '*' }, consumeFrom: 'first', maxReconsumeTimes: 0 },
  })
  let count = 0
  await consumer.run(({ body }) => {
    count++
    if (String(body) === 'y') throw new Error('no')
  })
  await until(() => count === 5)
  const dead = 'rocketmq_send_to_dlq_messages_total{consumer_group="G",topic="T",is_system="false"}'
  const lag = 'consumer_group="G",topic="T",is_retry="false",is_system="false"'
  await until(async () => {
    const now = await page()
    return now.get(dead) === 1 && now.get(`rocketmq_consumer_lag_messages{${lag}}`) === 0
  })
  const found = await page()
  const expected = {
    'rocketmq_messages_in_total{topic="T",message_type="normal",is_system="false"}': 3,
    'rocketmq_messages_in_total{topic="T",message_type="fifo",is_system="false"}': 1,
    'rocketmq_messages_in_total{topic="rmq_sys_wheel_timer",message_type="delay",is_system="true"}': 1,
    'rocketmq_messages_in_total{topic="RMQ_SYS_TRANS_HALF_TOPIC",message_type="transaction",is_system="true"}': 3,
    'rocketmq_message_size_bucket{topic="T",message_type="fifo",is_system="false",le="1024.0"}': 1,
    'rocketmq_message_size_count{topic="T",message_type="normal",is_system="false"}': 3,
    'rocketmq_messages_out_total{topic="T",consumer_group="G",is_system="false"}': 5,
    'rocketmq_commit_messages_total{topic="T"}': 1,
    'rocketmq_rollback_messages_total{topic="T"}': 1,
    'rocketmq_half_messages{topic="T"}': 1,
    'rocketmq_finish_message_latency_milliseconds_count{topic="T"}': 1,
    'rocketmq_timing_messages{storage_type="local",storage_medium="disk",topic="T"}': 1,
    'rocketmq_producer_connections{language="java",version="v5_3_3",protocol_type="remoting"}': 2,
    'rocketmq_consumer_connections{consumer_group="G",language="java",version="v5_3_3",consume_mode="push",protocol_type="remoting",is_system="false"}': 1,
    'rocketmq_processor_watermark{processor="send"}': 0,
    'rocketmq_broker_permission{}': 6,
    'rocketmq_rpc_latency_milliseconds_count{protocol_type="remoting",request_code="send_message_v2",response_code="success",is_long_polling="false",result="success"}': 8,
    'skylark_group_backlog_messages{consumer_group="G",topic="T",online="true"}': 0,
    'skylark_namesrv_brokers{}': 1,
    'skylark_store_writeable{}': 1,
  }
  for (const [name, value] of Object.entries(expected)) assert.equal(found.get(name), value, name)
  assert.ok((found.get('skylark_append_seconds_count{}') ?? 0) > 0)
  assert.ok((found.get('process_resident_memory_bytes{}') ?? 0) > 1e6)
  assert.ok((found.get('skylark_event_loop_delay_seconds_count{}') ?? 0) > 0)
})

test('the backlog of a group whose members have left is told, and why it is there', async (t) => {
  const { server, page } = await measured(t)
  const mq = clientOf(t, server.namesrvAddr)
  await mq.admin().topics.create('T', { queues: 1 })
  const producer = await mq.producer({ group: 'P' })
  const consumer = await mq.consumer({
    group: 'G',
    subscriptions: { T: '*' },
    consumeFrom: 'first',
  })
  let count = 0
  await consumer.run(() => {
    count++
  })
  await producer.send({ topic: 'T', body: '1' })
  await until(() => count === 1)
  await consumer.close()
  for (let i = 0; i < 4; i++) await producer.send({ topic: 'T', body: String(i) })
  const gone = 'skylark_group_backlog_messages{consumer_group="G",topic="T",online="false"}'
  await until(async () => (await page()).get(gone) === 4)
  const found = await page()
  assert.equal(
    found.get('skylark_group_lag_reason_messages{consumer_group="G",topic="T",reason="no_member"}'),
    4,
  )
  assert.ok(![...found.keys()].some((key) => key.startsWith('rocketmq_consumer_lag_messages')))
  const exporter = await page('/metrics/exporter')
  const of = { group: 'group="G",topic="T"', place: 'cluster="DefaultCluster",broker="broker-a"' }
  const online = 'countOfOnlineConsumers="0",msgModel="1"'
  assert.equal(exporter.get(`rocketmq_group_diff{${of.group},${online}}`), 4)
  assert.equal(exporter.get(`rocketmq_producer_offset{${of.place},topic="T"}`), 5)
  assert.equal(exporter.get(`rocketmq_consumer_offset{${of.place},topic="T",group="G"}`), 1)
  assert.equal(exporter.get('rocketmq_group_count{caddr="",localaddr="",group="G"}'), 0)
  const runtime = [...exporter.keys()].filter((key) => key.startsWith('rocketmq_brokeruntime_'))
  assert.equal(runtime.length, 63)
  for (const key of exporter.keys()) assert.ok(Number.isFinite(exporter.get(key)), key)
})

test('what is too much for one name is summed up, and the labels of metricsLabel are there', async (t) => {
  const set = ['metricsOtelCardinalityLimit=2', 'metricsLabel=zone:a, bad label:x,rack:b']
  const { server, page } = await measured(t, { set })
  const mq = clientOf(t, server.namesrvAddr)
  const producer = await mq.producer({ group: 'P' })
  for (const topic of ['A', 'B', 'C', 'D']) await producer.send({ topic, body: 'x' })
  const found = await page()
  const of = (name: string) => [...found.keys()].filter((key) => key.startsWith(`${name}{`))
  assert.deepEqual(of('rocketmq_messages_in_total'), [
    ...['A', 'B'].map(
      (topic) =>
        `rocketmq_messages_in_total{zone="a",rack="b",topic="${topic}",message_type="normal",is_system="false"}`,
    ),
    'rocketmq_messages_in_total{otel_metric_overflow="true"}',
  ])
  assert.equal(found.get('rocketmq_messages_in_total{otel_metric_overflow="true"}'), 2)
  assert.equal(found.get('skylark_metrics_series_left_out{family="rocketmq_messages_in_total"}'), 2)
})

test('health: ready while messages are taken, and every other path is told what there is', async (t) => {
  const { server, base, get } = await measured(t)
  for (const path of ['/healthz', '/livez', '/readyz', '/-/healthy'])
    assert.deepEqual([path, (await get(path)).status, (await get(path)).text], [path, 200, 'ok\n'])
  const page = await get('/metrics?x=1')
  assert.deepEqual([page.status, page.type], [200, 'text/plain; version=0.0.4; charset=utf-8'])
  assert.equal((await fetch(`${base}/metrics`, { method: 'HEAD' })).status, 200)
  assert.equal((await fetch(`${base}/metrics`, { method: 'POST', body: 'x' })).status, 405)
  const other = await get('/../etc/passwd')
  assert.deepEqual([other.status, other.text.split('\n')[0]], [404, '/metrics'])
  const context = server.broker?.context
  assert.ok(context)
  const full = t.mock.method(context.store, 'whyNotWriteable', () => 'the disk is full')
  const { status, text } = await get('/readyz')
  assert.deepEqual([status, text], [503, 'the disk is full\n'])
  full.mock.restore()
  assert.equal((await get('/readyz')).status, 200)
  assert.equal((await get('/livez')).status, 200)
})

test('metrics are shown only where they are asked for, by option or as in broker.conf, of a name server alone too', async (t) => {
  const plain = await serverFor(t)
  assert.equal(plain.metricsPort, undefined)
  const set = ['metricsExporterType=2', 'metricsPromExporterPort=0']
  const asked = await serverFor(t, { set })
  assert.ok((asked.metricsPort ?? 0) > 0)
  const { get } = await measured(t, { broker: false })
  const found = samplesOf((await get('/metrics')).text)
  assert.equal(found.get('skylark_namesrv_brokers{}'), 0)
  assert.equal((await get('/metrics/exporter')).status, 404)
  assert.equal((await get('/readyz')).status, 200)
})

test('a port that another program has, and a form that is not built, keep nobody from starting, and are told', async (t) => {
  const seen: string[] = []
  const events: EventSink = {
    emit: ({ name }) => {
      seen.push(name)
    },
  }
  const other = net.createServer()
  await new Promise<void>((resolve) => {
    other.listen(0, '127.0.0.1', resolve)
  })
  atEnd(t, () => other.close())
  const { port } = other.address() as net.AddressInfo
  const server = await serverFor(t, { metricsPort: port, events })
  assert.equal(server.metricsPort, undefined)
  assert.ok(server.brokerPort !== undefined && seen.includes('server.metrics.not-shown'))
  await serverFor(t, { set: ['metricsExporterType=OTLP_GRPC'], events })
  assert.ok(seen.includes('server.metrics.form-absent'))
})

test('half requests, long heads, many connections and readers that do not read take a bounded part, and the broker serves on', async (t) => {
  const { server, base, get } = await measured(t)
  const port = server.metricsPort ?? 0
  const sockets: net.Socket[] = []
  atEnd(t, () => {
    for (const socket of sockets) socket.destroy()
  })
  const say = (text: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1')
      sockets.push(socket)
      let answer = ''
      socket.on('data', (data) => {
        answer += String(data)
      })
      socket.on('error', nothing)
      socket.on('close', () => {
        resolve(answer)
      })
      socket.write(text)
    })
  const heads = Array.from({ length: 10_000 }, (_, i) => `X-${i}: y\r\n`).join('')
  assert.match(await say(`GET /metrics HTTP/1.1\r\nHost: x\r\n${heads}\r\n`), /^HTTP\/1.1 431 /)
  assert.match(await say('\u0000\u0001\u0002 nonsense\r\n\r\n'), /^HTTP\/1.1 400 /)
  const big = 'POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n'
  assert.match(await say(`${big}${'x'.repeat(100_000)}`), /^HTTP\/1.1 405 [^]*Connection: close/)
  // Half a request each; those beyond the limit are closed at once, the others when they have had their time.
  const halves = Array.from({ length: 60 }, () => say('GET /met'))
  const closed = await Promise.all(halves.slice(40))
  assert.equal(closed.length, 20)
  const mq = clientOf(t, server.namesrvAddr)
  const producer = await mq.producer({ group: 'P' })
  assert.equal((await producer.send({ topic: 'T', body: 'x' })).status, 'SEND_OK')
  for (const socket of sockets) socket.destroy()
  await until(async () => (await fetch(`${base}/livez`).catch(() => undefined))?.status === 200)
  const many = await Promise.all(Array.from({ length: 20 }, () => get('/metrics')))
  const statuses = new Set(many.map(({ status }) => status))
  assert.ok(statuses.has(200) && [...statuses].every((status) => [200, 503].includes(status)))
})
