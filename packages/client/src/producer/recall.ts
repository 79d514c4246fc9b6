import { decodeRecallHandle, RecallMessage } from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import { OptionError, RouteNotFoundError } from '../errors.ts'
import { masterAddress, publishQueues } from '../route/topic-route.ts'

/**
 * Asks the broker that the handle names to call a message back, or, behind a proxy, the one that the topic is sent to.
 * Returns the message's id. Apache: `DefaultMQProducerImpl.java`, recallMessage.
 */
export async function recallMessage(
  { caller, routes }: ClientInstance,
  producerGroup: string,
  topic: string,
  recallHandle: string,
  timeoutMs: number,
): Promise<string> {
  const handle = decodeRecallHandle(recallHandle)
  if (handle === undefined) {
    const problem = `${recallHandle} is none that a send answered`
    throw new OptionError({ option: 'recallHandle', problem })
  }
  const { brokerName } = handle
  const route = await routes.forSending(topic)
  const [queue] = publishQueues(topic, route)
  const address = masterAddress(route, brokerName) ?? masterAddress(route, queue?.brokerName ?? '')
  if (address === undefined) {
    throw new RouteNotFoundError({ topic, reason: `no broker ${brokerName} has it` })
  }
  const header = { producerGroup, topic, recallHandle, bname: brokerName }
  const answer = await caller.call(address, RecallMessage, header, { timeoutMs })
  return answer.header().msgId
}
