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

  /**
   * Keeps the message here, and has the handler called with it again after about this long, which counts as no attempt; for
   * work that somebody else is at. Return after it.
   */
  hold(delay: Duration): void {
    this.#consuming.hold(delay)
  }

  /** Has the message go to the dead-letter queue at once. Return after it. */
  deadLetter(reason?: string): void {
    this.#consuming.deadLetter(reason)
  }

  /** What a consumer's own handler is given: for `idempotent` and the like. */
  getConsumeContext(): ConsumeContext {
    return this.getArgs()[1]
  }

  get #consuming(): ConsumeContext {
    return this.getConsumeContext()
  }
}
