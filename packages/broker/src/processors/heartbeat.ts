import {
  checkClientRequestBody,
  heartbeatDataBody,
  Perm,
  ResponseCode,
  retryTopic,
  topicSysFlag,
  type CheckClientConfig,
  type ConsumerData,
  type HeartBeat,
  type ProducerData,
  type UnregisterClient,
} from '@skylarkmq/protocol'
import { OK, refuse, type Processor, type Request } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'
import type { GroupClient } from '../consumer/consumer-table.ts'
import { isTagExpression } from '../filter/expression-type.ts'
import { noPropertyFilter } from '../filter/pull-filter.ts'
import { eachInTurns } from '../in-turns.ts'
import { ensureTopic, topicsKnown } from '../topic/auto-create.ts'

/** Groups of one heartbeat that are taken in one turn of the event loop; a client has a few. */
const GROUPS_PER_TURN = 200

/** HEART_BEAT: which groups a client is in, and what they subscribe to. Apache: `ClientManageProcessor.java`. */
export const heartBeat: Processor<BrokerContext, typeof HeartBeat> = (broker, request) => {
  if (request.body === undefined) return refuse(ResponseCode.SYSTEM_ERROR, 'a heartbeat has a body')
  const data = heartbeatDataBody.decode(request.body)
  const client = {
    clientId: data.clientID,
    connection: request.connection,
    language: request.language,
    version: request.version,
  }
  const topicsBefore = broker.topics.dataVersion
  const groupsBefore = broker.groups.dataVersion
  let isChanged = false
  const take = (each: ConsumerData | ProducerData): void => {
    // A client that is gone by now joins nothing.
    if (request.connection.isClosed) return
    if (!('consumeType' in each)) broker.producers.register(each.groupName, client)
    else if (data.withoutSub) {
      if (!broker.consumers.touch(each.groupName, request.connection)) isChanged = true
    } else if (registerConsumer(broker, each, client)) isChanged = true
  }
  const producers = broker.config.enableRegisterProducer ? data.producerDataSet : []
  const groups = [...data.consumerDataSet, ...producers]
  return eachInTurns(broker.env.clock, groups, GROUPS_PER_TURN, take, () => {
    const reply = {
      code: ResponseCode.SUCCESS,
      header: { IS_SUPPORT_HEART_BEAT_V2: 'true', IS_SUB_CHANGE: String(isChanged) },
    }
    const hasTopics = broker.topics.dataVersion !== topicsBefore
    if (!hasTopics && broker.groups.dataVersion === groupsBefore) return reply
    return joined(broker, hasTopics).then(() => reply)
  })
}

/** Resolves once new groups are saved and their retry topics are in the routes, where their clients look for them. */
async function joined(broker: BrokerContext, hasTopics: boolean): Promise<void> {
  await broker.groups.tried
  if (hasTopics) await topicsKnown(broker)
}

function registerConsumer(
  broker: BrokerContext,
  data: ConsumerData,
  client: Omit<GroupClient, 'heardMs'>,
): boolean {
  const { config } = broker
  // A pull consumer that is not wanted does not come into the table; its pulls are refused.
  if (config.rejectPullConsumerEnable && data.consumeType === 'CONSUME_ACTIVELY') return false
  const group = broker.groups.find(data.groupName)
  if (group === undefined) return false
  const sysFlag = data.unitMode ? topicSysFlag(false, true) : 0
  const perm = Perm.READ | Perm.WRITE
  ensureTopic(broker.topics, retryTopic(data.groupName), group.retryQueueNums, perm, sysFlag)
  const notify = config.notifyConsumerIdsChangedEnable && group.notifyConsumerIdsChangedEnable
  const isChanged = broker.consumers.register(
    data,
    client,
    notify && data.messageModel !== 'BROADCASTING',
  )
  broker.filters.register(data.groupName, data.subscriptionDataSet)
  return isChanged
}

/** UNREGISTER_CLIENT: a client leaves its groups. */
export const unregisterClient: Processor<BrokerContext, typeof UnregisterClient> = (
  broker,
  { header, connection },
) => {
  if (header.producerGroup !== undefined && header.producerGroup !== '') {
    broker.producers.unregister(header.producerGroup, connection)
  }
  const group = header.consumerGroup
  if (group !== undefined && group !== '') {
    const notify = broker.groups.all.get(group)?.notifyConsumerIdsChangedEnable !== false
    broker.consumers.unregister(
      group,
      connection,
      notify && broker.config.notifyConsumerIdsChangedEnable,
    )
  }
  return OK
}

/**
 * CHECK_CLIENT_CONFIG: whether this broker can filter as a subscription wants. SUBSCRIPTION_PARSE_FAILED says what is
 * wrong with the expression. Apache: `ClientManageProcessor.java`, checkClientConfig.
 */
export const checkClientConfig: Processor<BrokerContext, typeof CheckClientConfig> = (
  { filters, config },
  request: Request<typeof CheckClientConfig>,
) => {
  if (request.body === undefined) return OK
  const { expressionType, subString } = checkClientRequestBody.decode(request.body).subscriptionData
  if (isTagExpression(expressionType)) return OK
  if (!config.enablePropertyFilter) return noPropertyFilter(expressionType)
  const compiled = filters.compiled.get(expressionType, subString)
  if (typeof compiled !== 'string') return OK
  return refuse(ResponseCode.SUBSCRIPTION_PARSE_FAILED, compiled)
}
