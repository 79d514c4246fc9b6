import assert from 'node:assert/strict'
import diagnostics from 'node:diagnostics_channel'
import { test } from 'node:test'
import {
  json,
  NameServerError,
  RocketMQ,
  TimeoutError,
  Unrecoverable,
  type ReceivedMessage,
  type SendTrace,
} from '@skylarkmq/client'
import { nodeEnv, silentEvents, type Env } from '@skylarkmq/env'
import {
  CheckTransactionState,
  decodeCommand,
  FrameDecoder,
  SendMessageV2,
} from '@skylarkmq/protocol'
import { atEnd, Collector, createTopic, found, serverFor, until } from './cluster.ts'

test('what is sent in a namespace is got in it under its own name, and not outside', async (t) => {
  const { namesrvAddr: nameServers } = await serverFor(t)
  await createTopic(nameServers, 'prod%T', 1)
  await createTopic(nameServers, 'T', 1)
  const mq = new RocketMQ({ nameServers, namespace: 'prod' })
  atEnd(t, () => mq.close())
  const producer = await mq.producer()
  const sent = await producer.send({ topic: 'T', body: 'b', keys: 'k' })
  assert.equal(sent.messageQueue.topic, 'T')
  const got = new Collector<ReceivedMessage>()
  const consumer = await mq.consumer({
    group: 'G',
    subscriptions: { T: '*' },
    consumeFrom: 'first',
  })
  await consumer.run((message) => {
    got.add(message)
  })
  const [message] = await got.atLeast(1)
  assert.equal(message?.topic, 'T')
  assert.equal(message.messageQueue.topic, 'prod%T')
  const [byKey] = await found(async () => {
    const list = await mq.admin().messages.query('T', 'k')
    return list.length > 0 ? list : undefined
  })
  assert.equal(byKey?.topic, 'T')
  const outside = new RocketMQ({ nameServers })
  atEnd(t, () => outside.close())
  assert.deepEqual(await outside.admin().messages.query('T', 'k'), [])
})

test('two members of a group in one client share its queues, each with an id of its own', async (t) => {
  const { namesrvAddr: nameServers } = await serverFor(t)
  await createTopic(nameServers, 'T', 4)
  const mq = new RocketMQ({ nameServers, clientId: 'me' })
  atEnd(t, () => mq.close())
  const options = { group: 'G', subscriptions: { T: '*' } }
  const members = [await mq.consumer(options), await mq.consumer(options)]
  assert.deepEqual(
    members.map((each) => each.clientId),
    ['me', 'me#2'],
  )
  await Promise.all(members.map((each) => each.run(() => undefined)))
  const own = (member: (typeof members)[number] | undefined): number =>
    member?.queues.filter((queue) => queue.topic === 'T').length ?? 0
  await until(() => own(members[0]) === 2 && own(members[1]) === 2)
  await assert.rejects(mq.consumer({ group: 'G', subscriptions: { T: 'a' } }), {
    code: 'RMQ_OPTION',
    message: /another consumer of the group G wants \{"T":"\*"\}, this one \{"T":"a"\}/,
  })
})

test('a message that cannot be recovered, or that its handler gives up, is a dead letter at once', async (t) => {
  const { namesrvAddr: nameServers } = await serverFor(t)
  await createTopic(nameServers, 'T', 1)
  const mq = new RocketMQ({ nameServers })
  atEnd(t, () => mq.close())
  const producer = await mq.producer({ serde: json<number>() })
  const plain = await mq.producer({ group: 'plain' })
  await producer.send({ topic: 'T', body: 1 })
  await producer.send({ topic: 'T', body: 2 })
  await plain.send({ topic: 'T', body: 'no JSON' })
  const consumer = await mq.consumer({
    group: 'G',
    subscriptions: { T: '*' },
    consumeFrom: 'first',
    serde: json<number>(),
    onInvalid: 'deadLetter',
  })
  await consumer.run(({ body }, context) => {
    if (body === 1) throw new Unrecoverable('one')
    context.deadLetter()
  })
  await found(() => mq.admin().topics.route('%DLQ%G'))
  const dead: string[] = []
  for await (const message of mq.reader({ topic: '%DLQ%G', from: 'first' })) {
    dead.push(message.body.toString())
    if (dead.length === 3) break
  }
  assert.deepEqual(dead.sort(), ['1', '2', 'no JSON'])
})

