import {
  appendProperty,
  appendPropertyBytes,
  changeProperties,
  createOffsetMsgIds,
  decodeBatch,
  MessageSysFlag,
  ProtocolError,
  Property,
  propertyText,
  ResponseCode,
  type SendMessage,
  type TopicConfig,
} from '@skylarkmq/protocol'
import { refuse, type Outcome } from '@skylarkmq/remoting'
import { isStored, type MessageToStore, type PutBatchResult } from '@skylarkmq/store'
import { MessageKind } from '../stats/message-meter.ts'
import type { BrokerContext } from '../broker-context.ts'
import { codeOfPutStatus } from '../response-of-status.ts'
import { scanProperties } from '../send/scan-properties.ts'
import { uniqKey } from '../send/uniq-key.ts'
import { isBatchTopic } from '../topic/topic-attributes.ts'
import {
  refusalOf,
  stamped,
  takesBatches,
  type SendReply,
  type SendRequest,
} from '../send/send-reply.ts'

/** A batch: every message of it is stored by itself, all side by side. Apache: `SendMessageProcessor.java`, sendBatchMessage. */
export function sendBatch(
  broker: BrokerContext,
  request: SendRequest,
  topic: TopicConfig,
  queueId: number,
): Outcome<typeof SendMessage> {
  if (!takesBatches(topic.topicName)) {
    return stamped(
      broker,
      refuse(
        ResponseCode.MESSAGE_ILLEGAL,
        `batch request does not support retry group ${topic.topicName}`,
      ),
    )
  }
  if ((request.header.sysFlag & MessageSysFlag.INNER_BATCH) !== 0 && !isBatchTopic(topic)) {
    const remark = `topic ${topic.topicName} does not keep batches as one message`
    return stamped(broker, refuse(ResponseCode.MESSAGE_ILLEGAL, remark))
  }
  let batch: MessageToStore[]
  try {
    batch = messagesOf(broker, request, topic.topicName, queueId)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return stamped(broker, refuse(ResponseCode.MESSAGE_ILLEGAL, error.message))
  }
  const answer = (result: PutBatchResult): SendReply =>
    answerOf(broker, request, result, queueId, topic.topicName, batch.length)
  const result = broker.store.putMessages(batch)
  return result instanceof Promise ? result.then(answer) : answer(result)
}

function messagesOf(
  broker: BrokerContext,
  { header, body, connection }: SendRequest,
  topic: string,
  queueId: number,
): MessageToStore[] {
  const shared = header.properties ?? Buffer.alloc(0)
  // What the wrapper says holds for each message, but for its key: a message is found by its own.
  const more = appendPropertyBytes(
    changeProperties(shared, {
      [Property.UNIQ_KEY]: undefined,
      [Property.WAIT]: undefined,
      // Only the store gives them, and to messages of a batch none: they come into no light queue.
      [Property.INNER_MULTI_QUEUE_OFFSET]: undefined,
    }),
    broker.stamp.properties,
  )
  const moreKeys = scanProperties(more).keysStart >= 0
  const waitStoreOk = propertyText(shared, Property.WAIT) !== 'false'
  const messages = decodeBatch(body ?? Buffer.alloc(0), broker.config.maxBatchMessages)
  if (messages.length === 0) throw new ProtocolError({ what: 'the batch is empty' })
  return messages.map((each) => {
    const scanned = scanProperties(each.properties)
    const own =
      scanned.uniqKeyStart >= 0
        ? each.properties
        : appendProperty(each.properties, Property.UNIQ_KEY, uniqKey(broker))
    return {
      topic,
      queueId,
      flag: each.flag,
      // Each is a record of its own.
      sysFlag: header.sysFlag & ~(MessageSysFlag.INNER_BATCH | MessageSysFlag.NEED_UNWRAP),
      bornTimestamp: header.bornTimestamp,
      bornHost: connection.peerHost,
      bornPort: connection.peerPort,
      reconsumeTimes: header.reconsumeTimes ?? 0,
      preparedTransactionOffset: 0,
      body: each.body,
      properties: own,
      moreProperties: more,
      tagsCode: scanned.tagsCode,
      // With none of its own, a message has the keys of those that come behind.
      keys: own === each.properties && (scanned.keysStart >= 0 || !moreKeys) ? scanned : undefined,
      waitStoreOk,
    }
  })
}

function answerOf(
  broker: BrokerContext,
  { header, body }: SendRequest,
  result: PutBatchResult,
  queueId: number,
  topic: string,
  count: number,
): SendReply {
  if (!isStored(result.status)) return stamped(broker, refusalOf(broker, result))
  broker.stats.topicPut(topic, count, body?.length ?? 0, MessageKind.normal)
  const { address, port } = broker.config.storeHost
  const msgId = createOffsetMsgIds(address, port, result.physicalOffsets)
  // Producers of 5.x give the wrapper a key too, and show what comes back for it in their results.
  const transactionId = propertyText(header.properties ?? Buffer.alloc(0), Property.UNIQ_KEY)
  return {
    code: codeOfPutStatus[result.status],
    remark: result.remark,
    header: { msgId, queueId, queueOffset: result.queueOffset, transactionId },
    fields: broker.stamp.fields,
    holdsIfWritten: true,
  }
}
