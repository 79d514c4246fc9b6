import type { BrokerContext } from '@skylarkmq/broker'
import { decodeRecord } from '@skylarkmq/protocol'
import { queueOf } from '../history.ts'
import { QUEUES, TOPICS } from '../topology.ts'

/** Where a message lies in a queue that consumers read. */
export interface InQueue {
  readonly queue: string
  readonly offset: number
}

/** Reads all queues of all brokers: where each message lies, by what its body says. */
export function whereAllLie(
  brokers: readonly { readonly name: string; readonly context: BrokerContext }[],
): Map<string, InQueue[]> {
  const all = new Map<string, InQueue[]>()
  for (const { name, context } of brokers) {
    const { store } = context
    for (const topic of Object.keys(TOPICS)) {
      for (let queueId = 0; queueId < QUEUES; queueId++) {
        const queue = queueOf(name, topic, queueId)
        const end = store.offsetMax(topic, queueId)
        for (let offset = store.offsetMin(topic, queueId); offset < end; offset++) {
          const unit = store.queueUnitAt(topic, queueId, offset)
          const bytes = unit === undefined ? undefined : store.recordAt(unit.physicalOffset)
          if (bytes === undefined) continue
          const id = decodeRecord(bytes).body.toString()
          all.set(id, [...(all.get(id) ?? []), { queue, offset }])
        }
      }
    }
  }
  return all
}
