import {
  encodeProperties,
  isWriteable,
  javaHash,
  Property,
  ResponseCode,
  type RecallMessage,
  decodeRecallHandle,
  type RecallHandle,
} from '@skylarkmq/protocol'
import { refuse, type Processor, type Reply, type Request } from '@skylarkmq/remoting'
import { isStored, type MessageToStore, type PutMessageResult } from '@skylarkmq/store'
import type { BrokerContext } from '../broker-context.ts'
import { timed } from '../send/timer-message.ts'

type RecallReply = Reply

const TAG = '_RECALL_TAG_'

/**
 * RECALL_MESSAGE: puts a message beside the one that waits that takes it away when both are due.
 * Apache: `RecallMessageProcessor.java`.
 */
export const recallMessage: Processor<BrokerContext, typeof RecallMessage> = (broker, request) => {
  const outcome = recall(broker, request)
  const withRegion = (reply: RecallReply): RecallReply => ({
    ...reply,
    fields: { MSG_REGION: broker.config.regionId },
  })
  return outcome instanceof Promise ? outcome.then(withRegion) : withRegion(outcome)
}

function recall(
  broker: BrokerContext,
  { header, connection }: Request<typeof RecallMessage>,
): RecallReply | Promise<RecallReply> {
  const refused = refusal(broker, header.topic)
  if (refused !== undefined) return refused
  const handle = decodeRecallHandle(header.recallHandle)
  if (handle === undefined) {
    return refuse(ResponseCode.ILLEGAL_OPERATION, 'recall handle is invalid')
  }
  const mismatch = mismatchOf(broker, header.topic, handle)
  if (mismatch !== undefined) return refuse(ResponseCode.ILLEGAL_OPERATION, mismatch)
  const properties = {
    [Property.TIMER_DEL_UNIQKEY]: `${handle.topic}+${handle.uniqKey}`,
    [Property.UNIQ_KEY]: handle.uniqKey,
    [Property.TIMER_DELIVER_MS]: handle.timestamp,
    [Property.BORN_TIMESTAMP]: String(broker.env.clock.now()),
    [Property.TAGS]: TAG,
    ...(header.producerGroup === undefined ? {} : { [Property.PGROUP]: header.producerGroup }),
  }
  const plain: MessageToStore = {
    topic: handle.topic,
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: broker.env.clock.now(),
    bornHost: connection.peerHost,
    bornPort: connection.peerPort,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: Buffer.from('0'),
    properties: encodeProperties(properties),
    tagsCode: javaHash(TAG),
    waitStoreOk: true,
  }
  const message = timed(broker, plain, new Map(Object.entries(properties)))
  if ('code' in message) return refuse(ResponseCode.SYSTEM_ERROR, 'recall failed, execute error')
  const answer = (result: PutMessageResult): RecallReply =>
    isStored(result.status)
      ? { code: ResponseCode.SUCCESS, header: { msgId: handle.uniqKey }, holdsIfWritten: true }
      : refuse(ResponseCode.SYSTEM_ERROR, 'recall failed, execute error')
  const result = broker.store.putMessage(message)
  return result instanceof Promise ? result.then(answer) : answer(result)
}

function refusal({ config, env, role, topics }: BrokerContext, topic: string) {
  const notAvailable = 'recall failed, broker service not available'
  if (!config.recallMessageEnable) {
    return refuse(ResponseCode.NO_PERMISSION, 'recall failed, operation is forbidden')
  }
  if (role.isSlave) return refuse(ResponseCode.SLAVE_NOT_AVAILABLE, notAvailable)
  const isClosed =
    env.clock.now() < config.startAcceptSendRequestTimeStamp ||
    (!isWriteable(config.brokerPermission) && !config.allowRecallWhenBrokerNotWriteable)
  if (isClosed) return refuse(ResponseCode.SERVICE_NOT_AVAILABLE, notAvailable)
  if (topics.get(topic) !== undefined) return undefined
  return refuse(ResponseCode.TOPIC_NOT_EXIST, `recall failed, the topic[${topic}] not exist`)
}

/** Why a handle does not fit the request; undefined when it does. */
function mismatchOf(
  { config, env }: BrokerContext,
  topic: string,
  handle: RecallHandle,
): string | undefined {
  if (topic !== handle.topic) return 'recall failed, topic not match'
  if (handle.brokerName !== config.brokerName) return 'recall failed, broker service not available'
  const leftMs = Number(handle.timestamp) - env.clock.now()
  const isInTime = leftMs > 0 && leftMs < config.timerMaxDelaySec * 1000
  return isInTime ? undefined : 'recall failed, timestamp invalid'
}
