import { changeProperties, findProperty, isLmqTopic, Property } from '@skylarkmq/protocol'
import type { MessageToStore } from './message.ts'

const NAMES = Buffer.from(Property.INNER_MULTI_DISPATCH)
const OFFSETS = Buffer.from(Property.INNER_MULTI_QUEUE_OFFSET)
const SEPARATOR = ','
/** No folder has a longer name. */
const NAME_MAX = 255
/** The one queue of a light message queue. */
export const LMQ_QUEUE_ID = 0

/** A light message queue that has a message, and its offset there. */
export interface LightPlace {
  readonly name: string
  readonly queueOffset: number
}

/** A message that is to be stored, and the light message queues that it is put into. */
export interface LightMessage {
  readonly message: MessageToStore
  readonly names: readonly string[]
}

/** Whether messages of a topic may be in light message queues, too. Apache: `MixAll.java`, topicAllowsLMQ. */
export function allowsLightQueues(topic: string): boolean {
  return (
    !topic.startsWith('%RETRY%') && !topic.startsWith('rmq_sys_') && topic !== 'SCHEDULE_TOPIC_XXXX'
  )
}

/**
 * A message with the offsets that it gets in the light message queues it asks for by INNER_MULTI_DISPATCH; undefined
 * when it asks for none. `offsetNext` says which is next in a queue. Apache: `LmqDispatch.java`.
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
  // The places of the keys have changed.
  return { message: { ...message, properties: changed, keys: undefined }, names }
}

/** A message without offsets in light message queues: only the store gives them. */
export function withoutLightOffsets(message: MessageToStore): MessageToStore {
  const properties = Buffer.from(message.properties)
  if (findProperty(properties, OFFSETS) === undefined) return message
  const changed = changeProperties(properties, { [Property.INNER_MULTI_QUEUE_OFFSET]: undefined })
  return { ...message, properties: changed, keys: undefined }
}

/** The light message queues that a record says it is in; its properties are `buffer[start, end)`. */
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

/** A name becomes that of a folder. */
function isLightQueue(name: string): boolean {
  return isLmqTopic(name) && name.length <= NAME_MAX && /^[%|a-zA-Z0-9_-]+$/.test(name)
}
