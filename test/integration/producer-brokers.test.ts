import assert from 'node:assert/strict'
import diagnostics from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import { RocketMQ, SendError, type ConnectionTrace } from '@skylarkmq/client'
import { nodeEnv, silentEvents, type Env } from '@skylarkmq/env'
import { atEnd, createTopic, serverFor } from './cluster.ts'

/** A name server and two brokers, and what stops the second one. */
async function twoBrokers(t: TestContext) {
  const first = await serverFor(t, { set: ['brokerName=a'] })
  const { namesrvAddr } = first
  const second = await serverFor(t, { namesrv: false, namesrvAddr, set: ['brokerName=b'] })
  await createTopic(namesrvAddr, 'T', 2)
  const mq = new RocketMQ({ nameServers: namesrvAddr })
  atEnd(t, () => mq.close())
  const both = async (): Promise<boolean> => {
    const route = await mq.admin().topics.route('T')
    return route?.queueDatas.length === 2
  }
  while (!(await both()));
  return { namesrvAddr, first, second }
}

/** Counts connections that could not be made. */
function refusals(t: TestContext): { count: number } {
  const counted = { count: 0 }
  const channel = diagnostics.tracingChannel<string, object>('rocketmq:connection')
  const subscribers = {
    error: (trace: object) => {
      assert.match((trace as ConnectionTrace).address, /:\d+$/)
      counted.count++
    },
  } as unknown as Parameters<typeof channel.subscribe>[0]
  channel.subscribe(subscribers)
  atEnd(t, () => channel.unsubscribe(subscribers))
  return counted
}

test('sends continue with another broker when one is gone, and with avoidSlowBrokers it is asked once', async (t) => {
  const { namesrvAddr: nameServers, second } = await twoBrokers(t)
  for (const avoidSlowBrokers of [false, true]) {
    const mq = new RocketMQ({ nameServers })
    atEnd(t, () => mq.close())
    const producer = await mq.producer({ avoidSlowBrokers })
    const names = new Set<string>()
    for (let i = 0; i < 8; i++) {
      const { messageQueue } = await producer.send({ topic: 'T', body: 'b' })
      names.add(messageQueue.brokerName)
    }
    if (!avoidSlowBrokers) {
      assert.deepEqual([...names].sort(), ['a', 'b'])
      await second.stop()
    }
    const counted = refusals(t)
    for (let i = 0; i < 12; i++) {
      const { messageQueue } = await producer.send({ topic: 'T', body: 'b' })
      assert.equal(messageQueue.brokerName, 'a')
    }
    if (avoidSlowBrokers) assert.ok(counted.count <= 1, `${counted.count} refusals`)
    else assert.ok(counted.count >= 1, `${counted.count} refusals`)
  }
})

test('messages of one sharding key stay in one queue, by the hash that Java clients use', async (t) => {
  const { namesrvAddr: nameServers } = await serverFor(t)
  await createTopic(nameServers, 'T', 4)
  const mq = new RocketMQ({ nameServers })
  atEnd(t, () => mq.close())
  const producer = await mq.producer()
  const queueOf = async (shardingKey: string): Promise<number> =>
    (await producer.send({ topic: 'T', body: 'b', shardingKey })).messageQueue.queueId
  // `String.hashCode` of hello is 99162322.
  assert.equal(await queueOf('hello'), 99162322 % 4)
  const all = await Promise.all(Array.from({ length: 20 }, () => queueOf('order-7')))
  assert.equal(new Set(all).size, 1)
})

test('with the VIP channel sends go to the port two below the broker’s own, and are stored', async (t) => {
  const { namesrvAddr: nameServers, brokerPort = 0 } = await serverFor(t)
  await createTopic(nameServers, 'T', 1)
  const addresses: string[] = []
  const env = nodeEnv(silentEvents)
  const connect: Env['net']['connect'] = (address) => {
    addresses.push(`${address.host}:${address.port}`)
    return env.net.connect(address)
  }
  const mq = new RocketMQ({ nameServers }, { ...env, net: { ...env.net, connect } })
  atEnd(t, () => mq.close())
  const producer = await mq.producer({ vipChannel: true })
  assert.equal((await producer.send({ topic: 'T', body: 'b' })).queueOffset, 0)
  assert.ok(addresses.includes(`127.0.0.1:${brokerPort - 2}`), addresses.join())
})

test('sends wait for room when too many bytes are on their way, and all arrive', async (t) => {
  const { namesrvAddr: nameServers } = await serverFor(t)
  await createTopic(nameServers, 'T', 1)
  const env = nodeEnv(silentEvents)
  let most = 0
  // What one write to a socket holds is what was sent in one turn.
  const connect: Env['net']['connect'] = async (address) => {
    const socket = await env.net.connect(address)
    const write = socket.write.bind(socket)
    socket.write = (data) => {
      most = Math.max(most, data.length)
      return write(data)
    }
    return socket
  }
  const mq = new RocketMQ({ nameServers }, { ...env, net: { ...env.net, connect } })
  atEnd(t, () => mq.close())
  const producer = await mq.producer({ maxInFlightBytes: 10_000, compressOverBytes: 1e9 })
  const body = Buffer.alloc(1_000, 'x')
  const sends = Array.from({ length: 200 }, () => producer.send({ topic: 'T', body }))
  const results = await Promise.all(sends)
  assert.equal(new Set(results.map((each) => each.queueOffset)).size, 200)
  assert.ok(most > 5_000 && most < 16_000, `${most} bytes in one turn`)
})

