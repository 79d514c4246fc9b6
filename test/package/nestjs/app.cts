/** A Nest application in CommonJS, as most are: a microservice and its client, and a method that listens. */
import 'reflect-metadata'
import { Controller, Injectable, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices'
import { Producer, type ReceivedMessage } from '@skylarkmq/client'
import { RocketMQClient, RocketMQListener, RocketMQModule, RocketMQServer } from '@skylarkmq/nestjs'
import { firstValueFrom } from 'rxjs'

const nameServers = process.argv[2]!
let heard = (_: string): void => undefined
const next = () => new Promise<string>((resolve) => (heard = resolve))

@Controller()
class Sums {
  @MessagePattern('NestSums')
  sum(@Payload() numbers: number[]): number {
    return numbers.reduce((one, other) => one + other, 0)
  }

  @EventPattern('NestEvents')
  event(@Payload() { id }: { id: number }): void {
    heard(`event ${id}`)
  }
}

@Injectable()
class Listening {
  constructor(readonly producer: Producer) {}

  @RocketMQListener({ topic: 'NestLetters', group: 'nest-letters', consumeFrom: 'first' })
  letter({ body }: ReceivedMessage): void {
    heard(`letter ${body}`)
  }
}

@Module({
  imports: [RocketMQModule.forRoot({ nameServers })],
  controllers: [Sums],
  providers: [Listening],
})
class App {}

async function main(): Promise<void> {
  const client = new RocketMQClient({ nameServers })
  const app = await NestFactory.createMicroservice(App, {
    logger: ['warn', 'error'],
    strategy: new RocketMQServer({
      nameServers,
      group: 'nest',
      consumer: { consumeFrom: 'first' },
    }),
  })
  await app.listen()
  console.log(`sum ${await firstValueFrom(client.send<number>('NestSums', [1, 2, 3]))}`)
  let said = next()
  await firstValueFrom(client.emit('NestEvents', { id: 7 }))
  console.log(await said)
  said = next()
  await app.get(Listening).producer.send({ topic: 'NestLetters', body: 'a' })
  console.log(await said)
  await client.close()
  await app.close()
}

void main()