test('a request that nobody replies to ends in its time, and a message that asks for nothing takes no reply', async (t) => {
  const { namesrvAddr: nameServers } = await serverFor(t)
  const mq = new RocketMQ({ nameServers })
  atEnd(t, () => mq.close())
  const producer = await mq.producer()
  // The time of the request is for the reply: where to send it is known.
  await producer.send({ topic: 'T', body: 'b' })
  await assert.rejects(producer.request({ topic: 'T', body: 'b' }, { timeout: 300 }), (error) => {
    assert.ok(error instanceof TimeoutError)
    assert.equal(error.phase, 'wait')
    assert.match(error.hint, /nobody replied/)
    return true
  })
  const message = { msgId: 'ID', properties: new Map() } as unknown as ReceivedMessage
  await assert.rejects(producer.reply(message, 'b'), { code: 'RMQ_MESSAGE' })
})

test('the requester gets the properties of a reply', async (t) => {
  const { namesrvAddr: nameServers } = await serverFor(t)
  await createTopic(nameServers, 'T', 1)
  const mq = new RocketMQ({ nameServers })
  atEnd(t, () => mq.close())
  const producer = await mq.producer()
  const subscriptions = { T: '*' }
  const consumer = await mq.consumer({ group: 'G', subscriptions, consumeFrom: 'first' })
  await consumer.run((message) => producer.reply(message, 'no', { properties: { why: 'late' } }))
  const reply = await producer.request({ topic: 'T', body: 'b' })
  assert.equal(reply.properties.get('why'), 'late')
  await assert.rejects(producer.reply(reply, 'x', { properties: { KEYS: 'k' } }), {
    code: 'RMQ_MESSAGE',
  })
})

test('a subscriber of the tracing channels sees a send and its handler, joined by a property that it adds', async (t) => {
  const { namesrvAddr: nameServers } = await serverFor(t)
  await createTopic(nameServers, 'T', 1)
  const seen = new Collector<string>()
  const send = diagnostics.tracingChannel<string, object>('rocketmq:send')
  const process = diagnostics.tracingChannel<string, object>('rocketmq:process')
  const onSend = {
    start: (trace: object) => {
      ;(trace as SendTrace).properties['traceparent'] = '00-1-2-01'
    },
    asyncEnd: (trace: object) => {
      const { topic, result } = trace as SendTrace
      seen.add(`sent to ${topic}: ${(result as { status: string }).status}`)
    },
  }
  const onProcess = {
    start: (trace: object) => {
      const { properties } = trace as { properties: ReadonlyMap<string, string> }
      seen.add(`processing ${properties.get('traceparent') ?? ''}`)
    },
  }
  const receive = diagnostics.tracingChannel<string, object>('rocketmq:receive')
  const onReceive = {
    start: (trace: object) => {
      const { topic, count } = trace as { topic: string; count: number }
      seen.add(`received ${count} of ${topic}`)
    },
  }
  receive.subscribe(onReceive as Parameters<typeof receive.subscribe>[0])
  send.subscribe(onSend as Parameters<typeof send.subscribe>[0])
  process.subscribe(onProcess as Parameters<typeof process.subscribe>[0])
  atEnd(t, () => {
    receive.unsubscribe(onReceive as Parameters<typeof receive.unsubscribe>[0])
    send.unsubscribe(onSend as Parameters<typeof send.unsubscribe>[0])
    process.unsubscribe(onProcess as Parameters<typeof process.unsubscribe>[0])
  })
  const mq = new RocketMQ({ nameServers })
  atEnd(t, () => mq.close())
  await (await mq.producer()).send({ topic: 'T', body: 'b' })
  const consumer = await mq.consumer({
    group: 'G',
    subscriptions: { T: '*' },
    consumeFrom: 'first',
  })
  await consumer.run(() => undefined)
  assert.deepEqual(await seen.atLeast(3), [
    'sent to T: SEND_OK',
    'received 1 of T',
    'processing 00-1-2-01',
  ])
})

