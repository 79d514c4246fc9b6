import type { MessageQueue } from '@skylarkmq/protocol'

/**
 * Which of the queues one client of a group reads. Clients and queues are both sorted, so every client of a
 * group computes the same allocation from the same two lists without talking to the others. When the lists
 * differ for a moment, a queue may have two readers or none; the next round repairs it.
 */
export type Allocate = (
  queues: readonly MessageQueue[],
  clientIds: readonly string[],
  ownId: string,
) => readonly MessageQueue[]

/**
 * Gives each client a run of neighbouring queues; the first ones get one more when they do not come out even.
 * Nothing when the own id is not among the clients. Apache: `AllocateMessageQueueAveragely.java`.
 */
export const allocateAveragely: Allocate = (queues, clientIds, ownId) => {
  const index = clientIds.indexOf(ownId)
  if (index < 0) return []
  const rest = queues.length % clientIds.length
  const share = Math.floor(queues.length / clientIds.length)
  const start = index * share + Math.min(index, rest)
  return queues.slice(start, start + share + (index < rest ? 1 : 0))
}
