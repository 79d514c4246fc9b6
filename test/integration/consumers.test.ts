import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import {
  json,
  RocketMQ,
  SerdeError,
  type Consumer,
  type ReceivedMessage,
  type SchemaResult,
} from '@skylarkmq/client'
import { nodeEnv, silentEvents, type Env, type Timer } from '@skylarkmq/env'
import { startServer, type TestServer } from '@skylarkmq/testing'

const textOf = (message: ReceivedMessage): string => message.body.toString()

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(2)
}

async function send(mq: RocketMQ, topic: string, bodies: readonly string[], key?: string) {
  const producer = await mq.producer()
  for (const body of bodies) await producer.send({ topic, body, shardingKey: key })
}

const first = { consumeFrom: 'first' } as const
const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i))

test('messages of a queue are consumed in order, and one that fails holds up those behind it', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const mq = server.client({ logger: SILENT })
  await send(mq, 'T', numbers(50))
  const consumer = await mq.consumer({
    group: 'g',
    subscriptions: { T: '*' },
    ordered: true,
    suspendCurrentQueueMs: 10,
    ...first,
  })
  const taken: string[] = []
  let atOnce = 0
  await consumer.run(async (message) => {
    assert.equal(++atOnce, 1)
    await turn()
    atOnce--
    taken.push(`${textOf(message)}/${message.reconsumeTimes}`)
    if (textOf(message) === '7' && message.reconsumeTimes < 2) throw new Error('not yet')
  })
  await until(() => taken.length === 52)
  const expected = numbers(50).flatMap((n) => (n === '7' ? ['7/0', '7/1', '7/2'] : [`${n}/0`]))
  assert.deepEqual(taken, expected)
})

test('an ordered message that has used up its retries goes to the dead letters, and the others continue', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const mq = server.client({ logger: SILENT })
  await send(mq, 'T', ['a', 'bad', 'c'])
  const consumer = await mq.consumer({
    group: 'g',
    subscriptions: { T: '*' },
    ordered: true,
    suspendCurrentQueueMs: 10,
    maxReconsumeTimes: 2,
    ...first,
  })
  const taken: string[] = []
  await consumer.run((message) => {
    taken.push(textOf(message))
    if (textOf(message) === 'bad') throw new Error('bad')
  })
  await until(() => taken.includes('c'))
  assert.deepEqual(taken, ['a', 'bad', 'bad', 'bad', 'c'])
  assert.deepEqual(server.messages('%DLQ%g').map(textOf), ['bad'])
})

test('queues of an ordered group change hands without a message out of order', async () => {
  await using server = await startServer({ topics: { T: 4 } })
  const taken: { readonly member: number; readonly queue: number; readonly offset: number }[] = []
  const member = async (number: number): Promise<Consumer> => {
    const consumer = await server.client({ logger: SILENT }).consumer({
      group: 'g',
      subscriptions: { T: '*' },
      ordered: true,
      ...first,
    })
    await consumer.run(async ({ messageQueue, queueOffset }) => {
      await turn()
      taken.push({ member: number, queue: messageQueue.queueId, offset: queueOffset })
    })
    return consumer
  }
  const producer = await server.client().producer()
  let sent = 0
  const sendSome = async (holds: () => boolean): Promise<void> => {
    while (!holds()) {
      await producer.send({ topic: 'T', body: String(sent), shardingKey: String(sent % 16) })
      sent++
    }
  }
  const worked = (number: number) => taken.some((each) => each.member === number)
  const one = await member(1)
  await sendSome(() => worked(1))
  await member(2)
  await sendSome(() => worked(2))
  await member(3)
  await sendSome(() => worked(3))
  await one.close()
  await sendSome(() => sent % 100 === 0)
  await until(() => new Set(taken.map(({ queue, offset }) => `${queue}:${offset}`)).size === sent)
  for (const queue of [0, 1, 2, 3]) {
    const offsets = taken.filter((each) => each.queue === queue).map(({ offset }) => offset)
    assert.deepEqual(offsets, numbers(offsets.length).map(Number), `queue ${queue}`)
  }
})

test('a broadcasting consumer that was there before its topic gets its first messages', async () => {
  await using server = await startServer()
  const directory = mkdtempSync(join(tmpdir(), 'skylark-offsets-'))
  const mq = server.client({ logger: SILENT, pollNameServerMs: 100 })
  const consumer = await mq.consumer({
    group: 'g',
    model: 'BROADCASTING',
    subscriptions: { Fresh: '*' },
    offsetsDirectory: directory,
  })
  const taken: string[] = []
  await consumer.run((message) => void taken.push(textOf(message)))
  await send(server.client(), 'Fresh', ['a', 'b', 'c'])
  await until(() => taken.length === 3)
  assert.deepEqual(taken.sort(), ['a', 'b', 'c'])
  await consumer.close()
  rmSync(directory, { recursive: true })
})

