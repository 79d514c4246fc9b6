import { EventPattern, MessagePattern } from '@nestjs/microservices'
import { ROCKETMQ_TRANSPORT } from './transport.ts'

/** Which messages of its topic a handler gets; one of `tag` and `sql`. */
export interface HandlerOptions {
  /** Tags such as `paid || refunded`; default all. */
  readonly tag?: string
  /** A SQL92 expression on the properties; a topic has one at most in a group. */
  readonly sql?: string
  /** Consumer group; default that of the server. */
  readonly group?: string
}

/** A method that gets the messages of a topic. Returning, or an observable that completes, is success; an error has it come again. */
export function RocketMQEvent(topic: string, options: HandlerOptions = {}): MethodDecorator {
  return EventPattern(topic, ROCKETMQ_TRANSPORT, options)
}

/** A method that answers the requests of a topic with what it returns; of an observable, with its last value. */
export function RocketMQRequest(topic: string, options: HandlerOptions = {}): MethodDecorator {
  return MessagePattern(topic, ROCKETMQ_TRANSPORT, options)
}