test('close ends in its time with brokers that hang, and all that the client made is closed', async (t) => {
  const { namesrvAddr: nameServers } = await serverFor(t)
  await createTopic(nameServers, 'T', 1)
  const env = nodeEnv(silentEvents)
  let isCut = false
  // What is written once the wire is cut goes nowhere, and neither side notices.
  const connect: typeof env.net.connect = async (address) => {
    const socket = await env.net.connect(address)
    const write = socket.write.bind(socket)
    socket.write = (data) => isCut || write(data)
    return socket
  }
  // An answer is waited for longer than any test runs.
  const options = { nameServers, timeout: 1e8 }
  const mq = new RocketMQ(options, { ...env, net: { ...env.net, connect } })
  const consumer = await mq.consumer({ group: 'G', subscriptions: { T: '*' } })
  await consumer.run(() => new Promise(() => undefined))
  const producer = await mq.producer()
  await until(() => consumer.queues.length > 0)
  await producer.send({ topic: 'T', body: 'b' })
  isCut = true
  await mq.close({ timeout: 200 })
  assert.deepEqual(consumer.queues, [])
  await assert.rejects(producer.send({ topic: 'T', body: 'b' }), { code: 'RMQ_CLOSED' })
})

test('what a producer with a trace sent stands in the trace topic, in the form of Apache, found by id and key', async (t) => {
  const { namesrvAddr: nameServers, brokerAddr } = await serverFor(t, {
    set: ['traceTopicEnable=true'],
  })
  await createTopic(nameServers, 'T', 1)
  const mq = new RocketMQ({ nameServers })
  atEnd(t, () => mq.close())
  const producer = await mq.producer({ group: 'P', trace: true })
  const sent = await producer.send({ topic: 'T', body: 'body', tag: 'tag', keys: ['k1', 'k2'] })
  const transactions = await mq.transactionProducer({
    group: 'X',
    trace: true,
    check: () => 'unknown',
  })
  const half = await transactions.send({ topic: 'T', body: 'half' }, () => 'commit')
  await producer.close()
  await transactions.close()
  const entries: string[][] = []
  for await (const message of mq.reader({ topic: 'RMQ_SYS_TRACE_TOPIC', from: 'first' })) {
    const text = message.body.toString()
    for (const entry of text.split('\u0002').slice(0, -1)) entries.push(entry.split('\u0001'))
    if (text.startsWith('Pub') && entries.length === 1) {
      assert.deepEqual([...message.keys].sort(), [sent.msgId, 'k1', 'k2'].sort())
    }
    if (entries.length === 3) break
  }
  const of = (msgId: string, kind: string): string[] =>
    entries.find((each) => each[0] === kind && each.includes(msgId)) ?? []
  const pub = of(sent.msgId, 'Pub')
  assert.deepEqual(pub.slice(3, 10), ['P', 'T', sent.msgId, 'tag', 'k1 k2', brokerAddr, '4'])
  assert.deepEqual(pub.slice(11), ['0', sent.offsetMsgId, 'true'])
  assert.equal(of(half.msgId, 'Pub')[11], '1')
  assert.deepEqual(of(half.msgId, 'EndTransaction').slice(9), [
    '2',
    half.transactionId ?? half.msgId,
    'COMMIT_MESSAGE',
    'false',
  ])
})

