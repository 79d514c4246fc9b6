import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { RocketMQ, type Consumer } from '@skylarkmq/client'
import { nodeEnv, silentEvents, type Env } from '@skylarkmq/env'
import { hostBehind } from '@skylarkmq/testing'
import { proxyFor } from './chaos.ts'
import { atEnd, createTopic, serverFor, until } from './cluster.ts'

/** A host whose timers of so many ms or more run when a test says so. */
function heldTimers(leastMs: number) {
  const env = nodeEnv(silentEvents)
  const held = new Map<number, () => void>()
  const after: Env['clock']['after'] = (ms, f) => {
    if (ms < leastMs) return env.clock.after(ms, f)
    const rounded = Math.round(ms / 100) * 100
    held.set(rounded, f)
    return {
      cancel: () => {
        if (held.get(rounded) === f) held.delete(rounded)
      },
    }
  }
  const clock = { ...env.clock, after }
  return { env: { ...env, clock }, held }
}

/** The time that these tests give `close`: no request has as much. */
const TIMEOUT_MS = 100_000

async function clientOf(t: TestContext) {
  const { namesrvAddr } = await serverFor(t)
  await createTopic(namesrvAddr, 'T', 1)
  const { env, held } = heldTimers(50_000)
  const controller = new AbortController()
  const { signal } = controller
  const mq = new RocketMQ({ nameServers: namesrvAddr, signal }, env)
  atEnd(t, () => {
    for (const f of held.values()) f()
    return mq.close()
  })
  const producer = await mq.producer()
  const send = (body: string): Promise<unknown> => producer.send({ topic: 'T', body })
  return { mq, held, send, controller }
}

const options = { group: 'G', subscriptions: { T: '*' }, consumeFrom: 'first' } as const

/** Runs a handler that ends by its signal, or when it is told to. */
async function handling(consumer: Consumer) {
  const seen = {
    signal: undefined as AbortSignal | undefined,
    calls: 0,
    end: (): void => undefined,
  }
  await consumer.run((_message, { signal }) => {
    seen.calls++
    seen.signal = signal
    return new Promise<void>((resolve, reject) => {
      seen.end = resolve
      signal.addEventListener('abort', () => {
        reject(signal.reason as Error)
      })
    })
  })
  return seen
}

test('a handler that runs has the time of close, but for its last fifth, before its signal is aborted', async (t) => {
  const { mq, held, send } = await clientOf(t)
  const consumer = await mq.consumer(options)
  const seen = await handling(consumer)
  await send('b')
  await until(() => seen.calls === 1)
  const closed = consumer.close({ timeout: TIMEOUT_MS })
  assert.equal(seen.signal?.aborted, false)
  await until(() => held.has(80_000) && held.has(90_000))
  held.get(80_000)?.()
  assert.equal(seen.signal.aborted, true)
  await closed
})

test('close of a client gives handlers three quarters of its time, and lets one that ends in it send before', async (t) => {
  const { mq, held, send } = await clientOf(t)
  const consumer = await mq.consumer(options)
  const seen = await handling(consumer)
  await send('b')
  await until(() => seen.calls === 1)
  const closed = mq.close({ timeout: TIMEOUT_MS })
  await until(() => held.has(76_000))
  assert.equal(seen.signal?.aborted, false)
  await send('from the handler')
  seen.end()
  await closed
  assert.equal(seen.calls, 1)
})

test('closing again with less time shortens the wait, and a signal ends handlers at once', async (t) => {
  const { mq, held, send, controller } = await clientOf(t)
  const one = await mq.consumer(options)
  const seen = await handling(one)
  await send('b')
  await until(() => seen.calls === 1)
  const closed = one.close({ timeout: TIMEOUT_MS })
  void one.close({ timeout: 65_000 })
  held.get(52_000)?.()
  assert.equal(seen.signal?.aborted, true)
  await closed
  const other = await mq.consumer(options)
  const seenNext = await handling(other)
  await until(() => seenNext.calls === 1)
  controller.abort()
  assert.equal(seenNext.signal?.aborted, true)
  await mq.close()
})

test('a client that closes in less time than one of its consumers has does not leave that one waiting', async (t) => {
  const { mq, held, send } = await clientOf(t)
  const consumer = await mq.consumer(options)
  let calls = 0
  await consumer.run(() => {
    calls++
    return new Promise(() => undefined)
  })
  await send('b')
  await until(() => calls === 1)
  const closed = consumer.close({ timeout: 1_000_000 })
  const all = mq.close({ timeout: TIMEOUT_MS })
  await until(() => held.has(85_500))
  held.get(85_500)?.()
  await Promise.all([closed, all])
})

test('any number of handlers may listen to their signal', async (t) => {
  const { mq, send } = await clientOf(t)
  const warnings: string[] = []
  const warned = (warning: Error): void => void warnings.push(warning.message)
  process.on('warning', warned)
  atEnd(t, () => process.off('warning', warned))
  const consumer = await mq.consumer(options)
  let calls = 0
  await consumer.run((_message, { signal }) => {
    calls++
    return new Promise<void>((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reject(signal.reason as Error)
      })
    })
  })
  await Promise.all(Array.from({ length: 15 }, () => send('b')))
  await until(() => calls === 15)
  await consumer.close({ timeout: 1 })
  assert.deepEqual(warnings, [])
})

test('a message of a loop that is open while the consumer closes may still be acknowledged', async (t) => {
  const { mq, send } = await clientOf(t)
  const consumer = await mq.consumer({ ...options, concurrency: 2 })
  await send('a')
  const seen: string[] = []
  let closed = Promise.resolve()
  for await (const message of consumer) {
    seen.push(message.body.toString())
    await send('b')
    closed = consumer.close({ timeout: TIMEOUT_MS })
    message.ack()
  }
  await closed
  for await (const message of await mq.consumer(options)) {
    seen.push(message.body.toString())
    break
  }
  assert.deepEqual(seen, ['a', 'b'])
})

test('a batch that is being gathered while the consumer closes is for who comes next', async (t) => {
  const { mq, send } = await clientOf(t)
  let decoded = 0
  const serde = {
    encode: (value: string) => value,
    decode: (body: Buffer) => {
      decoded++
      return body.toString()
    },
  }
  const consumer = await mq.consumer({ ...options, serde })
  await send('a')
  const given: string[] = []
  const reading = (async () => {
    for await (const { messages } of consumer.batches({ maxWait: 40_000 }))
      given.push(...messages.map(({ body }) => body))
  })()
  await until(() => decoded === 1)
  await new Promise((resolve) => setImmediate(resolve))
  await consumer.close({ timeout: TIMEOUT_MS })
  await reading
  assert.deepEqual(given, [])
  for await (const message of await mq.consumer(options)) {
    assert.equal(message.body.toString(), 'a')
    break
  }
})

test('a client that closes while its broker hangs does not complain that nobody answers', async (t) => {
  const { namesrvAddr, brokerPort } = await serverFor(t)
  await createTopic(namesrvAddr, 'T', 1)
  const proxy = await proxyFor(t, `127.0.0.1:${brokerPort ?? 0}`)
  const said: string[] = []
  const logger = {
    ...{ debug: () => undefined, info: () => undefined },
    warn: (line: unknown) => void said.push(JSON.stringify(line)),
    error: (line: unknown) => void said.push(JSON.stringify(line)),
  }
  const mq = new RocketMQ({ nameServers: namesrvAddr, logger }, hostBehind(proxy))
  const producer = await mq.producer()
  await producer.send({ topic: 'T', body: 'x' })
  proxy.forget()
  await mq.close({ timeout: 100 })
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(said, [])
})