test('connections are encrypted when the certificate is trusted; otherwise the error says what to do', async (t) => {
  const { namesrvPort = 0, namesrvAddr } = await serverFor(t)
  await createTopic(namesrvAddr, 'T', 1)
  const folder = fileURLToPath(new URL('../../integration/golden/tls/', import.meta.url))
  const ca = readFileSync(`${folder}certificate.pem`)
  const key = readFileSync(`${folder}key.pem`)
  const front = tls.createServer({ cert: ca, key }, (socket) => {
    const onward = net.connect(namesrvPort, '127.0.0.1')
    socket.pipe(onward).pipe(socket)
    for (const each of [socket, onward]) each.on('error', () => onward.destroy())
  })
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  atEnd(t, () => front.close())
  const nameServers = `127.0.0.1:${(front.address() as AddressInfo).port}`
  const brokers = async (options: object): Promise<number> => {
    const mq = new RocketMQ({ nameServers, ...options })
    try {
      return (await mq.admin().brokers.clusters()).brokerAddrTable.size
    } finally {
      await mq.close()
    }
  }
  assert.equal(await brokers({ tls: { ca, servername: 'localhost' } }), 1)
  await assert.rejects(brokers({ tls: true }), {
    code: 'RMQ_NAME_SERVER',
    message: /SELF_SIGNED_CERT.*Give the option tls the certificates to trust/,
  })
  await assert.rejects(brokers({}), { message: /or it wants TLS \(the option tls\)/ })
})

test('a producer whose broker comes back sends again without being recreated', async (t) => {
  const { namesrvAddr: nameServers, second } = await twoBrokers(t)
  const mq = new RocketMQ({ nameServers, pollNameServerMs: 50 })
  atEnd(t, () => mq.close())
  const producer = await mq.producer()
  await producer.send({ topic: 'T', body: 'b' })
  const { brokerPort } = second
  await second.stop()
  const again = await serverFor(t, {
    namesrv: false,
    namesrvAddr: nameServers,
    ...(brokerPort === undefined ? {} : { brokerPort }),
    set: ['brokerName=b'],
  })
  assert.equal(again.brokerPort, brokerPort)
  await createTopic(nameServers, 'T', 2)
  for (let name = ''; name !== 'b';) {
    name = (await producer.send({ topic: 'T', body: 'b' })).messageQueue.brokerName
  }
})

/** A host on which connecting to a port has no answer, and how often that was tried. */
function unanswered(port: number | undefined) {
  const env = nodeEnv(silentEvents)
  const state = { isDown: true, tries: 0 }
  const connect: Env['net']['connect'] = (address) => {
    if (address.port !== port || !state.isDown) return env.net.connect(address)
    state.tries++
    return new Promise((_resolve, reject) => {
      const error = Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })
      env.clock.after(address.timeoutMs, () => {
        reject(error)
      })
    })
  }
  return { state, host: { ...env, net: { ...env.net, connect } } }
}

test('a broker whose address swallows what is sent there costs one send a third of its time, and is left alone until it answers', async (t) => {
  const { namesrvAddr: nameServers, second } = await twoBrokers(t)
  const { state, host } = unanswered(second.brokerPort)
  const mq = new RocketMQ({ nameServers, heartbeatMs: 4_000 }, host)
  atEnd(t, () => mq.close({ timeout: 1_000 }))
  const producer = await mq.producer()
  const send = async (): Promise<string> =>
    (await producer.send({ topic: 'T', body: 'b' })).messageQueue.brokerName
  for (let i = 0; i < 12; i++) assert.equal(await send(), 'a')
  assert.ok(state.tries <= 2, `${state.tries} tries`)
  state.isDown = false
  while ((await send()) !== 'b');
})

test('a send that reaches no broker at all ends in its time, and says of each what was wrong', async (t) => {
  const { namesrvAddr: nameServers, first, second } = await twoBrokers(t)
  const { host } = unanswered(second.brokerPort)
  const mq = new RocketMQ({ nameServers }, host)
  atEnd(t, () => mq.close({ timeout: 1_000 }))
  const producer = await mq.producer({ sendTimeoutMs: 2_500 })
  await producer.send({ topic: 'T', body: 'b' })
  await first.stop()
  // The connection that it had is found to be gone.
  await assert.rejects(producer.send({ topic: 'T', body: 'b' }))
  const error = await producer.send({ topic: 'T', body: 'b' }).then(
    () => assert.fail('it was stored'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof SendError, String(error))
  const said = error.attempts.map((each) => `${each.brokerName} ${each.error.name}`)
  assert.deepEqual(said.sort(), ['a RMQ_CONNECT', 'b RMQ_TIMEOUT'])
})

test('a broker that is there again is sent to when there is no other, though it did not answer before', async (t) => {
  const { namesrvAddr: nameServers, first, second } = await twoBrokers(t)
  const { state, host } = unanswered(second.brokerPort)
  const mq = new RocketMQ({ nameServers }, host)
  atEnd(t, () => mq.close({ timeout: 1_000 }))
  const producer = await mq.producer()
  await producer.send({ topic: 'T', body: 'b' })
  while (state.tries === 0) await producer.send({ topic: 'T', body: 'b' })
  state.isDown = false
  await first.stop()
  const { messageQueue } = await producer.send({ topic: 'T', body: 'b' }, { timeout: 20_000 })
  assert.equal(messageQueue.brokerName, 'b')
})