test('a transaction whose producer is gone is ended by another one of its group, with its body as a value', async (t) => {
  const set = ['transactionTimeOut=100', 'transactionCheckInterval=100']
  const { namesrvAddr: nameServers } = await serverFor(t, { set })
  await createTopic(nameServers, 'T', 1)
  const first = new RocketMQ({ nameServers })
  const serde = json<{ id: number }>()
  const options = { group: 'P', serde, check: () => 'unknown' as const }
  const producer = await first.transactionProducer(options)
  await producer.send({ topic: 'T', body: { id: 7 } }, () => 'unknown')
  await first.close()
  const asked: number[] = []
  const second = new RocketMQ({ nameServers })
  atEnd(t, () => second.close())
  // It sends nothing itself.
  await second.transactionProducer({
    group: 'P',
    serde,
    check: (message) => {
      asked.push(message.body.id)
      return 'commit'
    },
  })
  const ids: number[] = []
  for await (const message of second.reader({ topic: 'T', from: 'first' })) {
    ids.push((JSON.parse(message.body.toString()) as { id: number }).id)
    break
  }
  assert.deepEqual(ids, [7])
  assert.ok(asked.includes(7))
})

test('of two producers of a group one may go: the other one stays known to the broker, and is asked', async (t) => {
  const set = ['transactionTimeOut=100', 'transactionCheckInterval=100']
  const { namesrvAddr: nameServers } = await serverFor(t, { set })
  await createTopic(nameServers, 'T', 1)
  const mq = new RocketMQ({ nameServers })
  atEnd(t, () => mq.close())
  const plain = await mq.producer({ group: 'P' })
  await plain.send({ topic: 'T', body: 'plain' })
  const transactions = await mq.transactionProducer({ group: 'P', check: () => 'commit' })
  await plain.close()
  await transactions.send({ topic: 'T', body: 'asked about' }, () => 'unknown')
  const bodies: string[] = []
  for await (const message of mq.reader({ topic: 'T', from: 'first' })) {
    bodies.push(message.body.toString())
    if (bodies.length === 2) break
  }
  assert.deepEqual(bodies, ['plain', 'asked about'])
})

test('a producer says nothing of a transaction that has not begun, though it is asked, and commits it then', async (t) => {
  const set = ['transactionTimeOut=1', 'transactionCheckInterval=20']
  const { namesrvAddr: nameServers } = await serverFor(t, { set })
  await createTopic(nameServers, 'T', 1)
  const env = nodeEnv(silentEvents)
  // The answer to the half message is late, so that it comes at once with the question what became of it.
  const connect: typeof env.net.connect = async (address) => {
    const socket = await env.net.connect(address)
    const [asks, hears] = [new FrameDecoder(), new FrameDecoder()]
    let isHeld = false
    let held: Buffer[] = []
    const write = socket.write.bind(socket)
    socket.write = (bytes) => {
      asks.push(Buffer.from(bytes), (frame) => {
        if (decodeCommand(frame).code === SendMessageV2.code) isHeld = true
      })
      return write(bytes)
    }
    const handle = socket.handle.bind(socket)
    socket.handle = (events) => {
      const data = (chunk: Buffer): void => {
        held.push(Buffer.from(chunk))
        hears.push(Buffer.from(chunk), (frame) => {
          if (decodeCommand(frame).code === CheckTransactionState.code) isHeld = false
        })
        if (isHeld) return
        const whole = Buffer.concat(held)
        held = []
        events.data(whole)
      }
      handle({ ...events, data })
    }
    return socket
  }
  const mq = new RocketMQ({ nameServers }, { ...env, net: { ...env.net, connect } })
  atEnd(t, () => mq.close())
  const begun: string[] = []
  const producer = await mq.transactionProducer({
    group: 'P',
    check: ({ msgId }) => (begun.includes(msgId) ? 'commit' : 'rollback'),
  })
  await producer.send({ topic: 'T', body: 'asked about' }, ({ msgId }) => {
    begun.push(msgId)
    return 'unknown'
  })
  for await (const message of mq.reader({ topic: 'T', from: 'first' })) {
    assert.equal(message.body.toString(), 'asked about')
    break
  }
})

test('a signal closes the client that was made with it, also when it was aborted before', async (t) => {
  const { namesrvAddr: nameServers } = await serverFor(t)
  const controller = new AbortController()
  const early = new RocketMQ({ nameServers, signal: controller.signal })
  const producer = await early.producer()
  await producer.send({ topic: 'T', body: 'b' })
  controller.abort()
  const late = new RocketMQ({ nameServers, signal: controller.signal })
  await Promise.all([early.close(), late.close()])
  await assert.rejects(producer.send({ topic: 'T', body: 'b' }), { code: 'RMQ_CLOSED' })
  await assert.rejects(late.producer(), { code: 'RMQ_CLOSED' })
})

