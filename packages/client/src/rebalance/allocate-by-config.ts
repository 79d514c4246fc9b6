import { queueKey, type MessageQueue } from '@skylarkmq/protocol'
import type { Allocate } from './allocate-averagely.ts'

/**
 * Gives this client the queues that its settings name, whatever the others have: who sets it up sees to it that none is
 * read twice or not at all. Queues that the topic does not have are left out. Apache:
 * `AllocateMessageQueueByConfig.java`.
 */
export function allocateByConfig(own: readonly MessageQueue[]): Allocate {
  const keys = new Set(own.map(queueKey))
  return (queues) => queues.filter((queue) => keys.has(queueKey(queue)))
}
