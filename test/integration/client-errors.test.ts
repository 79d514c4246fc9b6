import assert from 'node:assert/strict'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import {
  AuthError,
  ConnectError,
  FlowControlError,
  RocketMQ,
  RocketMQError,
  RouteNotFoundError,
  TimeoutError,
  type RocketMQOptions,
} from '@skylarkmq/client'
import { nodeEnv, silentEvents, type Env } from '@skylarkmq/env'
import { decodeCommand, ResponseCode, writeReply } from '@skylarkmq/protocol'
import { RemotingServer } from '@skylarkmq/remoting'
import { atEnd, createTopic, serverFor } from './cluster.ts'

/** What a send to `topic` rejects with. */
async function failure(
  t: TestContext,
  options: RocketMQOptions,
  topic = 'TopicTest',
  env?: Env,
): Promise<RocketMQError> {
  const mq = new RocketMQ(options, env)
  atEnd(t, () => mq.close())
  const producer = await mq.producer({ sendTimeoutMs: 2_000 })
  const error = await producer.send({ topic, body: 'b' }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof RocketMQError, String(error))
  // Who prints nothing but the message reads what to do.
  assert.ok(error.message.endsWith(error.hint))
  return error
}

/** A port on which something else listens; `host:port`. */
async function portOf(
  t: TestContext,
  server: net.Server | http.Server | http2.Http2Server,
): Promise<string> {
  const sockets = new Set<net.Socket>()
  server.on('connection', (socket: net.Socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(t, () => {
    for (const each of sockets) each.destroy()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A server that answers every request alike. */
async function answering(t: TestContext, code: number, remark: string): Promise<string> {
  const env = nodeEnv(silentEvents)
  const server = new RemotingServer(env, {
    dispatch: (connection, frame) => {
      const { opaque } = decodeCommand(frame)
      writeReply(connection.output(), opaque, { code, remark })
    },
  })
  const port = await server.listen('127.0.0.1', 0)
  server.serve()
  atEnd(t, () => server.close())
  return `127.0.0.1:${port}`
}

test('a typing error in a topic is answered with the topic that was meant, and how to make one', async (t) => {
  const { namesrvAddr: nameServers } = await serverFor(t, { set: ['autoCreateTopicEnable=false'] })
  await createTopic(nameServers, 'TopicTest')
  const error = await failure(t, { nameServers }, 'TopicTset')
  assert.ok(error instanceof RouteNotFoundError)
  assert.equal(error.code, 'RMQ_TOPIC_NOT_FOUND')
  assert.match(error.message, /knows one broker \(\S+\) but no such topic/)
  assert.match(error.hint, /^Did you mean TopicTest\? Create it, by mq\.admin\(\)/)
})

test('reading a topic that only the first message would create is an error that says so', async (t) => {
  const { namesrvAddr: nameServers } = await serverFor(t)
  const mq = new RocketMQ({ nameServers })
  atEnd(t, () => mq.close())
  const reading = mq.admin().topics.queues('TopicTest')
  await assert.rejects(reading, (error) => {
    assert.ok(error instanceof RouteNotFoundError)
    assert.match(error.message, /no such topic, which the first message that is sent to it makes/)
    return true
  })
})

test('a topic of another namespace is found, and the option is named', async (t) => {
  const { namesrvAddr: nameServers } = await serverFor(t, { set: ['autoCreateTopicEnable=false'] })
  await createTopic(nameServers, 'TopicTest')
  const error = await failure(t, { nameServers, namespace: 'prod' })
  assert.match(error.message, /^the topic prod%TopicTest has no route/)
  assert.match(
    error.hint,
    /There is a topic TopicTest: make the client without the option namespace/,
  )
})

test('a name server without brokers is distinguished from a missing topic', async (t) => {
  const { namesrvAddr: nameServers } = await serverFor(t, { broker: false })
  const error = await failure(t, { nameServers })
  assert.match(error.message, /knows no broker at all\. Start a broker that registers there/)
})

test('an unreachable broker is named, with the source of its address and what to set', async (t) => {
  const set = ['brokerIP1=127.1.2.3']
  const { namesrvAddr: nameServers } = await serverFor(t, { set })
  const error = await failure(t, { nameServers })
  assert.ok(error instanceof ConnectError, error.message)
  assert.match(error.message, /^cannot connect to 127\.1\.2\.3:\d+: ECONNREFUSED; the broker \S+/)
  assert.ok(error.message.includes(`told the name server (${nameServers})`))
  assert.match(error.hint, /set brokerIP1 in its broker\.conf to one that clients reach/)
  assert.equal(error.message.split('ECONNREFUSED').length, 2, 'one reason is told once')
})

test('the port of a gRPC proxy, of a dashboard and of a broker in place of a name server are distinguished', async (t) => {
  const grpc = await portOf(t, http2.createServer())
  const overHttp2 = await failure(t, { nameServers: grpc })
  assert.equal(overHttp2.code, 'RMQ_WRONG_PORT')
  assert.match(overHttp2.message, /speaks HTTP\/2 \(gRPC\).*name server \(9876 as a rule\).*8081/)
  const dashboard = await portOf(t, http.createServer())
  const overHttp = await failure(t, { nameServers: dashboard })
  assert.match(overHttp.message, /speaks HTTP, not RocketMQ's remoting protocol/)
  const { brokerPort } = await serverFor(t)
  const broker = await failure(t, { nameServers: `127.0.0.1:${brokerPort ?? 0}` })
  assert.equal(broker.code, 'RMQ_WRONG_PORT')
  assert.match(broker.message, /is a broker, not a name server\. Give the address of its name/)
})

test('a port that wants TLS names the option', async (t) => {
  // What a TLS server says to what is no handshake: an alert, then the end.
  const server = net.createServer((socket) => {
    socket.once('data', () => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 10])))
  })
  const error = await failure(t, { nameServers: await portOf(t, server) })
  assert.equal(error.hint, 'The port wants TLS: give the option tls.')
})

test('a peer that does not answer is named, with what was waited for and how long', async (t) => {
  const silent = await portOf(t, net.createServer())
  const env = nodeEnv(silentEvents)
  const connected = new Set<string>()
  const connect: Env['net']['connect'] = async (address) => {
    const socket = await env.net.connect(address)
    connected.add(`${address.host}:${address.port}`)
    return socket
  }
  const options = { nameServers: silent, timeout: 50, startTimeoutMs: 0 }
  const mq = new RocketMQ(options, { ...env, net: { ...env.net, connect } })
  atEnd(t, () => mq.close())
  const producer = await mq.producer()
  const causeOf = async (): Promise<unknown> => {
    const sent = producer.send({ topic: 'T', body: 'b' }, { timeout: 5_000 })
    const error: unknown = await sent.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    assert.ok(error instanceof RocketMQError)
    assert.equal(error.code, 'RMQ_NAME_SERVER')
    return error.cause
  }
  // A host that is busy may run out of time while it connects, or while it connects anew: then it is that which is told.
  let cause: unknown
  do cause = await causeOf()
  while (!connected.has(silent) || !(cause instanceof TimeoutError && cause.phase === 'wait'))
  assert.equal(cause.address, silent)
  assert.ok(cause.elapsedMs >= 45)
  const inTime = producer.send({ topic: 'T', body: 'b' }, { timeout: 20 })
  await assert.rejects(inTime, (error) => {
    assert.ok(error instanceof TimeoutError)
    assert.equal(error.phase, 'route')
    assert.match(error.message, /no name server said where the topic is/)
    return true
  })
})

test('an unreachable host and an unresolved name are distinguished', async (t) => {
  const failing = (code: string): Env => {
    const env = nodeEnv(silentEvents)
    const error = Object.assign(new Error(code), { code })
    return { ...env, net: { ...env.net, connect: () => Promise.reject(error) } }
  }
  for (const [code, phase] of [
    ['ETIMEDOUT', 'connect'],
    ['ETIMEOUT', 'resolve'],
  ] as const) {
    const error = await failure(t, { nameServers: 'mq.example:9876' }, 'T', failing(code))
    assert.equal((error.cause as TimeoutError).phase, phase)
  }
  const error = await failure(t, { nameServers: 'mq.example:9876' }, 'T', failing('ENOTFOUND'))
  assert.match(error.message, /cannot connect to mq\.example:9876: ENOTFOUND/)
})

test('access that is denied is an AuthError that names the options, in the words of the broker', async (t) => {
  const remarks = [
    [
      ResponseCode.SYSTEM_ERROR,
      'org.apache.rocketmq.acl.common.AclException: No accessKey is configured',
    ],
    [ResponseCode.NO_PERMISSION, 'Check signature failed for accessKey=me'],
  ] as const
  for (const [code, remark] of remarks) {
    const error = await failure(t, { nameServers: await answering(t, code, remark) })
    assert.ok(error instanceof AuthError)
    assert.equal(error.code, 'RMQ_AUTH')
    assert.equal(error.responseCode, code)
    assert.ok(!error.retriable)
    assert.ok(error.message.includes(remark))
    assert.match(error.hint, /Give the options accessKey and secretKey/)
  }
})

test('a broker that is busy is a FlowControlError, which may be tried again', async (t) => {
  const remark = '[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while'
  const nameServers = await answering(t, ResponseCode.SYSTEM_BUSY, remark)
  const error = await failure(t, { nameServers })
  assert.ok(error instanceof FlowControlError)
  assert.ok(error.retriable)
  assert.equal(error.responseName, 'SYSTEM_BUSY')
})

test('an aborted send rejects with the reason of its signal, and a closed client says so', async (t) => {
  const silent = await portOf(t, net.createServer())
  const mq = new RocketMQ({ nameServers: silent })
  const producer = await mq.producer()
  const controller = new AbortController()
  const sending = producer.send({ topic: 'T', body: 'b' }, { signal: controller.signal })
  const reason = new Error('enough')
  controller.abort(reason)
  await assert.rejects(sending, (error) => error === reason)
  await mq.close({ timeout: 100 })
  await assert.rejects(producer.send({ topic: 'T', body: 'b' }), { code: 'RMQ_CLOSED' })
  await assert.rejects(mq.producer(), { code: 'RMQ_CLOSED' })
})

test('every call that waits ends by its signal, with the reason of the signal', async (t) => {
  let heard: () => void = () => undefined
  const asked = new Promise<void>((resolve) => (heard = resolve))
  const listening = net.createServer((socket) => socket.once('data', heard))
  const silent = await portOf(t, listening)
  const mq = new RocketMQ({ nameServers: silent, timeout: 60_000 })
  atEnd(t, () => mq.close({ timeout: 50 }))
  const producer = await mq.producer({ sendTimeoutMs: 60_000 })
  const transactions = await mq.transactionProducer({ group: 'P', check: () => 'unknown' })
  const { topics, groups, messages, deadLetters, brokers } = mq.admin()
  const [topic, group, body] = ['T', 'G', 'b']
  const subscriptions = { T: '*' }
  const recallHandle = Buffer.from('v1 T broker-a 1 1').toString('base64url')
  const calls: Record<string, (options: { signal: AbortSignal }) => Promise<unknown>> = {
    send: (options) => producer.send({ topic, body }, options),
    sendBatch: (options) => producer.sendBatch([{ topic, body }], options),
    sendOneway: (options) => producer.sendOneway({ topic, body }, options),
    request: (options) => producer.request({ topic, body }, { ...options, timeout: 60_000 }),
    recall: (options) => producer.recall(topic, recallHandle, options),
    queuesOfProducer: (options) => producer.fetchPublishQueues(topic, options),
    transaction: (options) => transactions.send({ topic, body }, () => 'commit', options),
    run: async (options) => (await mq.consumer({ group, subscriptions })).run(() => 0, options),
    next: async (options) =>
      (await mq.consumer({ group, subscriptions, ...options }))[Symbol.asyncIterator]().next(),
    batch: async (options) =>
      (await mq.consumer({ group, subscriptions, ...options })).batches().next(),
    read: (options) =>
      mq
        .reader({ topic, ...options })
        [Symbol.asyncIterator]()
        .next(),
    topicList: (options) => topics.list(options),
    topicCreate: (options) => topics.create(topic, options),
    topicDelete: (options) => topics.delete(topic, options),
    topicRoute: (options) => topics.route(topic, options),
    topicQueues: (options) => topics.queues(topic, options),
    topicStats: (options) => topics.stats(topic, options),
    topicGroups: (options) => topics.groups(topic, options),
    groupList: (options) => groups.list(options),
    groupCreate: (options) => groups.create(group, {}, options),
    groupDelete: (options) => groups.delete(group, options),
    groupLag: (options) => groups.lag(group, topic, options),
    groupConnections: (options) => groups.connections(group, options),
    groupRunningInfo: (options) => groups.runningInfo(group, 'client', options),
    groupReset: (options) => groups.resetOffsets(group, topic, { to: 'first', ...options }),
    messageQuery: (options) => messages.query(topic, 'key', options),
    messageGet: (options) => messages.get(topic, 'id', options),
    messageBrowse: (options) => messages.browse(topic, options).next(),
    deadLetterList: (options) => deadLetters.list(group, options).next(),
    deadLetterReplay: (options) => deadLetters.replay(group, options),
    clusters: (options) => brokers.clusters(options),
    masters: (options) => brokers.masters(undefined, options),
    config: (options) => brokers.config(silent, options),
    setConfig: (options) => brokers.setConfig(silent, {}, options),
    runtime: (options) => brokers.runtime(silent, options),
  }
  const reason = new Error('enough')
  for (const state of ['aborted before', 'aborted later']) {
    const controllers: AbortController[] = []
    const outcomes = Object.entries(calls).map(async ([name, call]) => {
      const controller = new AbortController()
      controllers.push(controller)
      if (state === 'aborted before') controller.abort(reason)
      const outcome = await call({ signal: controller.signal }).then(
        () => 'an end',
        (error: unknown) => error,
      )
      assert.equal(outcome, reason, `${name}, ${state}`)
    })
    if (state === 'aborted later') await asked
    for (const each of controllers) each.abort(reason)
    await Promise.all(outcomes)
  }
  const hung = await mq.producer({ group: 'hung' })
  const controller = new AbortController()
  controller.abort(reason)
  await assert.rejects(hung.close({ signal: controller.signal }), reason)
})
