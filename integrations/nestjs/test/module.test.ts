import 'reflect-metadata'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Controller,
  Inject,
  Injectable,
  Module,
  Scope,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common'
import { NestFactory, REQUEST } from '@nestjs/core'
import {
  json,
  Producer,
  RocketMQ,
  text,
  TransactionProducer,
  type ConsumeContext,
  type ReceivedMessage,
} from '@skylarkmq/client'
import { startServer } from '@skylarkmq/testing'
import {
  InjectProducer,
  RocketMQContext,
  RocketMQEvent,
  RocketMQListener,
  RocketMQModule,
  RocketMQServer,
} from '@skylarkmq/nestjs'

const seen: string[] = []

@Injectable()
class Noting implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): ReturnType<CallHandler['handle']> {
    seen.push(`${context.getType<string>()} around ${context.getHandler().name}`)
    return next.handle()
  }
}

interface Order {
  readonly id: number
}

@Injectable()
class Shop {
  readonly mq: RocketMQ
  readonly producer: Producer
  readonly orders: Producer<Order>
  readonly payments: TransactionProducer

  constructor(
    mq: RocketMQ,
    producer: Producer,
    @InjectProducer('orders') orders: Producer<Order>,
    @InjectProducer('payments') payments: TransactionProducer,
  ) {
    this.mq = mq
    this.producer = producer
    this.orders = orders
    this.payments = payments
  }

  @UseInterceptors(Noting)
  @RocketMQListener<Order>({
    ...{ topic: 'Orders', expression: 'paid', group: 'billing', consumeFrom: 'first' },
    serde: json<Order>(),
  })
  bill(message: ReceivedMessage<Order>, context: ConsumeContext): void {
    seen.push(`bill ${message.body.id}, aborted: ${context.signal.aborted}`)
    if (message.reconsumeTimes === 0) throw new Error('not yet')
  }
}

test('the module injects client and producers, runs marked methods, and ends with the application', async (t) => {
  const server = await startServer({ topics: { Orders: 1, Payments: 1 } })
  t.after(() => server.close())
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const check = (): 'commit' => 'commit'
  @Module({
    imports: [
      RocketMQModule.forRootAsync({
        useFactory: () => ({ nameServers: server.nameServers, logger: silent }),
      }),
      RocketMQModule.forFeature([
        { name: 'orders', group: 'orders', serde: json<Order>() },
        { name: 'payments', group: 'payments', check },
      ]),
    ],
    providers: [Shop, Noting],
  })
  class App {}
  const app = await NestFactory.createApplicationContext(App, { logger: false })
  const shop = app.get(Shop)
  assert.ok(shop.mq instanceof RocketMQ)
  assert.ok(shop.payments instanceof TransactionProducer)
  await shop.producer.send({ topic: 'Orders', tag: 'lost', body: 'not for anybody' })
  await shop.orders.send({ topic: 'Orders', tag: 'paid', body: { id: 7 } })
  await server.quiet()
  const once = ['rocketmq around bill', 'bill 7, aborted: false']
  assert.deepEqual(seen, once)
  await server.clock.advance('11s')
  assert.deepEqual(seen, [...once, ...once])
  await app.close()
  await assert.rejects(shop.producer.send({ topic: 'Orders', body: 'late' }), {
    code: 'RMQ_CLOSED',
  })
})

let counters = 0

@Injectable({ scope: Scope.REQUEST })
class Counter {
  readonly number = ++counters
}

@Injectable()
class Allowing implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.getArgByIndex<ReceivedMessage>(0).tag !== 'refused'
  }
}

/** Made for each message. */
@Injectable({ scope: Scope.REQUEST })
class PerMessage {
  readonly counter: Counter
  readonly context: RocketMQContext

  constructor(counter: Counter, @Inject(REQUEST) context: RocketMQContext) {
    this.counter = counter
    this.context = context
  }

