import {
  ResponseCode,
  type QueryConsumerOffset,
  type UpdateConsumerOffset,
} from '@skylarkmq/protocol'
import { OK, refuse, type Processor } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'

/**
 * QUERY_CONSUMER_OFFSET. A group without an offset on a queue whose first message is still in memory is told 0,
 * so that a new group on a young topic misses nothing, wherever it meant to begin. So it is of a queue that never had
 * a message: Apache says that there is none, and a client that begins at the end works out the same 0, unless a message comes
 * between its two questions, which it then misses.
 * Apache: `ConsumerManageProcessor.java`, queryConsumerOffset.
 */
export const queryConsumerOffset: Processor<BrokerContext, typeof QueryConsumerOffset> = (
  broker,
  { header },
) => {
  const { consumerGroup, topic, queueId, setZeroIfNotFound } = header
  const offset = broker.offsets.committed(consumerGroup, topic, queueId)
  if (offset !== undefined && offset >= 0) return { code: ResponseCode.SUCCESS, header: { offset } }
  if (setZeroIfNotFound !== false && isYoung(broker, topic, queueId)) {
    return { code: ResponseCode.SUCCESS, header: { offset: 0 } }
  }
  return refuse(
    ResponseCode.QUERY_NOT_FOUND,
    `Not found, maybe this group consumer boot first: ${consumerGroup} has no offset of ${topic}, queue ${queueId}`,
  )
}

function isYoung(broker: BrokerContext, topic: string, queueId: number): boolean {
  if (broker.store.offsetMin(topic, queueId) > 0) return false
  if (broker.store.offsetMax(topic, queueId) === 0) {
    const queues = broker.topics.get(topic)?.readQueueNums ?? 0
    return queueId >= 0 && queueId < queues
  }
  const first = broker.store.queueUnitAt(topic, queueId, 0)
  return first !== undefined && broker.store.isInMemory(first.physicalOffset)
}

/** UPDATE_CONSUMER_OFFSET. Apache: `ConsumerManageProcessor.java`, updateConsumerOffset. */
export const updateConsumerOffset: Processor<BrokerContext, typeof UpdateConsumerOffset> = (
  broker,
  { header },
) => {
  const { consumerGroup, topic, queueId, commitOffset } = header
  if (!broker.groups.has(consumerGroup)) {
    return refuse(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, `Group ${consumerGroup} not exist!`)
  }
  if (broker.topics.get(topic) === undefined) {
    return refuse(ResponseCode.TOPIC_NOT_EXIST, `Topic ${topic} not exist!`)
  }
  if (queueId === undefined || commitOffset === undefined) {
    const missing = queueId === undefined ? 'queueId' : 'offset'
    return refuse(ResponseCode.INVALID_PARAMETER, `${missing} is null, topic is ${topic}`)
  }
  const problem = broker.offsets.problem(consumerGroup, topic, queueId)
  if (problem !== undefined) return refuse(ResponseCode.SYSTEM_ERROR, problem)
  if (broker.offsets.commit(consumerGroup, topic, queueId, commitOffset)) return OK
  return { code: ResponseCode.SUCCESS, remark: 'Offset has been previously reset' }
}
