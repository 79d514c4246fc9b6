import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { RocketMQ, type ReceivedMessage, type RocketMQOptions } from '@skylarkmq/client'
import { nodeEnv, silentEvents, type Env } from '@skylarkmq/env'
import { encodeHeader, ResponseCode, UpdateAndCreateTopic } from '@skylarkmq/protocol'
import { Dispatcher, RemotingClient } from '@skylarkmq/remoting'
import { hostBehind } from '@skylarkmq/testing'
import { proxyFor } from './chaos.ts'
import { atEnd, Collector, createTopic, serverFor, until } from './cluster.ts'

/** Time enough for what is done within one call, on a machine that has other work. */
const TIMEOUT_MS = 20_000

/** A server with the topic T, and a proxy before its name server and before its broker. */
async function behindProxies(t: TestContext) {
  const { namesrvAddr, brokerPort = 0 } = await serverFor(t)
  await createTopic(namesrvAddr, 'T', 2)
  const namesrv = await proxyFor(t, namesrvAddr)
  const broker = await proxyFor(t, `127.0.0.1:${brokerPort}`)
  return { namesrvAddr, namesrv, broker, host: hostBehind([namesrv, broker]) }
}

function clientOf(t: TestContext, host: Env, options: RocketMQOptions): RocketMQ {
  const mq = new RocketMQ(options, host)
  atEnd(t, () => mq.close({ timeout: 1_000 }))
  return mq
}

/** Begins to consume T from its first message on; what comes is collected. */
async function collecting(mq: RocketMQ): Promise<Collector<string>> {
  const got = new Collector<string>()
  const consumer = await mq.consumer({
    group: 'G',
    subscriptions: { T: '*' },
    consumeFrom: 'first',
  })
  await consumer.run((message: ReceivedMessage) => {
    got.add(message.body.toString())
  })
  return got
}

test('a send detects a silent connection, and is stored through a new one', async (t) => {
  const { namesrvAddr, broker, host } = await behindProxies(t)
  const mq = clientOf(t, host, { nameServers: namesrvAddr })
  const producer = await mq.producer({ sendTimeoutMs: TIMEOUT_MS })
  await producer.send({ topic: 'T', body: 'before' })
  const { accepted } = broker
  broker.forget()
  const results = await Promise.all(
    ['a', 'b', 'c'].map((body) => producer.send({ topic: 'T', body })),
  )
  assert.deepEqual(
    results.map(({ status }) => status),
    ['SEND_OK', 'SEND_OK', 'SEND_OK'],
  )
  assert.equal(broker.accepted, accepted + 1)
})

test('a consumer detects a silent connection, and continues', async (t) => {
  const { namesrvAddr, broker, host } = await behindProxies(t)
  const mq = clientOf(t, host, { nameServers: namesrvAddr, heartbeatMs: 300 })
  const got = await collecting(mq)
  const other = clientOf(t, hostBehind([]), { nameServers: namesrvAddr })
  const producer = await other.producer()
  await producer.send({ topic: 'T', body: 'before' })
  await got.atLeast(1)
  broker.forget()
  await producer.send({ topic: 'T', body: 'after' })
  assert.deepEqual(await got.atLeast(2), ['before', 'after'])
})

test('an idle transaction producer connects again at once, for brokers ask it', async (t) => {
  const { namesrvAddr, broker, host } = await behindProxies(t)
  const mq = clientOf(t, host, { nameServers: namesrvAddr })
  const producer = await mq.transactionProducer({ group: 'P', check: () => 'commit' })
  await producer.send({ topic: 'T', body: 'b' }, () => 'commit')
  for (const how of ['rst', 'fin'] as const) {
    const { accepted } = broker
    broker.cut(how)
    await until(() => broker.accepted > accepted && broker.open === 1)
  }
})

test('a name server of which nothing comes any more is asked by a new connection', async (t) => {
  const { namesrvAddr, namesrv, host } = await behindProxies(t)
  const mq = clientOf(t, host, { nameServers: namesrvAddr, timeout: TIMEOUT_MS })
  const producer = await mq.producer({ sendTimeoutMs: TIMEOUT_MS })
  await producer.send({ topic: 'T', body: 'b' })
  await createTopic(namesrvAddr, 'U', 1)
  namesrv.forget()
  assert.equal((await producer.send({ topic: 'U', body: 'b' })).status, 'SEND_OK')
})

