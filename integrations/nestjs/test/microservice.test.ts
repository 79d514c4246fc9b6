import 'reflect-metadata'
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { test, type TestContext } from 'node:test'
import { Controller, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { Ctx, Payload, RpcException } from '@nestjs/microservices'
import { json, Unrecoverable } from '@skylarkmq/client'
import { startServer, type TestServer } from '@skylarkmq/testing'
import {
  RocketMQClient,
  RocketMQContext,
  RocketMQEvent,
  RocketMQRecordBuilder,
  RocketMQRequest,
  RocketMQServer,
  type RocketMQServerOptions,
} from '@skylarkmq/nestjs'
import { firstValueFrom, from } from 'rxjs'

interface Order {
  readonly id: number
}

const seen: string[] = []
let held = 0

@Controller()
class Orders {
  @RocketMQEvent('Orders', { tag: 'paid || shipped' })
  paid(@Payload() order: Order, @Ctx() context: RocketMQContext): void {
    seen.push(`${context.getTag() ?? ''} ${order.id}`)
  }

  @RocketMQEvent('Orders', { tag: 'refunded' })
  refunded(@Payload() order: Order, @Ctx() context: RocketMQContext): void {
    seen.push(`refunded ${order.id} of ${context.getMessage().keys.join()}`)
  }

  @RocketMQEvent('Orders', { group: 'audit' })
  audit(@Payload() order: Order): void {
    seen.push(`audit ${order.id}`)
  }

  @RocketMQEvent('Failing')
  failing(@Payload() how: string, @Ctx() context: RocketMQContext): void {
    seen.push(`${how} ${context.getMessage().reconsumeTimes}`)
    if (how === 'dead') throw new RpcException(new Unrecoverable('never'))
    if (how === 'object') throw new RpcException({ code: 7, reason: 'no stock' })
    if (how === 'asked') context.retryIn('1m')
    else if (how === 'given up') context.deadLetter('no such customer')
    else if (how === 'held') {
      if (++held < 3) context.hold(1)
    } else if (context.getMessage().reconsumeTimes === 0) throw new Error('not yet')
  }

  @RocketMQRequest('Sums')
  sum(@Payload() numbers: readonly number[]): unknown {
    if (numbers.length === 0) throw new RpcException('nothing to add')
    return from([0, numbers.reduce((one, other) => one + other, 0)])
  }
}

@Module({ controllers: [Orders] })
class App {}

const silent = { debug() {}, info() {}, warn() {}, error() {} }

async function begin(
  t: TestContext,
  options: Partial<RocketMQServerOptions> = {},
): Promise<{ server: TestServer; client: RocketMQClient }> {
  seen.length = 0
  const server = await startServer({ topics: { Orders: 1, Failing: 1, Sums: 1 } })
  const { nameServers } = server
  const client = new RocketMQClient({ nameServers })
  const app = await NestFactory.createMicroservice(App, {
    logger: false,
    strategy: new RocketMQServer({
      ...{ nameServers, group: 'billing', logger: silent, consumer: { consumeFrom: 'first' } },
      ...options,
    }),
  })
  await app.listen()
  t.after(async () => {
    await client.close()
    await app.close()
    await server.close()
  })
  return { server, client }
}

test('handlers of one topic get the events of their tags, and those of another group all of them', async (t) => {
  const { server, client } = await begin(t)
  const record = new RocketMQRecordBuilder<Order>({ id: 1 }).setOptions({ keys: 'k1' })
  for (const tag of ['paid', 'refunded', 'lost']) {
    await firstValueFrom(client.emit('Orders', record.setOptions({ tag }).build()))
  }
  await server.quiet()
  assert.deepEqual(seen.sort(), ['audit 1', 'audit 1', 'audit 1', 'paid 1', 'refunded 1 of k1'])
})

test('an event whose handler throws comes again later, as does one that is asked for again, and an Unrecoverable is a dead letter', async (t) => {
  const { server, client } = await begin(t)
  for (const how of ['twice', 'asked', 'dead']) await firstValueFrom(client.emit('Failing', how))
  await server.quiet()
  assert.deepEqual(seen.sort(), ['asked 0', 'dead 0', 'twice 0'])
  assert.equal(server.messages('%DLQ%billing').length, 1)
  await server.clock.advance('11s')
  assert.deepEqual(seen.slice(3), ['twice 1'])
  await server.clock.advance('1m')
  assert.deepEqual(seen.slice(4), ['asked 1'])
})

test('an event may be held here, given up, and the log says what an object that was thrown holds', async (t) => {
  const said: string[] = []
  const say = (_fields: object, text: string) => void said.push(text)
  const logger = { debug: say, info: say, warn: say, error: say }
  const { server, client } = await begin(t, { logger })
  for (const how of ['held', 'given up', 'object']) {
    await firstValueFrom(client.emit('Failing', how))
  }
  await server.quiet()
  while (held < 3) await new Promise((resolve) => setTimeout(resolve, 5))
  // It counted as no attempt.
  assert.deepEqual(
    seen.filter((line) => line.startsWith('held')),
    ['held 0', 'held 0', 'held 0'],
  )
  assert.equal(server.messages('%DLQ%billing').length, 1)
  const lines = said.join('\n')
  assert.match(lines, /no such customer/)
  assert.match(lines, /"code":7,"reason":"no stock"/)
  assert.doesNotMatch(lines, /\[object Object\]/)
})

test('a request is answered with the last value, and what goes wrong with the error', async (t) => {
  const { server, client } = await begin(t)
  assert.equal(await firstValueFrom(client.send<number>('Sums', [1, 2])), 3)
  await assert.rejects(firstValueFrom(client.send('Sums', [])), (error) => {
    assert.deepEqual(error, { status: 'error', message: 'nothing to add' })
    return true
  })
  // Whoever speaks RocketMQ may ask, in whatever language.
  const producer = await server.client().producer({ serde: json<unknown>() })
  const reply = await producer.request({ topic: 'Sums', body: [4, 5] }, { serde: json<number>() })
  assert.equal(reply.body, 9)
})

test('a request that nobody answers ends with an error that says so', async (t) => {
  const { client } = await begin(t)
  const message = new RocketMQRecordBuilder(1).setOptions({ timeout: 200 }).build()
  await assert.rejects(firstValueFrom(client.send('Nobody', message)), { code: 'RMQ_TIMEOUT' })
})

test('what the broker cannot do is said when the microservice begins to listen', async (t) => {
  @Controller()
  class Both {
    @RocketMQEvent('Orders', { sql: 'a = 1' })
    one(): void {}

    @RocketMQEvent('Orders')
    two(): void {}
  }
  @Module({ controllers: [Both] })
  class Wrong {}
  const strategy = new RocketMQServer({ nameServers: '127.0.0.1:1', group: 'g', logger: silent })
  const app = await NestFactory.createMicroservice(Wrong, { logger: false, strategy })
  t.after(() => app.close())
  await assert.rejects(app.listen(), /several handlers of Orders cannot share a SQL92 expression/)
})

test('the example runs to its end', async (t) => {
  const server = await startServer()
  t.after(() => server.close())
  const program = fileURLToPath(new URL('../example/orders.js', import.meta.url))
  const options = { timeout: 30_000 }
  const args = [program, server.nameServers]
  const { stdout } = await promisify(execFile)(process.execPath, args, options)
  assert.deepEqual(
    stdout.trim().split('\n').sort(),
    ['billed order-1: 4', 'billed order-2: 5', 'Ada owes 9'].sort(),
  )
})
