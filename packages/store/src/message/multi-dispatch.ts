import { changeProperties, findProperty, isLmqTopic, Property } from '@skylarkmq/protocol'
import type { MessageToStore } from './message.ts'

const NAMES = Buffer.from(Property.INNER_MULTI_DISPATCH)
const OFFSETS = Buffer.from(Property.INNER_MULTI_QUEUE_OFFSET)
const SEPARATOR = ','
/** File systems allow no longer names. */
const NAME_MAX = 255
/** The only queue of a light message queue. */
export const LMQ_QUEUE_ID = 0

/** A light message queue that has a message, and the message's offset there. */
export interface LightPlace {
  readonly name: string
  readonly queueOffset: number
}

/** A message to store, and the light message queues that get it. */
export interface LightMessage {
  readonly message: MessageToStore
  readonly names: readonly string[]
}

/** Whether messages of a topic may go into light message queues. Apache: `MixAll.java`, topicAllowsLMQ. */
export function allowsLightQueues(topic: string): boolean {
  return (
    !topic.startsWith('%RETRY%') && !topic.startsWith('rmq_sys_') && topic !== 'SCHEDULE_TOPIC_XXXX'
  )
}

/**
 * A message with its offsets in the light message queues that INNER_MULTI_DISPATCH names; undefined when it names
 * none. `offsetNext` gives the next offset of a queue. Apache: `LmqDispatch.java`.
 */
export function withLightOffsets(
  message: MessageToStore,
  offsetNext: (name: string) => number,
): LightMessage | undefined {
  const properties = Buffer.from(message.properties)
  const span = findProperty(properties, NAMES)
  if (span === undefined || !allowsLightQueues(message.topic)) return undefined
  const all = properties.toString('utf8', span.start, span.end).split(SEPARATOR)
  const names = all.filter(isLightQueue)
  if (names.length === 0) return undefined
  const offsets = all.map((name) => (isLightQueue(name) ? String(offsetNext(name)) : ''))
  const changed = changeProperties(properties, {
    [Property.INNER_MULTI_QUEUE_OFFSET]: offsets.join(SEPARATOR),
    [Property.WAIT]: undefined,
  })
  // The positions of the keys have changed.
  return { message: { ...message, properties: changed, keys: undefined }, names }
}

/** A message without offsets in light message queues, which only the store may set. */
export function withoutLightOffsets(message: MessageToStore): MessageToStore {
  const properties = Buffer.from(message.properties)
  if (findProperty(properties, OFFSETS) === undefined) return message
  const changed = changeProperties(properties, { [Property.INNER_MULTI_QUEUE_OFFSET]: undefined })
  return { ...message, properties: changed, keys: undefined }
}

/** The light message queues that a record names; its properties are `buffer[start, end)`. */
export function lightPlaces(buffer: Buffer, start: number, end: number): LightPlace[] {
  const namesSpan = findProperty(buffer, NAMES, start, end)
  const offsetsSpan =
    namesSpan === undefined ? undefined : findProperty(buffer, OFFSETS, start, end)
  if (namesSpan === undefined || offsetsSpan === undefined) return []
  const names = buffer.toString('utf8', namesSpan.start, namesSpan.end).split(SEPARATOR)
  const offsets = buffer.toString('latin1', offsetsSpan.start, offsetsSpan.end).split(SEPARATOR)
  if (names.length !== offsets.length) return []
  return names.flatMap((name, i) => {
    const text = offsets[i] ?? ''
    return isLightQueue(name) && /^\d{1,15}$/.test(text)
      ? [{ name, queueOffset: Number(text) }]
      : []
  })
}

/** The name is used as a folder name. */
function isLightQueue(name: string): boolean {
  return isLmqTopic(name) && name.length <= NAME_MAX && /^[%|a-zA-Z0-9_-]+$/.test(name)
}
