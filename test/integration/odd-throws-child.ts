// A process of its own for odd-throws.test.ts: each kind of function that a user gives the client throws everything that can
// be thrown. Prints as JSON what did not go as it is to go; what ends the process ends it.
import { setTimeout as pause } from 'node:timers/promises'
import {
  allocateAveragely,
  PushConsumer,
  Unrecoverable,
  type ConsumeResult,
  type RocketMQ,
  type Serde,
  type TransactionDecision,
} from '@skylarkmq/client'
import { startServer, type TestServer } from '@skylarkmq/testing'
import { ODD_THROWS } from './odd-throws.ts'

const failures: string[] = []
const names = Object.keys(ODD_THROWS)

function thrower(index: number): never {
  throw Object.values(ODD_THROWS)[index % names.length]?.()
}

/** Both ways of throwing: at once, and later. */
function either(index: number): unknown {
  if (index % 2 === 0) thrower(index)
  return pause(1).then(() => thrower(index))
}

interface Told {
  readonly event: string
  readonly text: string
}

/** A client, and what it has told so far. */
function clientOf(server: TestServer): { readonly mq: RocketMQ; readonly told: Told[] } {
  const told: Told[] = []
  const log = (fields: object, text: string): void => {
    told.push({ event: (fields as { readonly event: string }).event, text })
  }
  const mq = server.client({ logger: { debug: log, info: log, warn: log, error: log } })
  return { mq, told }
}

/** Waits for what has to come; what does not is a failure of the kind, not of the test's time. */
async function until(
  kind: string,
  what: string,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let i = 0; i < 6000; i++) {
    if (await holds()) return
    await pause(5)
  }
  failures.push(`${kind}: ${what} did not come`)
}

async function fill(mq: RocketMQ, topic: string, count: number): Promise<void> {
  const producer = await mq.producer()
  for (let i = 0; i < count; i++) await producer.send({ topic, body: String(i) })
}

/** Each throw twice: at once and later. */
const TWICE = names.length * 2
const times = (told: readonly Told[], event: string): number =>
  told.filter((each) => each.event === event).length

async function handlers(server: TestServer, ordered: boolean): Promise<void> {
  const kind = ordered ? 'handlers in order' : 'handlers'
  const topic = ordered ? 'Ordered' : 'Plain'
  const { mq, told } = clientOf(server)
  await fill(mq, topic, TWICE)
  const consumer = await mq.consumer({
    ...{ group: `g-${topic}`, subscriptions: { [topic]: '*' }, consumeFrom: 'first', ordered },
    suspendCurrentQueueMs: 10,
  })
  const seen = new Set<string>()
  await consumer.run((message) => {
    const text = message.body.toString()
    if (seen.has(text)) return undefined
    seen.add(text)
    const index = Number(text)
    return index < names.length ? thrower(index) : pause(1).then(() => thrower(index))
  })
  await until(kind, 'a word of each throw', () => times(told, 'client.listener.failed') >= TWICE)
  await mq.close()
}

async function listeners(server: TestServer): Promise<void> {
  const { mq } = clientOf(server)
  const answers: readonly unknown[] = [
    ...[
      null,
      0,
      'nonsense',
      {},
      [],
      Symbol('s'),
      Object.create(null) as unknown,
      { delayLevel: NaN },
    ],
    ...[{ suspendMs: 'soon' }, { delayLevel: -Infinity }, new Proxy({}, { get: () => thrower(0) })],
    ...Object.values(ODD_THROWS).map((odd) => odd()),
  ]
  await fill(mq, 'Answers', answers.length + 1)
  const push = new PushConsumer({
    ...{ namesrvAddr: server.nameServers, group: 'g-answers', consumeFrom: 'first' },
  })
  push.subscribe('Answers')
  const seen = new Set<string>()
  await push.start(({ body }) => {
    const text = body.toString()
    seen.add(text)
    return answers[Number(text)] as ConsumeResult
  })
  await until('answers of listeners', 'each message', () => seen.size > answers.length)
  await push.close()
  await mq.close()
}