test('of two name servers one that hangs, or knows nothing, keeps no first send and no consumer from its topic', async (t) => {
  const { namesrvAddr, namesrv } = await behindProxies(t)
  const empty = await serverFor(t, { broker: false })
  namesrv.set({ hangs: true })
  const fewer = [namesrv.address, empty.namesrvAddr]
  for (const nameServers of fewer.flatMap((one) => [
    [one, namesrvAddr],
    [namesrvAddr, one],
  ])) {
    // The one that is asked first is drawn.
    const host = { ...hostBehind([]), random: { ...hostBehind([]).random, next: () => 0 } }
    const mq = clientOf(t, host, { nameServers })
    const producer = await mq.producer({ sendTimeoutMs: TIMEOUT_MS })
    await producer.send({ topic: 'T', body: 'b' })
    const got = await collecting(mq)
    await got.atLeast(1)
    await mq.close({ timeout: 1_000 })
  }
})

test('an unknown topic is reported as such although one of the name servers hangs', async (t) => {
  const { namesrvAddr, namesrv } = await behindProxies(t)
  namesrv.set({ hangs: true })
  const mq = clientOf(t, hostBehind([]), { nameServers: [namesrv.address, namesrvAddr] })
  assert.equal(await mq.admin().topics.route('Nowhere'), undefined)
})

test('a broker that moved is found at once, not when routes are read the next time', async (t) => {
  const { namesrvAddr } = await serverFor(t, { broker: false })
  const set = ['brokerName=mover']
  const first = await serverFor(t, { namesrv: false, namesrvAddr, set })
  await createTopic(namesrvAddr, 'T', 1)
  const mq = clientOf(t, hostBehind([]), { nameServers: namesrvAddr })
  const producer = await mq.producer({ sendTimeoutMs: TIMEOUT_MS })
  await producer.send({ topic: 'T', body: 'b' })
  await first.stop()
  const second = await serverFor(t, { namesrv: false, namesrvAddr, set })
  assert.notEqual(second.brokerPort, first.brokerPort)
  await createTopic(namesrvAddr, 'T', 1)
  assert.equal((await producer.send({ topic: 'T', body: 'b' })).status, 'SEND_OK')
})

test('a broker that is back in its topic’s route is found in a moment, not when routes are read the next time', async (t) => {
  const first = await serverFor(t, { set: ['brokerName=stays'] })
  const { namesrvAddr } = first
  const set = ['brokerName=comes-back']
  const second = await serverFor(t, { namesrv: false, namesrvAddr, set })
  await createTopic(namesrvAddr, 'T', 1)
  const mq = clientOf(t, hostBehind([]), { nameServers: namesrvAddr, pollNameServerMs: 3_600_000 })
  const route = () => mq.admin().topics.route('T')
  while ((await route())?.brokerDatas.length !== 2);
  const got = await collecting(mq)
  const producer = await mq.producer({ sendTimeoutMs: TIMEOUT_MS })
  await producer.send({ topic: 'T', body: 'b' })
  const { brokerPort } = second
  await second.stop()
  while ((await route())?.brokerDatas.length !== 1);
  // Each finds nobody there, and the routes are read.
  for (const body of ['c', 'd', 'e', 'f']) await producer.send({ topic: 'T', body })
  await serverFor(t, { namesrv: false, namesrvAddr, set, ...(brokerPort ? { brokerPort } : {}) })
  await createTopic(namesrvAddr, 'T', 1)
  const sentTo = new Set<string>()
  while (!sentTo.has('comes-back')) {
    const { messageQueue } = await producer.send({ topic: 'T', body: 'g' })
    sentTo.add(messageQueue.brokerName)
  }
  await producer.send({ topic: 'T', body: 'h' }, { queue: queueOf('comes-back') })
  await until(() => got.items.includes('h'))
})

