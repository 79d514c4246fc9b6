import {
  changeProperties,
  decodeProperties,
  Property,
  ResponseCode,
  SystemTopic,
} from '@skylarkmq/protocol'
import { refuse, type Reply } from '@skylarkmq/remoting'
import type { MessageToStore } from '@skylarkmq/store'
import type { BrokerContext } from '../broker-context.ts'
import { isTimed, timed, type TimedParts } from './timer-message.ts'
import { prepareHalf } from '../transaction/half-message.ts'

/** As far as an `int` of Java goes, or a little further. */
const INTEGER = /^[+-]?\d{1,10}$/

/** What of a broker decides what becomes of a message that is not to be delivered at once. */
export type SpecialParts = TimedParts &
  Pick<BrokerContext, 'schedule' | 'host'> & {
    readonly config: Pick<BrokerContext['config'], 'rejectTransactionMessage'>
  }

/**
 * Takes a message that has properties with a meaning for the broker: returns it as it is to be stored,
 * or the answer that refuses it. Apache: `HookUtils.java`, handleScheduleMessage; `SendMessageProcessor.java`.
 */
export function prepareSpecial(
  broker: SpecialParts,
  message: MessageToStore,
): MessageToStore | Reply {
  const properties = decodeProperties(Buffer.from(message.properties))
  const wanted = properties.get(Property.DELAY) ?? '0'
  if (!INTEGER.test(wanted)) {
    // Delivered at once, it would come too soon; Apache's broker answers with its NumberFormatException.
    const shown = JSON.stringify(wanted.slice(0, 32))
    const remark = `the level of delay is ${shown}, not a whole number (property ${Property.DELAY})`
    return refuse(ResponseCode.MESSAGE_ILLEGAL, remark)
  }
  const level = Number(wanted)
  const isTransactional = properties.get(Property.TRAN_MSG)?.toLowerCase() === 'true'
  // Clients before 4.6.1 leave the mark on a message that they send back to be tried again.
  if (isTransactional && !(message.reconsumeTimes > 0 && level > 0)) {
    const { rejectTransactionMessage } = broker.config
    if (!rejectTransactionMessage) return prepareHalf(cleanedOf(message))
    return refuse(
      ResponseCode.NO_PERMISSION,
      `the broker[${broker.host}] sending transaction message is forbidden`,
    )
  }
  const cleaned = cleanedOf(message)
  if (Number.isInteger(level) && level > 0) return delayed(broker, cleaned, level)
  if (isTimed(properties)) return timed(broker, cleaned, properties)
  return cleaned
}

/** The message without what only the broker sets. */
function cleanedOf(message: MessageToStore): MessageToStore {
  return {
    ...message,
    properties: changeProperties(Buffer.from(message.properties), {
      [Property.POP_CK]: undefined,
      [Property.MSG_REGION]: undefined,
      [Property.TRACE_ON]: undefined,
      [Property.CLUSTER]: undefined,
    }),
  }
}

/** The message as it waits in the topic of delayed messages until its level's time has passed. */
export function delayed(
  broker: Pick<BrokerContext, 'schedule'>,
  message: MessageToStore,
  level: number,
): MessageToStore {
  const capped = Math.min(level, broker.schedule.levelMax)
  return {
    ...message,
    topic: SystemTopic.SCHEDULE,
    queueId: capped - 1,
    tagsCode: 0,
    properties: changeProperties(Buffer.from(message.properties), {
      [Property.DELAY]: String(capped),
      [Property.REAL_TOPIC]: message.topic,
      [Property.REAL_QID]: String(message.queueId),
      [Property.TIMER_DELAY_MS]: undefined,
      [Property.TIMER_DELAY_SEC]: undefined,
      [Property.TIMER_DELIVER_MS]: undefined,
    }),
  }
}