async function serdes(server: TestServer): Promise<void> {
  const { mq, told } = clientOf(server)
  await fill(mq, 'Bodies', TWICE)
  const serde: Serde<string> = {
    encode: (value) => either(Number(value)) as string,
    decode: (body) => either(Number(body.toString())) as string,
  }
  const consumer = await mq.consumer({
    ...{ group: 'g-bodies', subscriptions: { Bodies: '*' }, consumeFrom: 'first', serde },
    onInvalid: 'skip',
  })
  await consumer.run(() => undefined)
  await until('serdes', 'a word of each', () => times(told, 'client.body.invalid') >= TWICE)
  const producer = await mq.producer({ serde })
  for (let i = 0; i < TWICE; i++) {
    await rejects('serdes', 'RMQ_SERDE', producer.send({ topic: 'Bodies', body: String(i) }))
  }
  await mq.close()
}

async function rejects(kind: string, code: string, call: Promise<unknown>): Promise<void> {
  try {
    await call
    failures.push(`${kind}: a call did not reject`)
  } catch (error) {
    // What the user's own function threw comes back as it is, and cannot be looked at.
    const found = code === '' ? code : (error as { readonly code?: unknown }).code
    if (found !== code) failures.push(`${kind}: rejected with ${String(found)}`)
  }
}

async function checks(server: TestServer): Promise<void> {
  const { mq, told } = clientOf(server)
  const decisions: readonly unknown[] = [
    ...[null, 'maybe', {}, 7, Symbol('s'), Object.create(null) as unknown, 'toString', '__proto__'],
  ]
  const count = TWICE + decisions.length
  const producer = await mq.transactionProducer({
    group: 'g-checks',
    check: ({ body }) => {
      const index = Number(body.toString())
      if (index < TWICE) return either(index) as TransactionDecision
      return decisions[index - TWICE] as TransactionDecision
    },
  })
  for (let i = 0; i < count; i++) {
    await producer.send({ topic: 'Halves', body: String(i) }, () => 'unknown')
  }
  for (let i = 0; i < 20 && times(told, 'client.transaction.failed') < count; i++) {
    await server.clock.advance('30s')
  }
  await until('checks', 'a word of each', () => times(told, 'client.transaction.failed') >= count)
  for (let i = 0; i < TWICE; i++) {
    const send = producer.send(
      { topic: 'Halves', body: 'x' },
      () => either(i) as TransactionDecision,
    )
    await rejects('work of transactions', '', send)
  }
  const garbage = producer.send(
    { topic: 'Halves', body: 'x' },
    () => 'maybe' as TransactionDecision,
  )
  await rejects('work of transactions', 'RMQ_OPTION', garbage)
  await mq.close()
}

async function allocation(server: TestServer): Promise<void> {
  const { mq } = clientOf(server)
  await fill(mq, 'Shared', 1)
  // Each is asked once for the topic and once for the retry topic; a consumer for each, for who fails is asked again after 1 s.
  const done = new Set<number>()
  for (let index = 0; index < TWICE; index++) {
    let asked = 0
    const consumer = await mq.consumer({
      ...{ group: `g-allocation-${index}`, subscriptions: { Shared: '*' }, consumeFrom: 'first' },
      allocate: (queues, ids, own) => {
        if (++asked <= 2) return either(index) as []
        return allocateAveragely(queues, ids, own)
      },
    })
    await consumer.run(() => {
      done.add(index)
    })
  }
  await until('allocate', 'its message to each', () => done.size >= TWICE)
  await mq.close()
}

async function selectors(server: TestServer): Promise<void> {
  const { mq } = clientOf(server)
  const producer = await mq.producer()
  const message = { topic: 'Plain', body: 'x' }
  for (let i = 0; i < TWICE; i++) {
    const selector = (): undefined => either(i) as undefined
    await rejects('selectors', '', producer.send(message, { selector }))
    await rejects('selectors', '', producer.sendOneway(message, { selector }))
  }
  await mq.close()
}

