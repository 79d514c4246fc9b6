import type { ConsumeMessageDirectlyResult, DirectConsumeResult } from '@skylarkmq/protocol'
import { saysOf } from '../errors.ts'
import type { ReceivedMessage } from '../message.ts'
import { failureOf, type ConsumeParts } from './consuming.ts'

/**
 * Consumes a message because an administrator wants it, whatever became of it before: offsets and queues stay as they
 * are. Never rejects. Apache: `ConsumeMessageConcurrentlyService.java`, consumeMessageDirectly.
 */
export async function consumeDirectly(
  { env, listener, bodies, context }: Pick<ConsumeParts, 'env' | 'listener' | 'bodies' | 'context'>,
  message: ReceivedMessage,
  isOrdered: boolean,
): Promise<ConsumeMessageDirectlyResult> {
  const began = env.clock.monotonic()
  const ended = (consumeResult: DirectConsumeResult, remark?: string) => ({
    order: isOrdered,
    autoCommit: true,
    consumeResult,
    remark,
    spentTimeMills: Math.round(env.clock.monotonic() - began),
  })
  try {
    const result = await context.run(() => bodies.use(message, listener))
    return ended(failureOf(result) === undefined ? 'CR_SUCCESS' : 'CR_LATER')
  } catch (error) {
    return ended('CR_THROW_EXCEPTION', saysOf(error))
  }
}
