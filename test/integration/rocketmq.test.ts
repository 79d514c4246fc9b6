import assert from 'node:assert/strict'
import diagnostics from 'node:diagnostics_channel'
import { test } from 'node:test'
import {
  json,
  RocketMQ,
  Unrecoverable,
  type ReceivedMessage,
  type SendTrace,
} from '@skylarkmq/client'
import { nodeEnv, silentEvents } from '@skylarkmq/env'
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
    const list = await mq.admin().queryByKey('T', 'k')
    return list.length > 0 ? list : undefined
  })
  assert.equal(byKey?.topic, 'T')
  const outside = new RocketMQ({ nameServers })
  atEnd(t, () => outside.close())
  assert.deepEqual(await outside.admin().queryByKey('T', 'k'), [])
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
  await found(() => mq.admin().fetchRoute('%DLQ%G'))
  const dead: string[] = []
  for await (const message of mq.reader({ topic: '%DLQ%G', from: 'first' })) {
    dead.push(message.body.toString())
    if (dead.length === 3) break
  }
  assert.deepEqual(dead.sort(), ['1', '2', 'no JSON'])
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
  send.subscribe(onSend as Parameters<typeof send.subscribe>[0])
  process.subscribe(onProcess as Parameters<typeof process.subscribe>[0])
  atEnd(t, () => {
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
  assert.deepEqual(await seen.atLeast(2), ['sent to T: SEND_OK', 'processing 00-1-2-01'])
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