  @UseGuards(Allowing)
  @RocketMQListener({ topic: 'Scoped', group: 'provider', consumeFrom: 'first' })
  take(message: ReceivedMessage): void {
    assert.equal(this.context.getMessage(), message)
    scoped.push(`provider ${message.body.toString()} ${this.counter.number}`)
  }
}

/** Is of the scope of what it wants. */
@Controller()
class ScopedController {
  readonly counter: Counter

  constructor(counter: Counter) {
    this.counter = counter
  }

  @RocketMQListener({ topic: 'Scoped', group: 'controller', consumeFrom: 'first' })
  take(message: ReceivedMessage, context: ConsumeContext): void {
    if (message.reconsumeTimes === 0) context.retryIn('1s')
    else scoped.push(`controller ${message.body.toString()} ${this.counter.number > 0}`)
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class Transient {
  readonly mq: RocketMQ

  constructor(mq: RocketMQ) {
    this.mq = mq
  }

  @RocketMQListener({ topic: 'Scoped', group: 'transient', consumeFrom: 'first' })
  take(message: ReceivedMessage): void {
    scoped.push(`transient ${message.body.toString()} ${this.mq instanceof RocketMQ}`)
  }
}

const scoped: string[] = []

test('listeners with a scope are made for each message, with what they want', async (t) => {
  const server = await startServer({ topics: { Scoped: 1 } })
  t.after(() => server.close())
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  @Module({
    imports: [RocketMQModule.forRoot({ nameServers: server.nameServers, logger: silent })],
    providers: [PerMessage, Counter, Transient],
    controllers: [ScopedController],
  })
  class App {}
  const app = await NestFactory.createApplicationContext(App, { logger: false })
  const producer = app.get(Producer)
  for (const body of ['a', 'b']) await producer.send({ topic: 'Scoped', body })
  await producer.send({ topic: 'Scoped', tag: 'refused', body: 'c' })
  await server.quiet()
  await server.clock.advance('5s')
  await app.close()
  const of = (who: string) => scoped.filter((line) => line.startsWith(who)).sort()
  assert.deepEqual(
    of('controller'),
    ['a', 'b', 'c'].map((body) => `controller ${body} true`),
  )
  assert.deepEqual(
    of('transient'),
    ['a', 'b', 'c'].map((body) => `transient ${body} true`),
  )
  const numbers = of('provider').map((line) => line.split(' '))
  assert.deepEqual(
    numbers.map(([, body]) => body),
    ['a', 'b'],
  )
  assert.notEqual(numbers[0]?.[2], numbers[1]?.[2])
})

test('the end of an application waits for handlers no longer than it was told, module and microservice', async (t) => {
  const server = await startServer({ topics: { Ends: 1 } })
  t.after(() => server.close())
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const options = { nameServers: server.nameServers, logger: silent, closeTimeout: 200 }
  const never = () => new Promise<void>(() => undefined)
  let begun = 0

  @Injectable()
  class Hangs {
    @RocketMQListener({ topic: 'Ends', group: 'module', consumeFrom: 'first' })
    take(): Promise<void> {
      begun++
      return never()
    }
  }
  @Module({ imports: [RocketMQModule.forRoot(options)], providers: [Hangs] })
  class App {}
  @Controller()
  class Service {
    @RocketMQEvent('Ends')
    take(): Promise<void> {
      begun++
      return never()
    }
  }
  @Module({ controllers: [Service] })
  class Services {}
  const app = await NestFactory.createApplicationContext(App, { logger: false })
  const consumer = { consumeFrom: 'first', serde: text() } as const
  const service = await NestFactory.createMicroservice(Services, {
    logger: false,
    strategy: new RocketMQServer({ ...options, group: 'service', consumer }),
  })
  await service.listen()
  await app.get(Producer).send({ topic: 'Ends', body: 'x' })
  while (begun < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  const beganMs = performance.now()
  await Promise.all([app.close(), service.close()])
  // By default each has ten seconds.
  assert.ok(performance.now() - beganMs < 4_000)
})
