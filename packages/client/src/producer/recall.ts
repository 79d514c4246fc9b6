import { decodeRecallHandle, RecallMessage } from '@skylarkmq/protocol'
import type { ClientInstance } from '../client-instance.ts'
import { shown } from '../check/check-options.ts'
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
  const isText = typeof (recallHandle as unknown) === 'string'
  const handle = isText ? decodeRecallHandle(recallHandle) : undefined
  if (handle === undefined) {
    const problem = `${shown(recallHandle)} is none that a send answered`
    const advice =
      'Give the recallHandle of a result: one of a message with delay or deliverAt has it, where the broker is of 5.3.3 or later.'
    throw new OptionError({ option: 'recallHandle', problem, advice })
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