test('a client that starts before the name server waits for it with a warning each time; then messages are sent and consumed', async (t) => {
  const { namesrvAddr: nameServers, namesrvPort = 0, ...before } = await serverFor(t)
  await before.stop()
  const said: string[] = []
  const ignore = (): void => undefined
  const warn = (_: object, text: string): void => void said.push(text)
  const logger = { debug: ignore, info: ignore, warn, error: ignore }
  const mq = new RocketMQ({ nameServers, logger, pollNameServerMs: 50 })
  atEnd(t, () => mq.close())
  const got = new Collector<string>()
  const consumer = await mq.consumer({
    group: 'G',
    subscriptions: { T: '*' },
    // The topic is made by the send that waits beside it.
    consumeFrom: 'first',
  })
  const running = consumer.run((message) => {
    got.add(message.body.toString())
  })
  await assert.rejects(consumer.run(ignore), { code: 'RMQ_CLOSED' })
  const producer = await mq.producer({ group: 'P', sendTimeoutMs: 60_000 })
  const sending = producer.send({ topic: 'T', body: 'b' })
  await until(() => said.length >= 4)
  await serverFor(t, { namesrvPort })
  await Promise.all([running, sending])
  assert.deepEqual(await got.atLeast(1), ['b'])
  const waits = `no name server answers at ${nameServers}: cannot connect to ${nameServers}: ECONNREFUSED; tried again in`
  assert.ok(
    said.some((text) => text.startsWith(`the consumer of G waits: ${waits}`)),
    said[0],
  )
  assert.ok(said.some((text) => text.startsWith(`a send of P waits: ${waits}`)))
})

test('waiting for a name server ends by its time, by a signal, and by close', async (t) => {
  const { namesrvAddr: nameServers, ...server } = await serverFor(t)
  await server.stop()
  const env = nodeEnv(silentEvents)
  const impatient = new RocketMQ({ nameServers, startTimeoutMs: 70 }, env)
  const patient = new RocketMQ({ nameServers }, env)
  atEnd(t, () => Promise.all([impatient, patient].map((mq) => mq.close())))
  const join = (mq: RocketMQ, signal?: AbortSignal): Promise<void> =>
    mq
      .consumer({ group: 'G', subscriptions: { T: '*' } })
      .then((consumer) => consumer.run(() => undefined, { signal }))
  await assert.rejects(join(impatient), NameServerError)
  const producer = await patient.producer()
  await assert.rejects(
    producer.send({ topic: 'T', body: 'b' }, { timeout: 100 }),
    NameServerError,
    'a send waits for its own time at most',
  )
  const abort = new AbortController()
  const aborted = join(patient, abort.signal)
  abort.abort(new Error('enough'))
  await assert.rejects(aborted, { message: 'enough' })
  const closed = join(patient)
  await patient.close()
  await assert.rejects(closed, { code: 'RMQ_CLOSED' })
})

test('a name server that is elsewhere now is found by its name, by the first request', async (t) => {
  const [one, other] = [await serverFor(t), await serverFor(t)]
  let named = one
  const host = nodeEnv(silentEvents)
  const connect: Env['net']['connect'] = (to) => {
    const port = to.host === 'names.test' ? named.namesrvPort : to.port
    return host.net.connect({ ...to, host: '127.0.0.1', port: port ?? 0 })
  }
  const env = { ...host, net: { ...host.net, connect } }
  const mq = new RocketMQ({ nameServers: 'names.test:9876' }, env)
  atEnd(t, () => mq.close())
  const brokerPort = async (): Promise<string | undefined> =>
    (await mq.admin().brokers.masters())[0]?.address.split(':')[1]
  assert.equal(await brokerPort(), String(one.brokerPort))
  named = other
  await one.stop()
  assert.equal(await brokerPort(), String(other.brokerPort))
})