async function loggers(server: TestServer): Promise<void> {
  await fill(clientOf(server).mq, 'Shared', 1)
  for (let index = 0; index < TWICE; index++) {
    let count = 0
    let isFailureLogged = false
    let rejections = 0
    const log = (): never => {
      isFailureLogged = count > 0
      return thrower(index)
    }
    const later = (): Promise<never> => {
      isFailureLogged = count > 0
      rejections++
      return pause(1).then(() => {
        rejections--
        thrower(index)
      })
    }
    const logger = { debug: log, info: later, warn: log, error: index % 2 === 0 ? log : later }
    const mq = server.client({ logger })
    const consumer = await mq.consumer({
      ...{ group: `g-loggers-${index}`, subscriptions: { Shared: '*' }, consumeFrom: 'first' },
    })
    await consumer.run(() => {
      count++
      throw new Error('something to log')
    })
    await until('loggers', 'the failure of a handler', () => isFailureLogged && rejections === 0)
    await mq.close()
  }
}

async function readers(server: TestServer): Promise<void> {
  const { mq, told } = clientOf(server)
  await fill(mq, 'Read', TWICE)
  const reader = mq.reader({ topic: 'Read', from: 'first' })
  const seen = new Set<string>()
  await reader.start(({ body }) => {
    seen.add(body.toString())
    return either(Number(body.toString())) as undefined
  })
  await until('readers', 'each message', () => seen.size >= TWICE)
  await until('readers', 'a word of each', () => times(told, 'client.listener.failed') >= TWICE)
  await mq.close()
}

async function signals(server: TestServer): Promise<void> {
  await fill(clientOf(server).mq, 'Shared', 1)
  for (let index = 0; index < names.length; index++) {
    const { mq } = clientOf(server)
    const ends = new AbortController()
    const consumer = await mq.consumer({
      ...{ group: `g-signals-${index}`, subscriptions: { Shared: '*' }, consumeFrom: 'first' },
      signal: ends.signal,
    })
    let isCalled = false
    await consumer.run((_, { signal }) => {
      isCalled = true
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- odd ones are the point
          reject(Object.values(ODD_THROWS)[index]?.())
        })
      })
    })
    await until('signals', 'a call', () => isCalled)
    ends.abort(Object.values(ODD_THROWS)[index]?.())
    await mq.close()
  }
}

async function filters(server: TestServer): Promise<void> {
  const { mq } = clientOf(server)
  await fill(mq, 'Dead', 1)
  const consumer = await mq.consumer({
    ...{ group: 'g-dead', subscriptions: { Dead: '*' }, consumeFrom: 'first' },
  })
  await consumer.run(() => {
    throw new Unrecoverable('never')
  })
  const { deadLetters } = mq.admin()
  // The broker has it before the name server knows its topic.
  await until('filters', 'a dead letter', async () => {
    const { done } = await deadLetters.list('g-dead').next()
    return done !== true
  })
  for (let i = 0; i < TWICE; i++) {
    const filter = (): boolean => either(i) as boolean
    await rejects('filters', '', deadLetters.replay('g-dead', { filter }))
  }
  await mq.close()
}

process.on('exit', (code) => {
  if (code === 0) process.stdout.write(JSON.stringify(failures))
})
const server = await startServer({
  topics: { Ordered: 1, Plain: 4, Answers: 2, Bodies: 1, Halves: 1, Shared: 2, Read: 1, Dead: 1 },
})
// Each by itself, so that a failure can be told from the others.
const KINDS: Readonly<Record<string, () => Promise<void>>> = {
  handlers: () => handlers(server, false),
  ordered: () => handlers(server, true),
  listeners: () => listeners(server),
  serdes: () => serdes(server),
  checks: () => checks(server),
  allocation: () => allocation(server),
  selectors: () => selectors(server),
  loggers: () => loggers(server),
  readers: () => readers(server),
  signals: () => signals(server),
  filters: () => filters(server),
}
await KINDS[process.argv[2] ?? '']?.()
await server.close()
