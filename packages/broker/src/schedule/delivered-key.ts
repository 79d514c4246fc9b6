import { findProperty, Property, readInt, recordSpans, SystemTopic } from '@skylarkmq/protocol'
import { deliveryKey } from '@skylarkmq/store'

const REAL_TOPIC = Buffer.from(Property.REAL_TOPIC)
const REAL_QID = Buffer.from(Property.REAL_QID)
const DELAY = Buffer.from(Property.DELAY)
const UNIQ_KEY = Buffer.from(Property.UNIQ_KEY)

/** Tells the deliveries of delayed messages to a topic apart. */
export function delayDeliveryKey(
  topic: string,
  properties: Buffer,
  reconsumeTimes: number,
): string {
  return `${deliveryKey(topic, properties, [REAL_QID, DELAY, UNIQ_KEY])}\x01${reconsumeTimes}`
}

/** The key of a record that was delivered after a delay; undefined for any other record. */
export function deliveredKeyOf(record: Buffer): string | undefined {
  const spans = recordSpans(record, 0, record.length)
  if (typeof spans === 'string') return undefined
  const properties = record.subarray(spans.propertiesStart, spans.propertiesEnd)
  const real = findProperty(properties, REAL_TOPIC)
  if (real === undefined || findProperty(properties, DELAY) === undefined) return undefined
  const topic = record.toString('utf8', spans.topicStart, spans.topicEnd)
  // What waits still has both, too.
  if (topic === SystemTopic.SCHEDULE) return undefined
  if (properties.toString('utf8', real.start, real.end) !== topic) return undefined
  const reconsumeTimes = readInt(record, spans.bodyStart - 16)
  return delayDeliveryKey(topic, properties, reconsumeTimes)
}
