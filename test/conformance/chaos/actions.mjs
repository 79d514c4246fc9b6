/** What goes on while a fault lasts, each through a client of its own behind the proxies: sends, a consumer, transactions. */
import { setTimeout as pause } from 'node:timers/promises'
import { RocketMQ } from '@skylarkmq/client'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
/** Between two sends, ms. */
const EVERY_MS = 20
const textOf = (message) => message.body.toString()

/** Notes what was consumed: how often each, and the latest of them. */
export class Taken {
  counts = new Map()
  /** @type {(text: string) => void} */
  onTaken = () => undefined

  add(text) {
    this.counts.set(text, (this.counts.get(text) ?? 0) + 1)
    this.onTaken(text)
  }

  get duplicates() {
    return [...this.counts.values()].reduce((sum, count) => sum + count - 1, 0)
  }
}

/** When something succeeded for the first time of all that was begun after a moment, in ms from then. */
export class Recovery {
  #fromMs = Infinity
  #resolve = () => undefined
  first = new Promise((resolve) => (this.#resolve = resolve))

  from(atMs) {
    this.#fromMs = atMs
  }

  succeeded(beganMs) {
    if (beganMs >= this.#fromMs) this.#resolve(performance.now() - this.#fromMs)
  }
}

/** Sends one message after the other. */
export async function sending(on, label, clientEnv) {
  const mq = new RocketMQ({ nameServers: on.nameServerAddress, logger: silent }, clientEnv)
  const producer = await mq.producer({ group: 'chaos-send' })
  const loop = looping(mq, async (number) => {
    const body = `${label} ${number}`
    loop.began.set(body, performance.now())
    await producer.send({ topic: on.topic, body })
    return body
  })
  return loop
}

/** Sends transactions, of which every third is rolled back and every third decided when the broker asks. */
export async function transacting(on, label, clientEnv) {
  const mq = new RocketMQ({ nameServers: on.nameServerAddress, logger: silent }, clientEnv)
  const decisions = new Map()
  const check = (message) => decisions.get(textOf(message)) ?? 'rollback'
  const producer = await mq.transactionProducer({ group: `chaos-tx-${on.topic}`, check })
  const rolledBack = []
  const loop = looping(mq, async (number) => {
    const body = `${label} ${number}`
    await producer.send({ topic: on.txTopic, body }, () => {
      const decision = number % 3 === 0 ? 'rollback' : 'commit'
      decisions.set(body, decision)
      return number % 3 === 2 ? 'unknown' : decision
    })
    if (number % 3 !== 0) return body
    rolledBack.push(body)
    return undefined
  })
  return Object.assign(loop, { rolledBack })
}

/** Does something again and again until it is stopped; `succeeded` hears of each success. */
function looping(mq, act) {
  const recovery = new Recovery()
  /** `began` is of those who send: when each message was sent first, for who consumes it. */
  const counts = { acknowledged: [], began: new Map(), failed: 0 }
  const loop = { ...counts, recovery, stop, end }
  let isOver = false
  const run = async (resolveReady) => {
    await pause(0)
    for (let number = 1; !isOver; number++) {
      const began = performance.now()
      try {
        const body = await act(number)
        if (body !== undefined) loop.acknowledged.push(body)
        loop.recovery.succeeded(began)
        resolveReady()
      } catch (error) {
        if (!String(error.code).startsWith('RMQ_')) throw error
        loop.failed++
      }
      await pause(EVERY_MS)
    }
  }
  let running
  loop.ready = new Promise((resolve, reject) => {
    running = run(resolve)
    running.catch(reject)
  })
  loop.ready.catch(() => undefined)
  // Whoever waits hears of it; nobody may wait yet.
  running.catch(() => undefined)
  async function stop() {
    isOver = true
    await running
  }
  async function end() {
    isOver = true
    await mq.close({ timeout: 2_000 })
  }
  return loop
}

/** Consumes what others send. */
export async function consuming(on, topic, group, clientEnv) {
  const mq = new RocketMQ({ nameServers: on.nameServerAddress, logger: silent }, clientEnv)
  const taken = new Taken()
  const subscriptions = { [topic]: '*' }
  const consumer = await mq.consumer({ group, subscriptions, consumeFrom: 'first' })
  await consumer.run((message) => taken.add(textOf(message)))
  return { taken, end: () => mq.close({ timeout: 2_000 }) }
}
