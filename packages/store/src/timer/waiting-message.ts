import {
  changeProperties,
  decodeProperties,
  findProperty,
  javaHash,
  Property,
  recordSpans,
  recordStoreTimestamp,
  TIMER_TOPIC,
  type DecodedMessage,
  type PropertySpan,
  type RecordSpans,
} from '@skylarkmq/protocol'
import { deliveryKey } from '../delivery/delivered-before.ts'
import { tagsCodeOfRecord } from '../dispatch/reput.ts'
import type { MessageToStore } from '../message/message.ts'
import { messageAgain } from '../message/message-again.ts'

const TOPIC = Buffer.from(TIMER_TOPIC)
const OUT_MS = Buffer.from(Property.TIMER_OUT_MS)
const REAL_TOPIC = Buffer.from(Property.REAL_TOPIC)
const REAL_QID = Buffer.from(Property.REAL_QID)
const UNIQ_KEY = Buffer.from(Property.UNIQ_KEY)
const ROLL_TIMES = Buffer.from(Property.TIMER_ROLL_TIMES)
const DELETE_KEY = Buffer.from(Property.TIMER_DEL_UNIQKEY)
const DELAY_SEC = Buffer.from(Property.TIMER_DELAY_SEC)
const DELAY_MS = Buffer.from(Property.TIMER_DELAY_MS)
const DELIVER_MS = Buffer.from(Property.TIMER_DELIVER_MS)

/** Apache's enqueue time for a message that was never in the wheel. */
const NEVER_ENQUEUED = '9223372036854775807'

/**
 * The slot of a message due at `deliverMs`: the last one that begins before. Apache: `HookUtils.java`,
 * transformTimerMessage.
 */
export function timerSlotOf(deliverMs: number, precisionMs: number): number {
  return (Math.ceil(deliverMs / precisionMs) - 1) * precisionMs
}

/** The fields of a timer message that the wheel needs. */
export interface WaitingMessage {
  /** Its slot, ms. */
  readonly slotMs: number
  /** When it is due: within the slot, at its end at the latest. */
  readonly dueMs: number
  readonly storeTimestamp: number
  /** Its destination topic. */
  readonly topic: string
  readonly topicHash: number
  /** Whether it recalls another message. */
  readonly isDelete: boolean
}

/** Reads a record of the timer queue; undefined when it states no time or no topic. */
export function readWaiting(record: Buffer, precisionMs: number): WaitingMessage | undefined {
  const spans = recordSpans(record, 0, record.length)
  if (typeof spans === 'string') return undefined
  if (record.compare(TOPIC, 0, TOPIC.length, spans.topicStart, spans.topicEnd) !== 0)
    return undefined
  const find = (name: Buffer): PropertySpan | undefined =>
    findProperty(record, name, spans.propertiesStart, spans.propertiesEnd)
  const outSpan = find(OUT_MS)
  const topicSpan = find(REAL_TOPIC)
  if (outSpan === undefined || topicSpan === undefined) return undefined
  const slotMs = Math.floor(numberOf(record, outSpan) / precisionMs) * precisionMs
  if (!Number.isSafeInteger(slotMs)) return undefined
  const topic = record.toString('utf8', topicSpan.start, topicSpan.end)
  const storeTimestamp = recordStoreTimestamp(record)
  const dueMs = dueOf(record, find, storeTimestamp)
  const isInSlot = dueMs > slotMs && dueMs <= slotMs + precisionMs
  return {
    slotMs,
    dueMs: isInSlot ? dueMs : slotMs + precisionMs,
    storeTimestamp,
    topic,
    topicHash: javaHash(topic),
    isDelete: find(DELETE_KEY) !== undefined,
  }
}

function dueOf(
  record: Buffer,
  find: (name: Buffer) => PropertySpan | undefined,
  storeTimestamp: number,
): number {
  const delayMs = delayOf(record, find)
  if (delayMs !== undefined) {
    // A rolled message was stored again, and its delay did not begin then: the end of its slot counts.
    return find(ROLL_TIMES) === undefined ? storeTimestamp + delayMs : NaN
  }
  const at = find(DELIVER_MS)
  return at === undefined ? NaN : numberOf(record, at)
}

function delayOf(
  record: Buffer,
  find: (name: Buffer) => PropertySpan | undefined,
): number | undefined {
  const sec = find(DELAY_SEC)
  if (sec !== undefined) return numberOf(record, sec) * 1000
  const ms = find(DELAY_MS)
  return ms === undefined ? undefined : numberOf(record, ms)
}

