import {
  clientRequests,
  consumerStatusBody,
  encodeHeader,
  parseOffsetMsgId,
  resetOffsetBody,
  ResponseCode,
  type CloneGroupOffset,
  type ConsumeMessageDirectly,
  type ConsumerStatus,
  type FieldMap,
  type GetAllConsumerOffset,
  type GetAllDelayOffset,
  type GetConsumerRunningInfo,
  type InvokeBrokerToGetConsumerStatus,
  type InvokeBrokerToResetOffset,
  type MessageQueue,
} from '@skylarkmq/protocol'
import { OK, refuse, RequestTimeout, type Processor, type Reply } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'
import { eachInTurns } from '../in-turns.ts'
import { jsonReply } from './json-body.ts'
import { upTo } from './topic-stats.ts'

/** Searches for a time that are made in one turn of the event loop; each looks at some messages. */
const SEARCHES_PER_TURN = 64
/** Topics whose offsets are copied in one turn. */
const TOPICS_PER_TURN = 64

const RELAY_TIMEOUT_MS = 10_000
const STATUS_TIMEOUT_MS = 5_000

/**
 * INVOKE_BROKER_TO_RESET_OFFSET: moves a group to a time, or one queue to an offset. The next pull of each queue is
 * told. Apache: `AdminBrokerProcessor.java`, resetOffsetInner.
 */
export const invokeBrokerToResetOffset: Processor<
  BrokerContext,
  typeof InvokeBrokerToResetOffset
> = (broker, { header }) => {
  const { topic, group, timestamp } = header
  const config = broker.topics.get(topic)
  if (config === undefined)
    return refuse(ResponseCode.TOPIC_NOT_EXIST, `Topic ${topic} does not exist`)
  if (!broker.groups.has(group)) {
    return refuse(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, `Group ${group} does not exist`)
  }
  const targets = new Map<number, number>()
  const one = header.queueId ?? -1
  if (one >= 0 && header.offset !== undefined && header.offset >= 0) {
    const max = broker.store.offsetMax(topic, one)
    const min = broker.store.offsetMin(topic, one)
    if (header.offset < min || header.offset > max + 1) {
      return refuse(
        ResponseCode.SYSTEM_ERROR,
        `Target offset ${header.offset} not in consume queue range [${min}-${max}]`,
      )
    }
    targets.set(one, header.offset)
    return resetTo(broker, group, topic, targets)
  }
  const look = (queueId: number): void => {
    const offset =
      timestamp < 0
        ? broker.store.offsetMax(topic, queueId)
        : broker.store.offsetByTime(topic, queueId, timestamp, 'lower')
    targets.set(queueId, offset)
  }
  const queues = one < 0 ? upTo(config.readQueueNums) : one < config.readQueueNums ? [one] : []
  return eachInTurns(broker.env.clock, queues, SEARCHES_PER_TURN, look, () =>
    resetTo(broker, group, topic, targets),
  )
}

function resetTo(
  broker: BrokerContext,
  group: string,
  topic: string,
  targets: ReadonlyMap<number, number>,
): Reply {
  const offsetTable = new Map<MessageQueue, number>()
  for (const [queueId, offset] of targets) {
    broker.offsets.reset(group, topic, queueId, offset)
    offsetTable.set({ topic, brokerName: broker.config.brokerName, queueId }, offset)
    // A pull that waits for a message would learn of the reset only when one comes.
    broker.held.wakeGroup(group, topic, queueId)
  }
  return { code: ResponseCode.SUCCESS, body: resetOffsetBody.encode({ offsetTable }) }
}

/** INVOKE_BROKER_TO_GET_CONSUMER_STATUS: asks the clients of a group how far they are. */
export const invokeBrokerToGetConsumerStatus: Processor<
  BrokerContext,
  typeof InvokeBrokerToGetConsumerStatus
