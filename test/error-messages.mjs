/**
 * `npm run error-messages`: provokes what users of RocketMQ meet most and prints what this client says, to be read as its
 * user reads it. Ends with 1 when something else than expected happens.
 *
 *   --only NAME   cases whose name contains this
 */
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import { parseArgs } from 'node:util'
import { RocketMQ } from '@skylarkmq/client'
import { nodeEnv, silentEvents } from '@skylarkmq/env'
import { decodeCommand, writeReply } from '@skylarkmq/protocol'
import { RemotingServer } from '@skylarkmq/remoting'
import { startServer } from '@skylarkmq/testing'

const { values: options } = parseArgs({ options: { only: { type: 'string', default: '' } } })
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const closers = []

async function server(settings = {}, topics = {}) {
  const made = await startServer({ settings, topics })
  closers.push(() => made.close())
  return made
}

/** `host:port` of something that is no name server. */
async function listening(other) {
  const sockets = new Set()
  other.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)))
  await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    other.close()
  })
  return `127.0.0.1:${other.address().port}`
}

/** A broker, or a name server, that answers everything alike. */
async function answering(code, remark) {
  const other = new RemotingServer(nodeEnv(silentEvents), {
    dispatch: (connection, frame) => {
      writeReply(connection.output(), decodeCommand(frame).opaque, { code, remark })
    },
  })
  const port = await other.listen('127.0.0.1', 0)
  other.serve()
  closers.push(() => other.close())
  return `127.0.0.1:${port}`
}

function client(more) {
  const mq = new RocketMQ({ logger: silent, startTimeoutMs: 0, ...more })
  closers.push(() => mq.close({ timeout: 200 }))
  return mq
}

const clientOf = ({ nameServers }) => client({ nameServers })

async function send(more, topic = 'TopicTest', send = {}) {
  const producer = await client(more).producer({ sendTimeoutMs: 1_500 })
  return producer.send({ topic, body: 'b' }, send)
}

const closedPort = async () => {
  const other = net.createServer()
  await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address()
  await new Promise((resolve) => other.close(resolve))
  return `127.0.0.1:${port}`
}