const numberOf = (record: Buffer, { start, end }: PropertySpan): number =>
  Number(record.toString('latin1', start, end))

/** Topic and unique key of a timer message, as a recall names them; undefined without a key. */
export function recallKeyOf(record: Buffer): string | undefined {
  const text = textIn(record)
  const topic = text?.(REAL_TOPIC)
  const key = text?.(UNIQ_KEY)
  return topic === undefined || key === undefined ? undefined : `${topic}+${key}`
}

/** The message that a record recalls, in the form of `recallKeyOf`; undefined when it recalls none. */
export function recalledKeyOf(record: Buffer): string | undefined {
  return textIn(record)?.(DELETE_KEY)
}

/** For a record that was delivered or rolled: the step of the message, and its slot; undefined for any other record. */
export function deliveryOf(record: Buffer): { key: string; slotMs: number } | undefined {
  const spans = recordSpans(record, 0, record.length)
  if (typeof spans === 'string') return undefined
  const properties = record.subarray(spans.propertiesStart, spans.propertiesEnd)
  const out = findProperty(properties, OUT_MS)
  if (out === undefined) return undefined
  const slotMs = numberOf(properties, out)
  // No checksum covers properties: a power cut may tear them in the middle.
  if (!Number.isSafeInteger(slotMs)) return undefined
  const isRolled = record.compare(TOPIC, 0, TOPIC.length, spans.topicStart, spans.topicEnd) === 0
  const rolls = rollTimesOf(properties)
  // A producer that sends to the timer queue directly has rolled nothing.
  if (isRolled && rolls === 0) return undefined
  return { key: stepKey(properties, isRolled ? rolls - 1 : rolls), slotMs }
}

/** The key of `deliveryOf` for a message about to be delivered or rolled. */
export function nextStepOf(message: DecodedMessage): string {
  return stepKey(message.properties, rollTimesOf(message.properties))
}

/**
 * Identifies a step of a message by the number of rolls before it. Each step is taken once, either to its topic or
 * back to the timer queue: if its slot is past at a start after a crash, the message goes to its topic, though it may
 * have been rolled before.
 */
function stepKey(properties: Buffer, rolls: number): string {
  // A recall has the key of its message and rolls in the same way.
  const names = [REAL_TOPIC, REAL_QID, UNIQ_KEY, OUT_MS, DELETE_KEY]
  return deliveryKey(String(rolls), properties, names)
}

function rollTimesOf(properties: Buffer): number {
  const span = findProperty(properties, ROLL_TIMES)
  return span === undefined ? 0 : numberOf(properties, span)
}

function textIn(record: Buffer): ((name: Buffer) => string | undefined) | undefined {
  const spans: RecordSpans | string = recordSpans(record, 0, record.length)
  if (typeof spans === 'string') return undefined
  return (name) => {
    const span = findProperty(record, name, spans.propertiesStart, spans.propertiesEnd)
    return span === undefined ? undefined : record.toString('utf8', span.start, span.end)
  }
}

/**
 * A timer message to forward: to its topic or, if rolled, back to the timer queue. Undefined when it names no
 * destination. As in Apache, it keeps the timer properties. `message` was decoded from `record`; `enqueueMs` is when
 * it was put into the wheel. Apache: `TimerMessageStore.java`, convert.
 */
export function messageOnItsWay(
  record: Buffer,
  message: DecodedMessage,
  isRolled: boolean,
  enqueueMs: number | undefined,
  nowMs: number,
): MessageToStore | undefined {
  const properties = decodeProperties(message.properties)
  const topic = isRolled ? message.topic : properties.get(Property.REAL_TOPIC)
  const queueId = isRolled ? message.queueId : Number(properties.get(Property.REAL_QID))
  if (topic === undefined || !Number.isInteger(queueId) || queueId < 0) return undefined
  const rollTimes = Number(properties.get(Property.TIMER_ROLL_TIMES) ?? 0) + 1
  return messageAgain(message, {
    topic,
    queueId,
    properties: changeProperties(message.properties, {
      [Property.TIMER_ENQUEUE_MS]: enqueueMs === undefined ? NEVER_ENQUEUED : String(enqueueMs),
      ...(isRolled ? { [Property.TIMER_ROLL_TIMES]: String(rollTimes) } : {}),
      [Property.TIMER_DEQUEUE_MS]: String(nowMs),
    }),
    tagsCode: tagsCodeOfRecord(record),
  })
}
