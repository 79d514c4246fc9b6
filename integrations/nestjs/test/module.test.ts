import 'reflect-metadata'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Injectable,
  Module,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import {
  json,
  Producer,
  RocketMQ,
  TransactionProducer,
  type ConsumeContext,
  type ReceivedMessage,
} from '@skylarkmq/client'
import { startServer } from '@skylarkmq/testing'
import { InjectProducer, RocketMQListener, RocketMQModule } from '@skylarkmq/nestjs'

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