test('each broadcasting consumer gets everything, continues where it stopped, and keeps a file that Java reads', async (t) => {
  await using server = await startServer({ topics: { T: 2 } })
  const directory = mkdtempSync(join(tmpdir(), 'skylark-offsets-'))
  t.after(() => {
    rmSync(directory, { recursive: true })
  })
  const listen = async (clientId: string) => {
    const mq = server.client({ clientId, logger: SILENT })
    const consumer = await mq.consumer({
      group: 'g',
      subscriptions: { T: '*' },
      model: 'BROADCASTING',
      offsetsDirectory: directory,
      ...first,
    })
    const taken: string[] = []
    await consumer.run((message) => {
      taken.push(textOf(message))
      if (textOf(message) === '3') throw new Error('it does not come again')
    })
    return { consumer, taken }
  }
  const mq = server.client()
  const [one, other] = [await listen('1.2.3.4@one'), await listen('1.2.3.4@other')]
  await send(mq, 'T', numbers(10))
  for (const { taken } of [one, other]) await until(() => taken.length === 10)
  await one.consumer.close()
  const file = join(directory, '1.2.3.4@one', 'g', 'offsets.json')
  assert.match(
    readFileSync(file, 'utf8'),
    /^\{"offsetTable":\{\{"brokerName":"broker-a","queueId":\d,"topic":"T"\}:\d+,\{.*\}:\d+\}\}$/,
  )
  await send(mq, 'T', ['late'])
  const again = await listen('1.2.3.4@one')
  await until(() => again.taken.length > 0 && other.taken.length === 11)
  assert.deepEqual(again.taken, ['late'])
})

test('messages may be asked for one by one, refused and left', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const mq = server.client()
  await send(mq, 'T', numbers(4))
  const options = { group: 'g', subscriptions: { T: '*' }, concurrency: 1, ...first }
  const taken: string[] = []
  for await (const message of await mq.consumer(options)) {
    taken.push(textOf(message))
    if (textOf(message) === '2') break
    if (textOf(message) === '1') message.nack({ delay: '1m' })
    else message.ack()
  }
  assert.deepEqual(taken, ['0', '1', '2'])
  const rest: string[] = []
  const consumer = await mq.consumer(options)
  await consumer.run((message) => rest.push(textOf(message)))
  await until(() => rest.length === 2)
  assert.deepEqual(rest, ['2', '3'])
  await server.clock.advance('30s')
  assert.equal(rest.length, 2)
  await server.clock.advance('30s')
  assert.deepEqual(rest, ['2', '3', '1'])
})

test('batches hold what comes within a while, and are acknowledged as a whole', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const mq = server.client()
  await send(mq, 'T', numbers(25))
  const consumer = await mq.consumer({ group: 'g', subscriptions: { T: '*' }, ...first })
  const sizes: number[] = []
  for await (const batch of consumer.batches({ max: 10, maxWait: 50 })) {
    sizes.push(batch.messages.length)
    batch.ack()
    if (sizes.reduce((sum, size) => sum + size, 0) === 25) break
  }
  assert.deepEqual(sizes, [10, 10, 5])
  assert.equal(await lagOf(server, mq), 0)
})

test('a suspended consumer pulls nothing until it is resumed', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const mq = server.client()
  const consumer = await mq.consumer({ group: 'g', subscriptions: { T: '*' }, ...first })
  const taken: string[] = []
  await consumer.run((message) => taken.push(textOf(message)))
  await send(mq, 'T', ['a'])
  await until(() => taken.length === 1)
  consumer.suspend()
  // The pull that is held already may bring one more, and is the last one.
  await send(mq, 'T', ['b'])
  await server.quiet()
  const { length } = taken
  await send(mq, 'T', ['c', 'd'])
  await server.quiet()
  assert.equal(taken.length, length)
  consumer.resume()
  await until(() => taken.length === 4)
})

for (const [fault, happen] of Object.entries({
  'was killed': (server: TestServer) => {
    server.broker.kill()
  },
  'takes no connection': (server: TestServer) => {
    server.network.refuse()
  },
  'answers an hour later': (server: TestServer) => {
    server.network.delay(3_600_000)
  },
})) {
  test(`close ends within its time when the broker ${fault}`, async () => {
    await using server = await startServer({ topics: { T: 2 } })
    // Longer than any test runs: only the deadline ends it.
    const options = { logger: SILENT, timeout: 1e8 }
    const mq = new RocketMQ({ ...options, nameServers: server.nameServers })
    const consumer = await mq.consumer({ group: 'g', subscriptions: { T: '*' }, ordered: true })
    await consumer.run(() => undefined)
    await send(mq, 'T', numbers(4))
    const transactions = await mq.transactionProducer({ group: 'P', check: () => 'unknown' })
    await transactions.send({ topic: 'T', body: 'b' }, () => 'commit')
    happen(server)
    await mq.close({ timeout: 60 })
    assert.deepEqual(consumer.queues, [])
    server.network.heal()
  })
}

