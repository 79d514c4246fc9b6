import { createHash } from 'node:crypto'
import type { Allocate } from './allocate-averagely.ts'

/** Places of each client on the ring. */
const VIRTUAL_NODES = 10

/**
 * Puts clients and queues on a ring, each queue to the client that follows it: when a client comes or leaves, few queues
 * change hands. The same as Java's with as many virtual nodes. Nothing when the own id is not among the clients. Throws a
 * RangeError for less than one virtual node. Apache: `AllocateMessageQueueConsistentHash.java`.
 */
export function allocateByConsistentHash(virtualNodes = VIRTUAL_NODES): Allocate {
  if (!(virtualNodes >= 1)) {
    throw new RangeError(`a client needs at least 1 virtual node, not ${virtualNodes}`)
  }
  return (queues, clientIds, ownId) => {
    if (!clientIds.includes(ownId)) return []
    const ring = clientIds
      .flatMap((id) =>
        Array.from({ length: virtualNodes }, (_, index) => ({ id, at: hashOf(`${id}-${index}`) })),
      )
      .sort((one, other) => one.at - other.at)
    return queues.filter(({ topic, brokerName, queueId }) => {
      // Java hashes what its toString gives.
      const text = `MessageQueue [topic=${topic}, brokerName=${brokerName}, queueId=${queueId}]`
      const at = hashOf(text)
      return (ring.find((node) => node.at >= at) ?? ring[0])?.id === ownId
    })
  }
}

/** The first four bytes of the MD5, as an unsigned number. */
function hashOf(text: string): number {
  return createHash('md5').update(text, 'utf8').digest().readUInt32BE(0)
}
