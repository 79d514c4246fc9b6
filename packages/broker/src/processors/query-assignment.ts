import {
  isLmqTopic,
  isRetryTopic,
  queryAssignmentAnswerBody,
  queryAssignmentRequestBody,
  queueKey,
  ResponseCode,
  setMessageRequestModeBody,
  type GetAllMessageRequestMode,
  type MessageQueue,
  type MessageRequestMode,
  type QueryAssignment,
  type QueryAssignmentRequest,
  type SetMessageRequestMode,
} from '@skylarkmq/protocol'
import { OK, refuse, type Processor, type Reply } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'
import { clientIdsOf } from '../consumer/consumer-table.ts'
import { allocateQueues, allocateToPop } from '../subscription/allocate-queues.ts'

const NO_BODY = 'java.lang.NullPointerException: the request has no body'

/**
 * QUERY_ASSIGNMENT: the queues of a topic that one client of a group is to read, and whether it pulls or pops them. An
 * answer without a list tells the client to leave things as they are. Apache: `QueryAssignmentProcessor.java`.
 */
export const queryAssignment: Processor<BrokerContext, typeof QueryAssignment> = (
  broker,
  { body },
) => {
  if (body === undefined) return refuse(ResponseCode.SYSTEM_ERROR, NO_BODY)
  return assign(broker, queryAssignmentRequestBody.decode(body))
}

async function assign(broker: BrokerContext, asked: QueryAssignmentRequest): Promise<Reply> {
  const { mode, shareCount } = modeOf(broker, asked)
  const queues = await queuesFor(broker, asked, mode, shareCount)
  const different = new Map(queues?.map((queue) => [queueKey(queue), queue]))
  const list = [...different.values()].map((messageQueue) => ({ messageQueue, mode }))
  const messageQueueAssignments = queues === undefined ? undefined : list
  return {
    code: ResponseCode.SUCCESS,
    body: queryAssignmentAnswerBody.encode({ messageQueueAssignments }),
  }
}

/** A retry topic is pulled, whatever the default. */
function modeOf(
  { requestModes, config }: BrokerContext,
  { topic, consumerGroup }: QueryAssignmentRequest,
): { mode: MessageRequestMode; shareCount: number } {
  const said = requestModes.get(topic, consumerGroup)
  if (said !== undefined) return { mode: said.mode, shareCount: said.popShareQueueNum }
  const mode = isRetryTopic(topic) ? 'PULL' : config.defaultMessageRequestMode
  return { mode, shareCount: mode === 'POP' ? config.defaultPopShareQueueNum : 0 }
}

async function queuesFor(
  broker: BrokerContext,
  asked: QueryAssignmentRequest,
  mode: MessageRequestMode,
  shareCount: number,
): Promise<readonly MessageQueue[] | undefined> {
  const { topic, consumerGroup, clientId, strategyName, messageModel } = asked
  const { brokerName, serverLoadBalancerEnable } = broker.config
  const isLmq = messageModel === 'CLUSTERING' && isLmqTopic(topic)
  const queues = isLmq
    ? [{ topic, brokerName, queueId: 0 }]
    : await broker.topicRoutes.queuesOf(topic)
  if (queues === undefined || messageModel === 'BROADCASTING' || !serverLoadBalancerEnable) {
    return queues
  }
  const group = broker.consumers.get(consumerGroup)
  if (group === undefined || clientId.trim() === '' || queues.length === 0) return undefined
  const clientIds = clientIdsOf(group)
  return mode === 'POP'
    ? allocateToPop(strategyName, queues, clientIds, clientId, shareCount)
    : allocateQueues(strategyName, queues, clientIds, clientId)
}

/** SET_MESSAGE_REQUEST_MODE: whether a group pulls or pops a topic from now on. Apache: `QueryAssignmentProcessor.java`. */
export const setMessageRequestMode: Processor<BrokerContext, typeof SetMessageRequestMode> = (
  broker,
  { body },
) => {
  if (body === undefined) return refuse(ResponseCode.SYSTEM_ERROR, NO_BODY)
  const mode = setMessageRequestModeBody.decode(body)
  if (isRetryTopic(mode.topic)) {
    return refuse(ResponseCode.NO_PERMISSION, 'retry topic is not allowed to set mode')
  }
  if (broker.topics.get(mode.topic) === undefined) {
    return refuse(ResponseCode.TOPIC_NOT_EXIST, `topic[${mode.topic}] not exist`)
  }
  if (broker.groups.find(mode.consumerGroup) === undefined) {
    return refuse(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, 'subscription group does not exist')
  }
  broker.requestModes.set(mode)
  return Promise.all([broker.groups.tried, broker.requestModes.saved]).then(() => OK)
}

/** GET_ALL_MESSAGE_REQUEST_MODE: the whole table; slaves ask. Apache: `AdminBrokerProcessor.java`. */
export const getAllMessageRequestMode: Processor<
  BrokerContext,
  typeof GetAllMessageRequestMode
> = ({ requestModes }) => ({ code: ResponseCode.SUCCESS, body: requestModes.encode() })
