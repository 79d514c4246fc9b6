import { brokerNameType, topicName } from '../schema/name-fields.ts'
import { type Shape, int, named, object } from './shape.ts'

/** One queue of a topic on one broker. Apache: `MessageQueue.java`. */
export interface MessageQueue {
  /** The topic that it is of. */
  readonly topic: string
  /** Name of its broker. */
  readonly brokerName: string
  /** From 0; -1 stands for all queues of the broker. */
  readonly queueId: number
}

/** How a MessageQueue is read from JSON. */
export const messageQueue: Shape<MessageQueue> = object<MessageQueue>({
  topic: named(topicName),
  brokerName: named(brokerNameType),
  queueId: int,
})

/** Text that is the same for equal queues, to look them up by. */
export function queueKey(queue: MessageQueue): string {
  return `${queue.topic}\u0000${queue.brokerName}\u0000${queue.queueId}`
}

/** The order that all clients of a group sort queues in: topic, broker name, queue id. */
export function compareQueues(a: MessageQueue, b: MessageQueue): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  if (a.brokerName !== b.brokerName) return a.brokerName < b.brokerName ? -1 : 1
  return a.queueId - b.queueId
}
