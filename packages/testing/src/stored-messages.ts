import type { Broker } from '@skylarkmq/broker'
import { readMessages, type ReceivedMessage } from '@skylarkmq/client'

/** All messages of a topic that a broker has, in the order of storage; empty for an unknown topic. */
export function storedMessages(broker: Broker, topic: string): ReceivedMessage[] {
  const { context } = broker
  const config = context?.topics.get(topic)
  if (context === undefined || config === undefined) return []
  const { store } = context
  const records: Buffer[] = []
  for (
    let queueId = 0;
    queueId < Math.max(config.readQueueNums, config.writeQueueNums);
    queueId++
  ) {
    const end = store.offsetMax(topic, queueId)
    for (let offset = store.offsetMin(topic, queueId); offset < end; offset++) {
      const unit = store.queueUnitAt(topic, queueId, offset)
      const record = unit && store.recordAt(unit.physicalOffset, unit.sizeBytes)
      if (record !== undefined) records.push(Buffer.from(record))
    }
  }
  const messages = readMessages(Buffer.concat(records), context.config.brokerName)
  return messages.sort((one, other) => one.physicalOffset - other.physicalOffset)
}
