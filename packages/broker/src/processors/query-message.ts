import {
  decodeRecord,
  isReadable,
  ResponseCode,
  type QueryMessage,
  type ViewMessageById,
} from '@skylarkmq/protocol'
import { refuse, type Processor, type Reply } from '@skylarkmq/remoting'
import type { QueryMessageResult } from '@skylarkmq/store'
import type { BrokerContext } from '../broker-context.ts'

/** Most messages that a search for a unique id returns. */
const UNIQUE_KEY_MAX = 32

/** QUERY_MESSAGE: messages by key. The answer may hold others of the topic whose key has the same hash. Apache: `QueryMessageProcessor.java`. */
export const queryMessage: Processor<BrokerContext, typeof QueryMessage> = (broker, request) => {
  const { topic, key, maxNum, beginTimestamp, endTimestamp } = request.header
  const isUnique = request.fields()['_UNIQUE_KEY_QUERY'] === 'true'
  const max = isUnique ? UNIQUE_KEY_MAX : maxNum
  const found = broker.store.queryByKeyInTurns(topic, key, max, beginTimestamp, endTimestamp)
  if (!(found instanceof Promise)) return answerOf(topic, found)
  return found.then((late) => answerOf(topic, late))
}

function answerOf(topic: string, found: QueryMessageResult): Reply<typeof QueryMessage> {
  const header = {
    indexLastUpdateTimestamp: found.indexLastUpdateTimestamp,
    indexLastUpdatePhyoffset: found.indexLastUpdatePhysicalOffset,
  }
  // The index has hashes, which the keys of another topic can share. Apache answers those messages, too.
  const records = found.records.filter((record) => decodeRecord(record).topic === topic)
  if (records.length === 0) {
    const remark = 'can not find message, maybe time range not correct'
    return { code: ResponseCode.QUERY_NOT_FOUND, remark, header }
  }
  return { code: ResponseCode.SUCCESS, header, body: records }
}

/** VIEW_MESSAGE_BY_ID: the message that starts at an offset of the commit log. */
export const viewMessageById: Processor<BrokerContext, typeof ViewMessageById> = (
  broker,
  { header },
) => {
  if (!isReadable(broker.config.brokerPermission)) {
    return refuse(ResponseCode.NO_PERMISSION, `the broker[${broker.address}] is not readable`)
  }
  const record = broker.store.recordAt(header.offset)
  if (record === undefined) {
    return refuse(ResponseCode.SYSTEM_ERROR, `can not find message by offset: ${header.offset}`)
  }
  return { code: ResponseCode.SUCCESS, body: record }
}
