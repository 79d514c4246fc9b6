// Sends or consumes messages with our client and prints what that cost this process, as one line of JSON.
// Takes the same arguments as main.go.
import { parseArgs } from 'node:util'
import { RocketMQ } from '@skylarkmq/client'

const { values } = parseArgs({
  options: {
    mode: { type: 'string', default: 'send' },
    nameserver: { type: 'string' },
    topic: { type: 'string' },
    group: { type: 'string' },
    count: { type: 'string', default: '100000' },
    warm: { type: 'string', default: '20000' },
    size: { type: 'string', default: '1024' },
    outstanding: { type: 'string', default: '64' },
    batch: { type: 'string', default: '1' },
    turns: { type: 'string', default: 'no' },
  },
})
const { topic, group } = values
const [count, warm, size, outstanding, batch] = [
  values.count,
  values.warm,
  values.size,
  values.outstanding,
  values.batch,
].map(Number)

/**
 * Looks at each turn of the event loop, which never rests meanwhile; the result says how long the longest took, ms. A turn
 * counts as no longer than the CPU time that it took: on a crowded machine others run in between.
 */
function watchTurns() {
  let longestMs = 0
  let isOver = false
  let began = performance.now()
  let cpu = process.cpuUsage()
  const look = () => {
    const now = performance.now()
    const { user, system } = process.cpuUsage(cpu)
    longestMs = Math.max(longestMs, Math.min(now - began, (user + system) / 1000))
    began = now
    cpu = process.cpuUsage()
    if (!isOver) setImmediate(look)
  }
  setImmediate(look)
  return () => {
    isOver = true
    return longestMs
  }
}

/** Begins a stretch that is measured; the result ends and prints it. */
function begin() {
  const began = performance.now()
  const cpu = process.cpuUsage()
  const turns = values.turns === 'yes' ? watchTurns() : undefined
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    const cpuSeconds = (user + system) / 1e6
    const seconds = (performance.now() - began) / 1000
    const longestMs = turns?.()
    console.log(JSON.stringify({ messages: count, cpuSeconds, seconds, longestMs }))
  }
}

async function sendAll(producer, n) {
  const body = Buffer.alloc(size, 'x')
  let left = n
  const sendOne = async () => {
    const { status } = await producer.send({ topic, body, tag: 'tag' })
    return status
  }
  const sendSome = async () => {
    const messages = Array.from({ length: batch }, () => ({ topic, body, tag: 'tag' }))
    const [{ status }] = await producer.sendBatch(messages)
    return status
  }
  const one = async () => {
    while ((left -= batch) >= 0) {
      const status = batch === 1 ? await sendOne() : await sendSome()
      if (status !== 'SEND_OK') throw new Error(status)
    }
  }
  await Promise.all(Array.from({ length: outstanding }, one))
}

async function consumeAll(mq) {
  const consumer = await mq.consumer({
    group,
    subscriptions: { [topic]: '*' },
    consumeFrom: 'first',
    concurrency: outstanding,
  })
  let seen = 0
  let end
  await new Promise((resolve, reject) => {
    consumer
      .run(() => {
        seen += 1
        if (seen === warm) end = begin()
        if (seen === warm + count) resolve()
      })
      .catch(reject)
  })
  end()
}

const mq = new RocketMQ({ nameServers: values.nameserver })
if (values.mode === 'send') {
  const producer = await mq.producer({ group })
  await sendAll(producer, warm)
  const end = begin()
  await sendAll(producer, count)
  end()
} else {
  await consumeAll(mq)
}
await mq.close()
