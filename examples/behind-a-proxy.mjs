// What becomes of sends and of a consumer when the network fails: through proxies before the servers, of any make.
// Run it: node examples/behind-a-proxy.mjs 127.0.0.1:9876
import { RocketMQ } from '@skylarkmq/client'
import { ChaosProxy, hostBehind } from '@skylarkmq/testing'

const nameServers = process.argv[2]
const topic = 'BehindAProxy'
const admin = new RocketMQ({ nameServers })
const masters = await admin.admin().brokers.masters()
const brokers = await Promise.all(masters.map(({ address }) => ChaosProxy.start(address)))

const mq = new RocketMQ({ nameServers }, hostBehind(brokers))
const producer = await mq.producer({ group: 'example-behind-a-proxy' })
const consumer = await mq.consumer({
  group: 'example-behind-a-proxy',
  subscriptions: { [topic]: '*' },
  consumeFrom: 'first',
})
const got = new Set()
let all
const done = new Promise((resolve) => (all = resolve))
await consumer.run((message) => {
  got.add(message.body.toString())
  if (got.size === 4) all()
})

const faults = {
  'as usual': () => undefined,
  reset: (broker) => broker.cut('rst'),
  late: (broker) => broker.set({ latencyMs: 100 }),
  forgotten: (broker) => broker.forget(),
}
for (const [name, begin] of Object.entries(faults)) {
  for (const broker of brokers) begin(broker)
  await producer.send({ topic, body: name }, { timeout: 20_000 })
  console.log(`sent ${name}`)
  for (const broker of brokers) broker.heal()
}
await done
console.log(`got ${got.size}`)

await mq.close({ timeout: 5_000 })
await admin.close()
await Promise.all(brokers.map((broker) => broker.close()))
