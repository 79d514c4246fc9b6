import {
  consumerConnectionBody,
  languageName,
  producerConnectionBody,
  producerTableInfoBody,
  querySubscriptionBody,
  ResponseCode,
  topicListBody,
  type ClientConnection,
  type GetAllProducerInfo,
  type GetConsumerConnectionList,
  type GetProducerConnectionList,
  type QuerySubscriptionByConsumer,
  type QueryTopicsByConsumer,
} from '@skylarkmq/protocol'
import { refuse, type Processor } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'
import type { GroupClient } from '../consumer/consumer-table.ts'

function connectionOf(client: GroupClient): ClientConnection {
  return {
    clientId: client.clientId,
    clientAddr: client.connection.peer,
    language: languageName(client.language),
    version: client.version,
  }
}

/** GET_CONSUMER_CONNECTION_LIST: who is in a group, and what it subscribes to. */
export const getConsumerConnectionList: Processor<
  BrokerContext,
  typeof GetConsumerConnectionList
> = ({ consumers }, { header }) => {
  const group = consumers.get(header.consumerGroup)
  if (group === undefined) {
    return refuse(
      ResponseCode.CONSUMER_NOT_ONLINE,
      `the consumer group[${header.consumerGroup}] not online`,
    )
  }
  const body = consumerConnectionBody.encode({
    connectionSet: [...group.clients.values()].map(connectionOf),
    subscriptionTable: group.subscriptions,
    consumeType: group.consumeType,
    messageModel: group.messageModel,
    consumeFromWhere: group.consumeFromWhere,
  })
  return { code: ResponseCode.SUCCESS, body }
}

/** GET_PRODUCER_CONNECTION_LIST: who is in a group of producers. */
export const getProducerConnectionList: Processor<
  BrokerContext,
  typeof GetProducerConnectionList
> = ({ producers }, { header }) => {
  const clients = producers.clientsOf(header.producerGroup)
  if (clients === undefined) {
    return refuse(
      ResponseCode.SYSTEM_ERROR,
      `the producer group[${header.producerGroup}] not exist`,
    )
  }
  const connectionSet = [...clients].map(connectionOf)
  return { code: ResponseCode.SUCCESS, body: producerConnectionBody.encode({ connectionSet }) }
}

/** GET_ALL_PRODUCER_INFO: every producer, by group. */
export const getAllProducerInfo: Processor<BrokerContext, typeof GetAllProducerInfo> = ({
  env,
  producers,
}) => {
  const aheadMs = env.clock.now() - env.clock.monotonic()
  const data = new Map(
    [...producers.groups].map((group) => [
      group,
      [...(producers.clientsOf(group) ?? [])].map((client) => ({
        clientId: client.clientId,
        // As Java prints an address.
        remoteIP: `/${client.connection.peer}`,
        language: languageName(client.language),
        version: client.version,
        lastUpdateTimestamp: Math.round(client.heardMs + aheadMs),
      })),
    ]),
  )
  return { code: ResponseCode.SUCCESS, body: producerTableInfoBody.encode({ data }) }
}

/** QUERY_TOPICS_BY_CONSUMER: topics on which a group has committed offsets. */
export const queryTopicsByConsumer: Processor<BrokerContext, typeof QueryTopicsByConsumer> = (
  broker,
  { header },
) => {
  const topicList = [...broker.offsets.topicsOf(header.group)]
  const body = topicListBody.encode({ topicList, brokerAddr: broker.address })
  return { code: ResponseCode.SUCCESS, body }
}

/** QUERY_SUBSCRIPTION_BY_CONSUMER: what a connected group subscribes of a topic. */
export const querySubscriptionByConsumer: Processor<
  BrokerContext,
  typeof QuerySubscriptionByConsumer
> = (broker, { header: { group, topic } }) => {
  const subscriptionData = broker.consumers.subscription(group, topic)
  return {
    code: ResponseCode.SUCCESS,
    body: querySubscriptionBody.encode({ group, topic, subscriptionData }),
  }
}
