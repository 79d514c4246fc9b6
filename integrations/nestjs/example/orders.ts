// A Nest application that takes orders, bills them, and answers what is owed. Run a server first: npx skylark start
// Then: npm run integrations, and: node integrations/nestjs/dist/example/orders.js [HOST:PORT of the name server]
import 'reflect-metadata'
import { Controller, Inject, Injectable, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { RocketMQ } from '@skylarkmq/client'
import { ClientsModule, Ctx, Payload } from '@nestjs/microservices'
import {
  RocketMQClient,
  RocketMQContext,
  RocketMQEvent,
  RocketMQRecordBuilder,
  RocketMQRequest,
  RocketMQServer,
} from '@skylarkmq/nestjs'
import { firstValueFrom } from 'rxjs'

interface Order {
  readonly customer: string
  readonly price: number
}

const nameServers = process.argv[2] ?? '127.0.0.1:9876'

@Controller()
class Billing {
  readonly #owed = new Map<string, number>()

  @RocketMQEvent('NestOrders', { tag: 'paid' })
  bill(@Payload() { customer, price }: Order, @Ctx() context: RocketMQContext): void {
    const owed = (this.#owed.get(customer) ?? 0) + price
    this.#owed.set(customer, owed)
    console.log(`billed ${context.getMessage().keys.join()}: ${price}`)
  }

  @RocketMQRequest('NestOwed')
  owed(@Payload() customer: string): number {
    return this.#owed.get(customer) ?? 0
  }
}

@Injectable()
class Shop {
  readonly #client: RocketMQClient

  constructor(@Inject('ROCKETMQ') client: RocketMQClient) {
    this.#client = client
  }

  async order(id: string, order: Order): Promise<void> {
    const record = new RocketMQRecordBuilder(order).setOptions({ tag: 'paid', keys: id }).build()
    await firstValueFrom(this.#client.emit('NestOrders', record))
  }

  owed(customer: string): Promise<number> {
    return firstValueFrom(this.#client.send<number>('NestOwed', customer))
  }
}

@Module({
  imports: [
    ClientsModule.register([
      { name: 'ROCKETMQ', customClass: RocketMQClient, options: { nameServers } },
    ]),
  ],
  controllers: [Billing],
  providers: [Shop],
})
class App {}

// A consumer learns of a topic that is made later within half a minute; these are there before it.
const mq = new RocketMQ({ nameServers })
for (const topic of ['NestOrders', 'NestOwed']) await mq.admin().topics.create(topic)
await mq.close()

const app = await NestFactory.createMicroservice(App, {
  logger: ['warn', 'error'],
  strategy: new RocketMQServer({
    nameServers,
    group: 'nest-billing',
    consumer: { consumeFrom: 'first' },
  }),
})
await app.listen()

const shop = app.get(Shop)
await shop.order('order-1', { customer: 'Ada', price: 4 })
await shop.order('order-2', { customer: 'Ada', price: 5 })
while ((await shop.owed('Ada')) < 9) await new Promise((resolve) => setTimeout(resolve, 50))
console.log(`Ada owes ${await shop.owed('Ada')}`)
await app.close()
