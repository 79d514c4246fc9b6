/**
 * Which of the queues one client of a group reads: its share, by the name of the strategy. Both lists are sorted.
 * Undefined for a strategy that this broker does not know.
 * Apache: `AllocateMessageQueueAveragely.java`, `AllocateMessageQueueAveragelyByCircle.java`.
 */
export function allocateQueues<Q>(
  strategy: string,
  queues: readonly Q[],
  clientIds: readonly string[],
  ownId: string,
): readonly Q[] | undefined {
  const index = clientIds.indexOf(ownId)
  switch (strategy) {
    case 'AVG': {
      if (index < 0) return []
      const rest = queues.length % clientIds.length
      const share = Math.floor(queues.length / clientIds.length)
      const start = index * share + Math.min(index, rest)
      return queues.slice(start, start + share + (index < rest ? 1 : 0))
    }
    case 'AVG_BY_CIRCLE':
      return index < 0 ? [] : queues.filter((_, i) => i % clientIds.length === index)
    default:
      return undefined
  }
}

/**
 * The queues that one client pops, of which several may pop one: all of them when `shareCount` is 0 or below or every
 * other client at least (one entry a broker and queue, whose id is −1); else its own share and those of the next
 * `shareCount` clients. Undefined for a strategy that this broker does not know.
 * Apache: `QueryAssignmentProcessor.java`, allocate4Pop.
 */
export function allocateToPop<Q extends { readonly queueId: number }>(
  strategy: string,
  queues: readonly Q[],
  clientIds: readonly string[],
  ownId: string,
  shareCount: number,
): readonly Q[] | undefined {
  if (allocateQueues(strategy, queues, clientIds, ownId) === undefined) return undefined
  if (shareCount <= 0 || shareCount >= clientIds.length - 1) {
    return queues.map((queue) => ({ ...queue, queueId: -1 }))
  }
  const index = clientIds.indexOf(ownId)
  if (clientIds.length > queues.length) {
    const only = index < 0 ? undefined : queues[index % queues.length]
    return only === undefined ? [] : [only]
  }
  const sharers = index < 0 ? [ownId] : Array.from({ length: shareCount + 1 }, (_, i) => i + index)
  const shares = sharers.map((each) => {
    const id = typeof each === 'string' ? each : (clientIds[each % clientIds.length] ?? '')
    return allocateQueues(strategy, queues, clientIds, id)
  })
  return shares.flatMap((share) => share ?? [])
}
