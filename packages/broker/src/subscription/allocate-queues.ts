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
  return shareOf(strategy, queues, clientIds.length, clientIds.indexOf(ownId))
}

/** The share of the client at an index of so many; nothing for a negative one. */
function shareOf<Q>(
  strategy: string,
  queues: readonly Q[],
  count: number,
  index: number,
): readonly Q[] | undefined {
  switch (strategy) {
    case 'AVG': {
      if (index < 0) return []
      const rest = queues.length % count
      const share = Math.floor(queues.length / count)
      const start = index * share + Math.min(index, rest)
      return queues.slice(start, start + share + (index < rest ? 1 : 0))
    }
    case 'AVG_BY_CIRCLE': {
      const share: Q[] = []
      for (let at = index; index >= 0 && at < queues.length; at += count)
        share.push(queues[at] as Q)
      return share
    }
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
  if (shareOf(strategy, [], 1, -1) === undefined) return undefined
  if (shareCount <= 0 || shareCount >= clientIds.length - 1) {
    return queues.map((queue) => ({ ...queue, queueId: -1 }))
  }
  const index = clientIds.indexOf(ownId)
  if (clientIds.length > queues.length) {
    const only = index < 0 ? undefined : queues[index % queues.length]
    return only === undefined ? [] : [only]
  }
  if (index < 0) return []
  const count = clientIds.length
  const all: Q[] = []
  for (let i = index; i <= index + shareCount; i++) {
    for (const queue of shareOf(strategy, queues, count, i % count) ?? []) all.push(queue)
  }
  return all
}