const queueOf = (brokerName: string) => ({ topic: 'T', brokerName, queueId: 0 })

test('a broker detects a silent name server, and registers through a new connection', async (t) => {
  const { namesrvAddr } = await serverFor(t, { broker: false })
  const namesrv = await proxyFor(t, namesrvAddr)
  const server = await serverFor(t, { namesrv: false, namesrvAddr: namesrv.address })
  await createTopic(namesrvAddr, 'T', 1)
  const { topics } = clientOf(t, hostBehind([]), { nameServers: namesrvAddr }).admin()
  const { accepted } = namesrv
  namesrv.forget()
  // The name server has noticed that the connection is gone, the broker has not.
  while ((await topics.route('T')) !== undefined);
  await changeTopic(t, `127.0.0.1:${server.brokerPort ?? 0}`)
  while ((await topics.route('T')) === undefined);
  assert.ok(namesrv.accepted > accepted)
})

/** Has a broker change T, which it tells its name servers at once. */
async function changeTopic(t: TestContext, address: string): Promise<void> {
  const client = new RemotingClient(nodeEnv(silentEvents), {
    handler: new Dispatcher({
      context: undefined,
      requests: {},
      services: {},
      events: silentEvents,
    }),
  })
  atEnd(t, () => {
    client.close()
  })
  const fields = encodeHeader(UpdateAndCreateTopic, {
    topic: 'T',
    defaultTopic: 'TBW102',
    readQueueNums: 2,
    writeQueueNums: 2,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
  })
  const { code, name } = UpdateAndCreateTopic
  const answer = await client.request(address, { code, name, fields }, TIMEOUT_MS)
  assert.equal(answer.code, ResponseCode.SUCCESS)
}

test('a broker whose connection to its name server is cut registers again soon', async (t) => {
  const { namesrvAddr } = await serverFor(t, { broker: false })
  const namesrv = await proxyFor(t, namesrvAddr)
  await serverFor(t, { namesrv: false, namesrvAddr: namesrv.address })
  await createTopic(namesrvAddr, 'T', 1)
  const topics = clientOf(t, hostBehind([]), { nameServers: namesrvAddr }).admin().topics
  namesrv.cut('rst')
  while ((await topics.route('T')) !== undefined);
  while ((await topics.route('T')) === undefined);
})

test('frames that come byte by byte, late, or end in their midst with a reset cost no message', async (t) => {
  const { namesrvAddr, namesrv, broker, host } = await behindProxies(t)
  const mq = clientOf(t, host, { nameServers: namesrvAddr })
  const producer = await mq.producer({ sendTimeoutMs: TIMEOUT_MS })
  const got = await collecting(mq)
  const send = async (what: string): Promise<void> => {
    const bodies = Array.from({ length: 20 }, (_, i) => `${what} ${i}`)
    await Promise.all(bodies.map((body) => producer.send({ topic: 'T', body })))
    await until(() => bodies.every((body) => got.items.includes(body)))
  }
  for (const proxy of [namesrv, broker]) proxy.set({ isBytewise: true })
  await send('byte by byte')
  for (const proxy of [namesrv, broker]) proxy.heal()
  broker.set({ latencyMs: 50 })
  await send('late')
  broker.heal()
  broker.set({ resetsInFrame: 2 })
  await send('cut short')
})

test('a client with a host of its own says to its logger what goes wrong', async (t) => {
  const { namesrvAddr, broker, host } = await behindProxies(t)
  const said: string[] = []
  const ignore = (): void => undefined
  const warn = (fields: object): void => void said.push((fields as { event: string }).event)
  const logger = { debug: ignore, info: ignore, warn, error: warn }
  const mq = clientOf(t, host, { nameServers: namesrvAddr, logger })
  await collecting(mq)
  // Whatever is under way when the connection is cut: a pull, or what comes before the first one.
  const isSaid = (): boolean => said.some((event) => /^client\.\w+\.failed$/.test(event))
  while (!isSaid()) {
    const { accepted } = broker
    broker.cut('rst')
    await until(() => broker.accepted > accepted || isSaid())
  }
})
