/** Does with the client of this repository what the lines of its standard input say; `peers.mjs` tells which there are. */
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { RocketMQ } from '@skylarkmq/client'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const producers = new Map()
const members = new Map()

function tell({ id }, event, more = {}) {
  process.stdout.write(JSON.stringify({ id, event, ...more }) + '\n')
}

function messageOf(topic, { body, tag, keys, properties }) {
  return {
    topic,
    body: Buffer.from(body, 'base64'),
    ...(tag === undefined ? {} : { tag }),
    ...(keys === undefined ? {} : { keys: keys.split(' ') }),
    ...(properties === undefined ? {} : { properties }),
  }
}

function producerOf({ nameServer }) {
  const known = producers.get(nameServer)
  if (known !== undefined) return known
  const mq = new RocketMQ({ nameServers: nameServer, logger: silent })
  const made = mq.producer({ group: 'node-peer', sendTimeoutMs: 10_000 })
  producers.set(nameServer, made)
  return made
}

const does = {
  async consume(command) {
    const { id, nameServer, group, topic, ordered, clientId, directory } = command
    const mq = new RocketMQ({ nameServers: nameServer, clientId, logger: silent })
    const consumer = await mq.consumer({
      group,
      subscriptions: { [topic]: '*' },
      consumeFrom: 'first',
      ordered,
      ...(clientId === undefined ? {} : { model: 'BROADCASTING', offsetsDirectory: directory }),
    })
    members.set(id, mq)
    await consumer.run((message) => take(command, message))
    tell(command, 'ready')
  },
  async stop(command) {
    await members.get(command.member).close()
    tell(command, 'stopped')
  },
  async produce(command) {
    const producer = await producerOf(command)
    const statuses = []
    for (const each of command.messages) {
      const queue = each.queue === undefined ? {} : { queue: each.queue }
      const { status } = await producer.send(messageOf(command.topic, each), queue)
      statuses.push(status)
    }
    tell(command, 'sent', { statuses })
  },
  async request(command) {
    const producer = await producerOf(command)
    const { body } = await producer.request(messageOf(command.topic, command), { timeout: 10_000 })
    tell(command, 'replied', { body: body.toString('base64') })
  },
  /** With a body, a half message is left open; whoever asks about one is told what `answer` says. */
  async transact(command) {
    const mq = new RocketMQ({ nameServers: command.nameServer, logger: silent })
    const producer = await mq.transactionProducer({
      group: command.group,
      check: ({ body }) => {
        tell(command, 'checked', { body: body.toString('base64') })
        return command.answer
      },
    })
    if (command.body !== undefined) {
      await producer.send(messageOf(command.topic, command), () => 'unknown')
    }
    tell(command, 'ready')
  },
}

async function take(command, message) {
  const begin = Date.now()
  if (command.workMs > 0) await pause(command.workMs)
  if (command.replies && message.properties.has('REPLY_TO_CLIENT')) {
    const producer = await producerOf(command)
    await producer.reply(message, Buffer.concat([Buffer.from('node: '), message.body]))
  }
  const own = [...message.properties].filter(([name]) => name.startsWith('own')).sort()
  tell(command, 'got', {
    queueId: message.messageQueue.queueId,
    begin,
    end: Date.now(),
    body: message.body.toString('base64'),
    tag: message.tag,
    keys: message.keys.join(' '),
    properties: Object.fromEntries(own),
  })
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line)
    does[command.do](command).catch((error) => tell(command, 'failed', { error: error.message }))
  })
  .on('close', () => process.exit(0))
