/**
 * A process with a consumer, a producer and a producer of transactions, which closes its client when it is told to and must
 * then end by itself. Argument: JSON `{ nameServer, topic, group, ports, timeout }`; `ports` gives the port of the proxy for
 * `host:port` of each server. Lines on standard input: `detour ADDRESS`, `close`.
 */
import { createInterface } from 'node:readline'
import { RocketMQ } from '@skylarkmq/client'
import { hostBehind } from '@skylarkmq/testing'

const { nameServer, topic, group, ports, timeout } = JSON.parse(process.argv[2])
const silent = { debug() {}, info() {}, warn() {}, error() {} }
let everything
const through = (target) =>
  everything ?? (target in ports ? `127.0.0.1:${ports[target]}` : undefined)
const mq = new RocketMQ({ nameServers: nameServer, logger: silent }, hostBehind([], through))
const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, ordered: true })
await consumer.run(() => undefined)
const producer = await mq.producer({ group: `${group}-producer` })
await producer.send({ topic, body: 'closer' })
const transactions = await mq.transactionProducer({ group: `${group}-tx`, check: () => 'commit' })
await transactions.send({ topic, body: 'closer' }, () => 'commit')
console.log('ready')

const lines = createInterface({ input: process.stdin })
for await (const line of lines) {
  const [command, address] = line.split(' ')
  if (command === 'detour') everything = address
  if (command !== 'close') continue
  // What is on its way when it closes.
  producer.send({ topic, body: 'closer' }).catch(() => undefined)
  const began = performance.now()
  await mq.close({ timeout })
  console.log(`closed ${Math.round(performance.now() - began)}`)
  lines.close()
  process.stdin.destroy()
  break
}
