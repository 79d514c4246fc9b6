import type { ConsumeMessageDirectlyResult, DirectConsumeResult } from '@skylarkmq/protocol'
import { saysOf } from '../errors.ts'
import type { ReceivedMessage } from '../message.ts'
import type { ConsumeParts } from './consuming.ts'

/**
 * Consumes a message because an administrator wants it, whatever became of it before: offsets and queues stay as they
 * are. Never rejects. Apache: `ConsumeMessageConcurrentlyService.java`, consumeMessageDirectly.
 */
export async function consumeDirectly(
  { env, listener, bodies }: Pick<ConsumeParts, 'env' | 'listener' | 'bodies'>,
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
    const result = await bodies.use(message, listener)
    return ended(result === undefined || result === 'success' ? 'CR_SUCCESS' : 'CR_LATER')
  } catch (error) {
    return ended('CR_THROW_EXCEPTION', saysOf(error))
  }
}
