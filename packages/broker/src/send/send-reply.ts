import { isDlqTopic, isRetryTopic, type HeaderOf, type SendMessage } from '@skylarkmq/protocol'
import { refuse, type Reply, type Request } from '@skylarkmq/remoting'
import type { PutMessageResult } from '@skylarkmq/store'
import type { BrokerContext } from '../broker-context.ts'
import { codeOfPutStatus } from '../response-of-status.ts'

/** A send, whatever its wire form. */
export type SendRequest = Request<typeof SendMessage>
/** Its answer. */
export type SendReply = Reply<typeof SendMessage>
/** The header of a send. */
export type SendHeader = HeaderOf<typeof SendMessage>

/** What a client is told of a message that was not stored. */
export function refusalOf(
  broker: BrokerContext,
  result: Pick<PutMessageResult, 'status' | 'remark'>,
): Reply {
  const code = codeOfPutStatus[result.status]
  switch (result.status) {
    case 'MESSAGE_ILLEGAL':
    case 'PROPERTIES_SIZE_EXCEEDED':
      return refuse(
        code,
        `the message is illegal, maybe msg body or properties length not matched. msg body length limit ${broker.config.maxMessageSize}B, msg properties length limit 32KB.`,
      )
    case 'SERVICE_NOT_AVAILABLE':
      return refuse(
        code,
        `service not available now: ${result.remark ?? 'the store does not accept messages'}`,
      )
    default:
      return refuse(code, result.remark ?? result.status)
  }
}

/** An answer to a send: every one of them names the region. */
export function stamped(broker: BrokerContext, reply: Reply): SendReply {
  return { ...reply, header: undefined, fields: broker.stamp.fields }
}

/** Whether a batch may go to this topic. */
export function takesBatches(topic: string): boolean {
  return !isRetryTopic(topic) && !isDlqTopic(topic)
}
