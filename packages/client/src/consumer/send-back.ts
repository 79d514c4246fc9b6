import { ConsumerSendMsgBack, SkylarkError } from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import { RouteNotFoundError, saysOf } from '../errors.ts'
import { sendBackFailed } from '../events.ts'
import type { ReceivedMessage } from '../message.ts'
import { masterAddress } from '../route/topic-route.ts'

const SEND_BACK_TIMEOUT_MS = 5_000

/**
 * Gives a message back to the broker that it is of, which has it come again after the delay of a level (0: by how often it
 * failed), or, below 0, puts it to the dead letters. False when that did not succeed, which is told. Apache:
 * `DefaultMQPushConsumerImpl.java`, sendMessageBack.
 */
export async function sendBack(
  { client, group }: { readonly client: ClientInstance; readonly group: string },
  message: ReceivedMessage,
  delayLevel: number,
  maxReconsumeTimes: number,
): Promise<boolean> {
  const { msgId, messageQueue } = message
  try {
    const route = await client.routes.get(messageQueue.topic)
    const address = masterAddress(route, messageQueue.brokerName)
    if (address === undefined) {
      const reason = `the broker ${messageQueue.brokerName} has no master`
      throw new RouteNotFoundError({ topic: messageQueue.topic, reason })
    }
    const header = {
      offset: message.physicalOffset,
      group,
      delayLevel,
      originMsgId: message.offsetMsgId,
      originTopic: client.wrapped(message.topic),
      unitMode: false,
      maxReconsumeTimes,
    }
    const options = { timeoutMs: SEND_BACK_TIMEOUT_MS }
    await client.caller.call(address, ConsumerSendMsgBack, header, options)
    client.metrics
      .group(group)
      .of(header.originTopic)
      .sentBack(delayLevel < 0)
    return true
  } catch (error) {
    if (!(error instanceof SkylarkError)) throw error
    client.env.events.emit(sendBackFailed, { msgId, reason: saysOf(error) })
    return false
  }
}
