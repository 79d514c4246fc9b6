import {
  changeProperties,
  clientRequests,
  createOffsetMsgId,
  encodeHeader,
  Property,
  propertyText,
  ResponseCode,
  type SendReplyMessage,
} from '@skylarkmq/protocol'
import { refuse, RequestTimeout, ConnectionClosed, type Processor } from '@skylarkmq/remoting'
import { isStored } from '@skylarkmq/store'
import { MessageKind } from '../stats/message-meter.ts'
import type { BrokerContext } from '../broker-context.ts'
import { scanProperties } from '../send/scan-properties.ts'
import { stamped, type SendReply, type SendRequest } from '../send/send-reply.ts'
import { keep, queueOf, topicOf } from './send-message.ts'

const NO_BYTES = Buffer.alloc(0)
const PUSH_TIMEOUT_MS = 10_000

/**
 * SEND_REPLY_MESSAGE and SEND_REPLY_MESSAGE_V2: brings a reply to the producer that waits for it, and keeps it in the
 * topic of replies. A reply that could not be brought is kept all the same, and answered with SYSTEM_ERROR.
 * Apache: `ReplyMessageProcessor.java`.
 */
export const sendReplyMessage: Processor<BrokerContext, typeof SendReplyMessage> = async (
  broker,
  request,
) => {
  const topicsBefore = broker.topics.dataVersion
  const topic = topicOf(broker, request)
  if ('code' in topic) return stamped(broker, topic)
  const queueId = queueOf(broker, request, topic)
  if (typeof queueId !== 'number') return stamped(broker, queueId)
  const kept = keep(request)
  if (broker.topics.dataVersion !== topicsBefore) await broker.topics.saved
  const failure = await push(broker, kept)
  const reply: SendReply =
    failure === undefined
      ? { code: ResponseCode.SUCCESS, header: unkept(queueId) }
      : refuse(ResponseCode.SYSTEM_ERROR, failure)
  const header = broker.config.storeReplyMessageEnable
    ? await store(broker, kept, queueId)
    : undefined
  return {
    ...reply,
    header: header ?? reply.header,
    fields: broker.stamp.fields,
    holdsIfWritten: header !== undefined,
  }
}

/** Header of the answer to a reply that is not in the store: zeros, which clients can read. */
function unkept(queueId: number): NonNullable<SendReply['header']> {
  return { msgId: '0', queueId, queueOffset: 0 }
}

/** Brings the reply to the client that it names; returns what went wrong, or undefined. */
async function push(broker: BrokerContext, request: SendRequest): Promise<string | undefined> {
  const { header, connection } = request
  const properties = header.properties ?? NO_BYTES
  const clientId = propertyText(properties, Property.REPLY_TO_CLIENT)
  if (clientId === undefined) return 'reply message properties[REPLY_TO_CLIENT] is null'
  const client = broker.producers.client(clientId)
  if (client === undefined) {
    return `push reply message fail, channel of <${clientId}> not found.`
  }
  const now = broker.env.clock.now()
  const definition = clientRequests.PUSH_REPLY_MESSAGE_TO_CLIENT
  const fields = encodeHeader(definition, {
    producerGroup: header.producerGroup,
    topic: header.topic,
    defaultTopic: header.defaultTopic,
    defaultTopicQueueNums: header.defaultTopicQueueNums,
    queueId: header.queueId,
    sysFlag: header.sysFlag,
    bornTimestamp: header.bornTimestamp,
    flag: header.flag,
    properties: changeProperties(properties, { [Property.PUSH_REPLY_TIME]: String(now) }),
    reconsumeTimes: header.reconsumeTimes,
    unitMode: header.unitMode,
    bornHost: connection.peer,
    storeHost: broker.address,
    storeTimestamp: now,
  })
  try {
    const { code, name } = definition
    const answer = await client.connection.request(
      { code, name, fields, body: request.body ?? NO_BYTES },
      PUSH_TIMEOUT_MS,
    )
    if (answer.code === ResponseCode.SUCCESS) return undefined
  } catch (error) {
    if (!(error instanceof RequestTimeout || error instanceof ConnectionClosed)) throw error
  }
  // The missing blank is Apache's.
  return `push reply message to ${clientId}fail.`
}

/** Keeps the reply; returns the header that tells where, or undefined when the store did not take it. */
async function store(
  broker: BrokerContext,
  { header, body, connection }: SendRequest,
  queueId: number,
): Promise<SendReply['header']> {
  const properties = header.properties ?? NO_BYTES
  const scanned = scanProperties(properties)
  const result = await broker.store.putMessage({
    topic: header.topic,
    queueId,
    flag: header.flag,
    sysFlag: 0,
    bornTimestamp: header.bornTimestamp,
    bornHost: connection.peerHost,
    bornPort: connection.peerPort,
    reconsumeTimes: header.reconsumeTimes ?? 0,
    preparedTransactionOffset: 0,
    body: body ?? NO_BYTES,
    properties,
    moreProperties: undefined,
    tagsCode: scanned.tagsCode,
    keys: scanned,
    waitStoreOk: scanned.waitStoreOk,
  })
  if (!isStored(result.status)) return undefined
  broker.stats.topicPut(header.topic, 1, result.sizeBytes, MessageKind.normal)
  const { address, port } = broker.config.storeHost
  const msgId = createOffsetMsgId(address, port, result.physicalOffset)
  return { msgId, queueId, queueOffset: result.queueOffset }
}
