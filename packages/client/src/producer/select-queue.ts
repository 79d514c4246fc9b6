import { javaHash, type MessageQueue } from '@skylarkmq/protocol'

/** Chooses one of the queues of a topic, by what a message belongs to. The list is never empty. */
export type QueueSelector = (queues: readonly MessageQueue[]) => MessageQueue | undefined

/**
 * The queue of a turn: one after the other, but not on the broker that has just failed when there is another.
 * Undefined when there is no queue. Apache: `TopicPublishInfo.java`, selectOneMessageQueue.
 */
export function selectQueue(
  queues: readonly MessageQueue[],
  turn: number,
  avoidBroker?: string,
): MessageQueue | undefined {
  for (let i = 0; i < queues.length; i++) {
    const queue = queues[(turn + i) % queues.length]
    if (queue !== undefined && queue.brokerName !== avoidBroker) return queue
  }
  return queues[turn % Math.max(1, queues.length)]
}

/**
 * A selector that gives all messages of one key the same queue, so that they stay in order while the number
 * of queues does not change. Chooses as Apache's does. Apache: `SelectMessageQueueByHash.java`.
 */
export function queueByHash(key: string): QueueSelector {
  return (queues) => {
    const index = javaHash(key) % Math.max(1, queues.length)
    return queues[Math.abs(index)]
  }
}
