import type { Allocate } from './allocate-averagely.ts'

/**
 * Deals the queues out like cards, so that the queues of each broker spread over the clients. Nothing when the
 * own id is not among the clients. Apache: `AllocateMessageQueueAveragelyByCircle.java`.
 */
export const allocateByCircle: Allocate = (queues, clientIds, ownId) => {
  const index = clientIds.indexOf(ownId)
  return index < 0 ? [] : queues.filter((_, i) => i % clientIds.length === index)
}
