import {
  appendPropertyBytes,
  changeProperties,
  createOffsetMsgId,
  decodeBatch,
  MessageSysFlag,
  Property,
  propertyText,
  ProtocolError,
  ResponseCode,
  type SendMessage,
  type TopicConfig,
} from '@skylarkmq/protocol'
import { refuse, type Outcome } from '@skylarkmq/remoting'
import { isStored, type MessageToStore, type PutMessageResult } from '@skylarkmq/store'
import { MessageKind } from '../stats/message-meter.ts'
import type { BrokerContext } from '../broker-context.ts'
import { codeOfPutStatus } from '../response-of-status.ts'
import { scanProperties } from '../send/scan-properties.ts'
import { refusalOf, stamped, type SendReply, type SendRequest } from '../send/send-reply.ts'

/** Whether a batch has a unique key of its own; without one its messages are stored one by one. */
export function isKeyed({ header }: SendRequest): boolean {
  return keyOf(header.properties) !== undefined
}

function keyOf(properties: Buffer | undefined): string | undefined {
  return properties === undefined ? undefined : propertyText(properties, Property.UNIQ_KEY)
}

/**
 * A batch for a topic with `queue.type=BatchCQ`: stored as one record, which clients take apart. It can be found by
 * its own key only, not by those of its messages. Apache: `SendMessageProcessor.java`, sendBatchMessage.
 */
export function sendBatchAsOne(
  broker: BrokerContext,
  request: SendRequest,
  topic: TopicConfig,
  queueId: number,
): Outcome<typeof SendMessage> {
  let count: number
  try {
    count = decodeBatch(request.body ?? Buffer.alloc(0), broker.config.maxBatchMessages).length
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return stamped(broker, refuse(ResponseCode.MESSAGE_ILLEGAL, error.message))
  }
  if (count === 0 || count > COUNT_MAX) {
    const remark = `a batch of ${count} messages; it has to have 1 to ${COUNT_MAX}`
    return stamped(broker, refuse(ResponseCode.MESSAGE_ILLEGAL, remark))
  }
  const message = messageOf(broker, request, topic, queueId, count)
  const key = keyOf(request.header.properties) ?? ''
  const answer = (result: PutMessageResult): SendReply =>
    answerOf(broker, result, message, count, key)
  const result = broker.store.putMessage(message)
  return result instanceof Promise ? result.then(answer) : answer(result)
}

/** The unit of its queue has two bytes for it. */
const COUNT_MAX = 32_767

function messageOf(
  broker: BrokerContext,
  { header, body, connection }: SendRequest,
  topic: TopicConfig,
  queueId: number,
  count: number,
): MessageToStore {
  const own = header.properties ?? Buffer.alloc(0)
  const { tagsCode, waitStoreOk } = scanProperties(own)
  const numbered = changeProperties(own, { [Property.INNER_NUM]: String(count) })
  const tagged = topic.topicFilterType === 'MULTI_TAG' ? MessageSysFlag.MULTI_TAGS : 0
  const asOne = MessageSysFlag.INNER_BATCH | MessageSysFlag.NEED_UNWRAP
  return {
    topic: topic.topicName,
    queueId,
    flag: header.flag,
    sysFlag: header.sysFlag | tagged | asOne,
    bornTimestamp: header.bornTimestamp,
    bornHost: connection.peerHost,
    bornPort: connection.peerPort,
    reconsumeTimes: header.reconsumeTimes ?? 0,
    preparedTransactionOffset: 0,
    body: body ?? Buffer.alloc(0),
    properties: appendPropertyBytes(numbered, broker.stamp.properties),
    tagsCode,
    waitStoreOk,
  }
}

function answerOf(
  broker: BrokerContext,
  result: PutMessageResult,
  { topic, queueId }: MessageToStore,
  count: number,
  key: string,
): SendReply {
  if (!isStored(result.status)) return stamped(broker, refusalOf(broker, result))
  broker.stats.topicPut(topic, count, result.sizeBytes, MessageKind.normal)
  const { address, port } = broker.config.storeHost
  return {
    code: codeOfPutStatus[result.status],
    remark: result.remark,
    header: {
      msgId: createOffsetMsgId(address, port, result.physicalOffset),
      queueId,
      queueOffset: result.queueOffset,
      transactionId: key,
      batchUniqId: key,
    },
    fields: broker.stamp.fields,
    holdsIfWritten: true,
  }
}
