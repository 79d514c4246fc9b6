import { Inject } from '@nestjs/common'

/** What a producer of `RocketMQModule.forFeature` is provided as: to put another in its place in a test. */
export function getProducerToken(name: string): string {
  return `RocketMQProducer:${name}`
}

/** Has a producer of `RocketMQModule.forFeature` injected. */
export function InjectProducer(name: string): PropertyDecorator & ParameterDecorator {
  return Inject(getProducerToken(name))
}