> = async (broker, { header: { topic, group, clientAddr } }) => {
  const clients = [...(broker.consumers.get(group)?.clients.values() ?? [])]
  if (clients.length === 0) {
    return refuse(
      ResponseCode.SYSTEM_ERROR,
      `No Any Consumer online in the consumer group: [${group}]`,
    )
  }
  const wanted = clients.filter(
    (client) => clientAddr === undefined || clientAddr === '' || client.clientId === clientAddr,
  )
  const definition = clientRequests.GET_CONSUMER_STATUS_FROM_CLIENT
  const fields = encodeHeader(definition, { topic, group })
  const consumerTable = new Map<string, ConsumerStatus['messageQueueTable']>()
  await Promise.allSettled(
    wanted.map(async ({ clientId, connection }) => {
      const request = { code: definition.code, name: definition.name, fields }
      const answer = await connection.request(request, STATUS_TIMEOUT_MS)
      if (answer.code !== ResponseCode.SUCCESS || answer.body === undefined) return
      consumerTable.set(clientId, consumerStatusBody.decode(answer.body).messageQueueTable)
    }),
  )
  const body = consumerStatusBody.encode({ messageQueueTable: new Map(), consumerTable })
  return { code: ResponseCode.SUCCESS, body }
}

/** GET_CONSUMER_RUNNING_INFO: asks one client what it is doing. */
export const getConsumerRunningInfo: Processor<BrokerContext, typeof GetConsumerRunningInfo> = (
  broker,
  request,
) => {
  const { consumerGroup, clientId } = request.header
  return relay(
    broker,
    consumerGroup,
    clientId,
    request.definition.code,
    request.fields(),
    undefined,
  )
}

/** CONSUME_MESSAGE_DIRECTLY: lets one client consume one message now, and tells how it went. */
export const consumeMessageDirectly: Processor<BrokerContext, typeof ConsumeMessageDirectly> = (
  broker,
  request,
) => {
  const { consumerGroup, clientId = '', msgId = '' } = request.header
  const offset = parseOffsetMsgId(msgId)?.physicalOffset
  const record = offset === undefined ? undefined : broker.store.recordAt(offset)
  if (record === undefined) {
    return refuse(ResponseCode.SYSTEM_ERROR, `there is no message with the offset id ${msgId}`)
  }
  const fields = { ...request.fields(), brokerName: broker.config.brokerName }
  return relay(
    broker,
    consumerGroup,
    clientId,
    request.definition.code,
    fields,
    Buffer.from(record),
  )
}

async function relay(
  broker: BrokerContext,
  group: string,
  clientId: string,
  code: number,
  fields: FieldMap,
  body: Buffer | undefined,
): Promise<Reply> {
  const client = broker.consumers.client(group, clientId)
  if (client === undefined) {
    return refuse(ResponseCode.SYSTEM_ERROR, `The Consumer <${group}> <${clientId}> not online`)
  }
  const request = { code, name: `request ${code}`, fields, ...(body === undefined ? {} : { body }) }
  try {
    const answer = await client.connection.request(request, RELAY_TIMEOUT_MS)
    return { code: answer.code, remark: answer.remark, fields: answer.fields, body: answer.body }
  } catch (error) {
    if (!(error instanceof RequestTimeout)) throw error
    return refuse(
      ResponseCode.CONSUME_MSG_TIMEOUT,
      `consumer <${group}> <${clientId}> Timeout: ${error.message}`,
    )
  }
}

/** CLONE_GROUP_OFFSET: a group continues where another is. */
export const cloneGroupOffset: Processor<BrokerContext, typeof CloneGroupOffset> = (
  broker,
  { header },
) => {
  const { srcGroup, destGroup, topic, offline } = header
  const topics =
    topic === undefined || topic === '' ? [...broker.offsets.topicsOf(srcGroup)] : [topic]
  const clone = (each: string): void => {
    const isLeft = offline !== true && broker.consumers.subscription(srcGroup, each) === undefined
    if (broker.topics.get(each) === undefined) return
    if (isLeft && broker.consumers.get(srcGroup) !== undefined) return
    broker.offsets.clone(srcGroup, destGroup, each)
  }
  return eachInTurns(broker.env.clock, topics, TOPICS_PER_TURN, clone, () => OK)
}

/** GET_ALL_CONSUMER_OFFSET: the whole table, as slaves copy it. */
export const getAllConsumerOffset: Processor<BrokerContext, typeof GetAllConsumerOffset> = ({
  offsets,
}) => jsonReply({ dataVersion: offsets.dataVersion, offsetTable: offsets.all })

/** GET_ALL_DELAY_OFFSET: progress of the delay levels, as slaves copy it. */
export const getAllDelayOffset: Processor<BrokerContext, typeof GetAllDelayOffset> = ({
  schedule,
}) => jsonReply({ offsetTable: schedule.offsets })
