import {
  changeProperties,
  isRetryTopic,
  Property,
  propertyText,
  ResponseCode,
  TIMER_TOPIC,
  type Properties,
  encodeRecallHandle,
} from '@skylarkmq/protocol'
import { refuse, type Reply } from '@skylarkmq/remoting'
import { timerSlotOf, type MessageToStore } from '@skylarkmq/store'
import type { BrokerContext } from '../broker-context.ts'

/** What of a broker decides when a message with a time of its own is due. */
export type TimedParts = Pick<BrokerContext, 'env' | 'store'> & {
  readonly config: Pick<BrokerContext['config'], 'timerMaxDelaySec' | 'timerCongestNumEachSlot'>
}

/** Whether a message asks for a time of its own. One that waited already says so, and is done with it. */
export function isTimed(properties: Properties): boolean {
  return (
    !properties.has(Property.TIMER_OUT_MS) &&
    (properties.has(Property.TIMER_DELAY_SEC) ||
      properties.has(Property.TIMER_DELAY_MS) ||
      properties.has(Property.TIMER_DELIVER_MS))
  )
}

/**
 * A message that asks for a time of its own as it waits for that, as it is when that time is past, or the answer
 * that refuses it. Apache: `HookUtils.java`, transformTimerMessage; `SendMessageProcessor.java`, handlePutMessageResult.
 */
export function timed(
  broker: TimedParts,
  message: MessageToStore,
  properties: Properties,
): MessageToStore | Reply {
  const { config, store } = broker
  const { timers } = store
  if (timers === undefined) {
    const remark = 'accurate timer message is not enabled, timerWheelEnable is false'
    return refuse(ResponseCode.SYSTEM_ERROR, remark)
  }
  const now = broker.env.clock.now()
  const deliverMs = deliverTime(properties, now)
  const maxDelayMs = config.timerMaxDelaySec * 1000
  const isLate = deliverMs !== undefined && deliverMs <= now
  if (isLate && !properties.has(Property.TIMER_DEL_UNIQKEY)) return message
  if (deliverMs === undefined || isLate || deliverMs - now > maxDelayMs) {
    return refuse(
      ResponseCode.MESSAGE_ILLEGAL,
      `timer message illegal, the delay time should not be bigger than the max delay ${maxDelayMs}ms; or if set del msg, the delay time should be bigger than the current time`,
    )
  }
  const slotMs = timerSlotOf(deliverMs, timers.precisionMs)
  if (timers.isCongested(slotMs)) {
    const limit = config.timerCongestNumEachSlot
    return refuse(
      ResponseCode.SYSTEM_ERROR,
      `timer message is under flow control, max num limit is ${limit * 2} or the current value is greater than ${limit} and less than ${limit * 2}, trigger random flow control`,
    )
  }
  return {
    ...message,
    topic: TIMER_TOPIC,
    queueId: 0,
    properties: changeProperties(Buffer.from(message.properties), {
      [Property.TIMER_OUT_MS]: String(slotMs),
      [Property.REAL_TOPIC]: message.topic,
      [Property.REAL_QID]: String(message.queueId),
    }),
  }
}

/** When a message is to be delivered; undefined when what it says is no number. */
function deliverTime(properties: Properties, now: number): number | undefined {
  const sec = properties.get(Property.TIMER_DELAY_SEC)
  if (sec !== undefined) return javaLong(sec, (value) => now + value * 1000)
  const ms = properties.get(Property.TIMER_DELAY_MS)
  if (ms !== undefined) return javaLong(ms, (value) => now + value)
  return javaLong(properties.get(Property.TIMER_DELIVER_MS) ?? '', (value) => value)
}

function javaLong(text: string, time: (value: number) => number): number | undefined {
  if (!/^[+-]?\d{1,19}$/.test(text)) return undefined
  return time(Number(text))
}

/** What calls a message that was stored back; undefined for one that does not wait for a time of its own. */
export function recallHandleOf(
  broker: BrokerContext,
  message: MessageToStore,
  uniqKey: string,
): string | undefined {
  if (message.topic !== TIMER_TOPIC) return undefined
  const properties = Buffer.from(message.properties)
  const topic = propertyText(properties, Property.REAL_TOPIC)
  const slotMs = propertyText(properties, Property.TIMER_OUT_MS)
  if (topic === undefined || slotMs === undefined || isRetryTopic(topic)) return undefined
  const { brokerName } = broker.config
  // One more, because the slot of a full second is the one before.
  const timestamp = String(Number(slotMs) + 1)
  return encodeRecallHandle({ topic, brokerName, timestamp, uniqKey })
}