/** Code that is expected, what has to be in the message, and what provokes it. */
const cases = {
  'no name server': [
    'RMQ_NAME_SERVER',
    /ECONNREFUSED.*Start one/,
    async () => send({ nameServers: await closedPort() }),
  ],
  'a name that is not known': [
    'RMQ_NAME_SERVER',
    /(ENOTFOUND|EAI_AGAIN).*resolver does not know/,
    () => send({ nameServers: 'no-such-host.invalid:9876' }),
  ],
  'a name server that says nothing': [
    'RMQ_NAME_SERVER',
    /check that it is a name server/,
    async () => send({ nameServers: await listening(net.createServer()), timeout: 1_000 }),
  ],
  'no broker registered': [
    'RMQ_TOPIC_NOT_FOUND',
    /no broker at all/,
    async () => {
      const { nameServers, broker } = await server()
      await broker.stop()
      return send({ nameServers })
    },
  ],
  'a typing error in the topic': [
    'RMQ_TOPIC_NOT_FOUND',
    /Did you mean TopicTest/,
    async () => {
      const { nameServers } = await server({ autoCreateTopicEnable: false }, { TopicTest: 1 })
      return send({ nameServers }, 'TopicTset')
    },
  ],
  'a topic of no namespace': [
    'RMQ_TOPIC_NOT_FOUND',
    /without the option namespace/,
    async () => {
      const { nameServers } = await server({ autoCreateTopicEnable: false }, { TopicTest: 1 })
      return send({ nameServers, namespace: 'prod' })
    },
  ],
  'a topic that may only be read': [
    'RMQ_TOPIC_NOT_FOUND',
    /permission/,
    async () => {
      const { nameServers } = await server()
      await client({ nameServers }).admin().topics.create('TopicTest', { perm: 4 })
      return send({ nameServers })
    },
  ],
  'a broker that advertises an address nobody reaches': [
    'RMQ_CONNECT',
    /brokerIP1/,
    async () => {
      const { nameServers } = await server({ brokerIP1: '127.1.2.3' })
      return send({ nameServers })
    },
  ],
  'a broker that was killed': [
    'RMQ_SEND',
    /ECONNREFUSED.*was reached there before/,
    async () => {
      const made = await server({}, { TopicTest: 1 })
      const producer = await clientOf(made).producer()
      await producer.send({ topic: 'TopicTest', body: 'b' })
      made.broker.kill()
      return producer.send({ topic: 'TopicTest', body: 'b' }, { timeout: 1_500 })
    },
  ],
  'the port of the broker': [
    'RMQ_WRONG_PORT',
    /is a broker, not a name server/,
    async () => {
      const { broker } = await server()
      return send({ nameServers: broker.address })
    },
  ],
  'the port of a gRPC proxy': [
    'RMQ_WRONG_PORT',
    /9876/,
    async () => send({ nameServers: await listening(http2.createServer()) }),
  ],
  'the port of a dashboard': [
    'RMQ_WRONG_PORT',
    /9876/,
    async () => send({ nameServers: await listening(http.createServer()) }),
  ],
  'a port that wants TLS': [
    'RMQ_WRONG_PORT',
    /option tls/,
    async () => {
      const alert = net.createServer((socket) =>
        socket.once('data', () => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 10]))),
      )
      return send({ nameServers: await listening(alert) })
    },
  ],
  'a broker that does not answer in time': [
    'RMQ_TIMEOUT',
    /no answer came/,
    async () => {
      const made = await server({}, { TopicTest: 1 })
      const producer = await clientOf(made).producer()
      await producer.send({ topic: 'TopicTest', body: 'b' })
      made.network.delay(60_000)
      return producer.send({ topic: 'TopicTest', body: 'b' }, { timeout: 200 })
    },
  ],
  'more bytes than may be in flight': [
    'RMQ_TIMEOUT',
    /maxInFlightBytes/,
    async () => {
      const made = await server({}, { TopicTest: 1 })
      const producer = await clientOf(made).producer({
        sendTimeoutMs: 5_000,
        maxInFlightBytes: 100,
      })
      await producer.send({ topic: 'TopicTest', body: 'b' })
      made.network.delay(60_000)
      producer.send({ topic: 'TopicTest', body: 'b'.repeat(100) }).catch(() => undefined)
      return producer.send({ topic: 'TopicTest', body: 'b' }, { timeout: 100 })
    },
  ],
  'a request that nobody replies to': [
    'RMQ_TIMEOUT',
    /nobody replied/,
    async () => {
      const made = await server({}, { TopicTest: 1 })
      const producer = await clientOf(made).producer()
      await producer.send({ topic: 'TopicTest', body: 'b' })
      return producer.request({ topic: 'TopicTest', body: 'b' }, { timeout: 200 })
    },
  ],
  'a message that is too large': [
    'RMQ_MESSAGE',
    /4194304/,
    async () => {
      const made = await server({}, { TopicTest: 1 })
      const producer = await clientOf(made).producer({ compressOverBytes: Infinity })
      return producer.send({ topic: 'TopicTest', body: Buffer.alloc(5_000_000) })
    },
  ],
  'a broker with a smaller limit': [
    'RMQ_BROKER',
    /maxMessageSize/,
    async () => {
      const made = await server({ maxMessageSize: 1000 }, { TopicTest: 1 })
      return send({ nameServers: made.nameServers }, 'TopicTest').then(async () => {
        const producer = await clientOf(made).producer({ group: 'large' })
        return producer.send({ topic: 'TopicTest', body: 'b'.repeat(2_000) })
      })
    },
  ],
  'a broker that may not be written': [
    'RMQ_TOPIC_NOT_FOUND',
    /brokerPermission/,
    async () => {
      const made = await server({ brokerPermission: 4 }, { TopicTest: 1 })
      return send({ nameServers: made.nameServers })
    },
  ],
  'SQL92 where it is not enabled': [
    'RMQ_BROKER',
    /Set enablePropertyFilter=true/,
    async () => {
      const made = await server({ enablePropertyFilter: false }, { TopicTest: 1 })
      const consumer = await clientOf(made).consumer({
        group: 'g',
        subscriptions: { TopicTest: { sql: 'a > 1' } },
      })
      return consumer.run(() => undefined)
    },
  ],
  'SQL92 that cannot be read': [
    'RMQ_BROKER',
    /Correct the expression/,
    async () => {
      const made = await server({ enablePropertyFilter: true }, { TopicTest: 1 })
      const consumer = await clientOf(made).consumer({
        group: 'g',
        subscriptions: { TopicTest: { sql: 'a >' } },
      })
      return consumer.run(() => undefined)
    },
  ],
  'a group that has no member': [
    'RMQ_BROKER',
    /groups\.connections/,
    async () => {
      const made = await server({}, { TopicTest: 1 })
      return clientOf(made).admin().groups.runningInfo('nobody', 'client')
    },
  ],
  'members of a group that want different things': [
    'RMQ_OPTION',
    /all members of a group must want the same/,
    async () => {
      const mq = clientOf(await server({}, { TopicTest: 1 }))
      await mq.consumer({ group: 'g', subscriptions: { TopicTest: 'a' } })
      return mq.consumer({ group: 'g', subscriptions: { TopicTest: 'b' } })
    },
  ],
  'an account that is not known': [
    'RMQ_AUTH',
    /accessKey and secretKey/,
    async () => {
      const says = 'org.apache.rocketmq.acl.common.AclException: No acl config for someone'
      return send({ nameServers: await answering(1, says) })
    },
  ],
  'a broker that is busy': [
    'RMQ_FLOW_CONTROL',
    /overloaded or its disk is slow/,
    async () => {
      const says = '[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while'
      return send({ nameServers: await answering(2, says) })
    },
  ],
  'an address without a port': [
    'RMQ_OPTION',
    /host:port/,
    async () => send({ nameServers: 'localhost' }),
  ],
  'a topic name that cannot be': [
    'RMQ_MESSAGE',
    /topic/,
    async () => {
      const made = await server()
      return send({ nameServers: made.nameServers }, 'no topic!')
    },
  ],
  'a client that was closed': [
    'RMQ_CLOSED',
    /Make a new one/,
    async () => {
      const made = await server()
      const mq = clientOf(made)
      const producer = await mq.producer()
      await mq.close()
      return producer.send({ topic: 'TopicTest', body: 'b' })
    },
  ],
}

let wrong = 0
for (const [name, [code, pattern, provoke]] of Object.entries(cases)) {
  if (!name.includes(options.only)) continue
  const error = await provoke().then(
    () => undefined,
    (thrown) => thrown,
  )
  const isRight = error?.code === code && pattern.test(error.message)
  if (!isRight) wrong++
  console.log(`${isRight ? '' : 'NOT AS EXPECTED '}${name}\n  ${error?.code}: ${error?.message}\n`)
}
for (const close of closers.reverse()) await close()
process.exitCode = wrong === 0 ? 0 : 1