test('clients that come and go leave nothing behind: no timer, no socket, no listener of a signal', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const { signal } = new AbortController()
  const { env, timers } = countedTimers()
  const live = async (): Promise<void> => {
    const mq = new RocketMQ({ nameServers: server.nameServers, signal }, env)
    const consumer = await mq.consumer({
      group: 'g',
      subscriptions: { T: '*' },
      signal,
      ...first,
    })
    const got = new Promise((resolve) => {
      void consumer.run(resolve, { signal })
    })
    const producer = await mq.producer({ signal })
    await producer.send({ topic: 'T', body: 'b' }, { signal })
    await got
    await mq.close({ signal })
  }
  const kinds = (): string[] =>
    process
      .getActiveResourcesInfo()
      .filter((kind) => kind !== 'Immediate')
      .sort()
  const { connections } = server.network
  await live()
  const before = kinds()
  for (let i = 0; i < 20; i++) await live()
  // The last sockets are closed a moment later; those of twenty lives do not hide among them.
  await until(() => server.network.connections <= connections && kinds().length <= before.length)
  assert.equal(getEventListeners(signal, 'abort').length, 0)
  // Those that are longer than a pause of whoever tries something again.
  await until(() => timers.every((ms) => ms <= 1_000))
})

test('a consumer that is closed while it starts leaves no timer, whatever it was waiting for', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const { env, timers } = countedTimers()
  for (let turns = 0; turns < 40; turns += 2) {
    const mq = new RocketMQ({ nameServers: server.nameServers }, env)
    const consumer = await mq.consumer({ group: 'g', subscriptions: { T: '*' } })
    const running = consumer.run(nothing).catch(nothing)
    for (let i = 0; i < turns; i++) await new Promise(setImmediate)
    await mq.close()
    await running
  }
  await until(() => timers.every((ms) => ms <= 1_000))
})

test('a handler that ends by the signal leaves its message, and the next member gets it at once', async () => {
  await using server = await startServer({ topics: { T: 1 } })
  const mq = server.client({ logger: SILENT })
  await send(mq, 'T', ['b'])
  const options = { group: 'g', subscriptions: { T: '*' }, ...first }
  const one = await mq.consumer(options)
  await new Promise<void>((begun) => {
    void one.run((_message, { signal }) => {
      begun()
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error)
        })
      })
    })
  })
  await one.close({ timeout: 500 })
  const other = await mq.consumer(options)
  for await (const message of other) {
    assert.equal(message.reconsumeTimes, 0)
    break
  }
})

test('a reader begins at an offset, reads some queues only, by SQL92, and its bodies have a type', async () => {
  const settings = { enablePropertyFilter: true }
  await using server = await startServer({ topics: { T: 2 }, settings })
  const mq = server.client({ logger: SILENT })
  const producer = await mq.producer({ serde: json<number>() })
  const queues = await mq.admin().topics.queues('T')
  for (const n of [1, 2, 3, 4]) {
    for (const queue of queues) {
      const body = n + 10 * queue.queueId
      await producer.send({ topic: 'T', body, properties: { n: String(n) } }, { queue })
    }
  }
  const reader = mq.reader({
    ...{ topic: 'T', from: { offset: 1 }, queues: queues.slice(1) },
    ...{ expression: { sql: 'n <> 3' }, serde: json<number>() },
  })
  const bodies: number[] = []
  for await (const { body } of reader) if (bodies.push(body) === 2) break
  assert.deepEqual(bodies, [12, 14])
  const strict = json<never>({ '~standard': { version: 1, vendor: 'v', validate: refused } })
  const reading = mq.reader({ topic: 'T', from: 'first', serde: strict })
  await assert.rejects(
    reading[Symbol.asyncIterator]().next(),
    (error) => error instanceof SerdeError && /too small/.test(error.message),
  )
})

/** What a schema says that nothing fits. */
const refused = (): SchemaResult<never> => ({ issues: [{ message: 'too small' }] })

/** An environment, and how long its timers are that neither ran out nor were taken back, ms. */
function countedTimers(): { readonly env: Env; readonly timers: readonly number[] } {
  const host = nodeEnv(silentEvents)
  const timers: number[] = []
  const counted = (ms: number, timer: Timer): Timer & { ends: () => void } => {
    const entry = [ms]
    timers.push(ms)
    const ends = (): void => {
      const at = entry.length === 0 ? -1 : timers.indexOf(entry.pop() ?? -1)
      if (at >= 0) timers.splice(at, 1)
    }
    const cancel = (): void => {
      ends()
      timer.cancel()
    }
    return { cancel, ends }
  }
  const clock: Env['clock'] = {
    ...host.clock,
    after: (ms, f) => {
      const made = counted(
        ms,
        host.clock.after(ms, () => {
          made.ends()
          f()
        }),
      )
      return made
    },
    every: (ms, f) => counted(ms, host.clock.every(ms, f)),
    keepAlive: () => counted(Infinity, host.clock.keepAlive()),
  }
  return { env: { ...host, clock }, timers }
}

/** Messages of T that the group g has not consumed. */
async function lagOf(server: TestServer, mq: RocketMQ): Promise<number> {
  let count = 0
  const consumer = await mq.consumer({ group: 'g', subscriptions: { T: '*' } })
  await consumer.run(() => count++)
  await server.quiet()
  return count
}

const nothing = (): void => undefined
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing }
