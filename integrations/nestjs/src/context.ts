import { BaseRpcContext } from '@nestjs/microservices'
import type { ConsumeContext, Duration, ReceivedMessage } from '@skylarkmq/client'

/** What a handler can ask of its message, and say of it: `@Ctx() context: RocketMQContext`. */
export class RocketMQContext extends BaseRpcContext<[ReceivedMessage<unknown>, ConsumeContext]> {
  /** The whole message: keys, properties, `reconsumeTimes` and so on. */
  getMessage(): ReceivedMessage<unknown> {
    return this.getArgs()[0]
  }

  /** The topic it was sent to. */
  getTopic(): string {
    return this.getMessage().topic
  }

  /** Its tag, if it has one. */
  getTag(): string | undefined {
    return this.getMessage().tag
  }

  /** Aborted when the application closes: what runs long should come to an end. */
  get signal(): AbortSignal {
    return this.#consuming.signal
  }

  /** Has the message come again after about this long: ms, or text such as `30s`. Return after it. */
  retryIn(delay: Duration): void {
    this.#consuming.retryIn(delay)
  }

  /** Has the message go to the dead-letter queue at once. Return after it. */
  deadLetter(reason?: string): void {
    this.#consuming.deadLetter(reason)
  }

  get #consuming(): ConsumeContext {
    return this.getArgs()[1]
  }
}
