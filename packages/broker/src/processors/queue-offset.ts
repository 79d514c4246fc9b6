import {
  ResponseCode,
  type GetEarliestMsgStoretime,
  type GetMaxOffset,
  type GetMinOffset,
  type SearchOffsetByTimestamp,
} from '@skylarkmq/protocol'
import type { Processor } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'

/** GET_MAX_OFFSET: the offset that the queue's next message will get; 0 for an unknown queue. */
export const getMaxOffset: Processor<BrokerContext, typeof GetMaxOffset> = (
  { store },
  { header },
) => ({
  code: ResponseCode.SUCCESS,
  header: { offset: store.offsetMax(header.topic, header.queueId) },
})

/** GET_MIN_OFFSET: the first offset that the queue still has; 0 for an unknown queue. */
export const getMinOffset: Processor<BrokerContext, typeof GetMinOffset> = (
  { store },
  { header },
) => ({
  code: ResponseCode.SUCCESS,
  header: { offset: store.offsetMin(header.topic, header.queueId) },
})

/** SEARCH_OFFSET_BY_TIMESTAMP: where a time is in a queue. */
export const searchOffsetByTimestamp: Processor<BrokerContext, typeof SearchOffsetByTimestamp> = (
  { store },
  { header },
) => {
  const boundary = header.boundaryType?.toLowerCase() === 'upper' ? 'upper' : 'lower'
  const offset = store.offsetByTime(header.topic, header.queueId, header.timestamp, boundary)
  return { code: ResponseCode.SUCCESS, header: { offset } }
}

/** GET_EARLIEST_MSG_STORETIME: when the queue's first message was stored; −1 when it has none. */
export const getEarliestMsgStoretime: Processor<BrokerContext, typeof GetEarliestMsgStoretime> = (
  { store },
  { header },
) => ({
  code: ResponseCode.SUCCESS,
  header: { timestamp: store.earliestStoreTime(header.topic, header.queueId) },
})
