import {
  type ConsumeFromWhere,
  type ConsumeType,
  type MessageModel,
  consumeFromWhere,
  consumeType,
  messageModel,
} from './heartbeat-data.ts'
import { type Shape, jsonBody, list, mapOf, maybe, number, object, text } from './shape.ts'
import { type SubscriptionData, subscriptionData } from './subscription-data.ts'

/** One client of a group. Apache: `Connection.java`. */
export interface ClientConnection {
  readonly clientId: string
  /** `host:port` */
  readonly clientAddr: string
  /** Name of the language; absent when it is not known. */
  readonly language?: string | undefined
  /** MQVersion ordinal. */
  readonly version: number
}

const connection: Shape<ClientConnection> = object<ClientConnection>({
  clientId: text,
  clientAddr: text,
  language: maybe(text),
  version: number,
})

/** The clients of a consumer group: GET_CONSUMER_CONNECTION_LIST. Apache: `ConsumerConnection.java`. */
export interface ConsumerConnection {
  readonly connectionSet: readonly ClientConnection[]
  /** By topic. */
  readonly subscriptionTable: ReadonlyMap<string, SubscriptionData>
  readonly consumeType: ConsumeType
  readonly messageModel: MessageModel
  readonly consumeFromWhere: ConsumeFromWhere
}

/** ConsumerConnection as a body. */
export const consumerConnectionBody = jsonBody<ConsumerConnection>(
  'ConsumerConnection',
  object<ConsumerConnection>({
    connectionSet: list(connection),
    subscriptionTable: mapOf(subscriptionData),
    consumeType,
    messageModel,
    consumeFromWhere,
  }),
)

/** The clients of a producer group: GET_PRODUCER_CONNECTION_LIST. Apache: `ProducerConnection.java`. */
export interface ProducerConnection {
  readonly connectionSet: readonly ClientConnection[]
}

/** ProducerConnection as a body. */
export const producerConnectionBody = jsonBody<ProducerConnection>(
  'ProducerConnection',
  object<ProducerConnection>({ connectionSet: list(connection) }),
)

/** One producer. Apache: `ProducerInfo.java`. */
export interface ProducerInfo {
  readonly clientId: string
  /** `/host:port` */
  readonly remoteIP: string
  readonly language?: string | undefined
  /** MQVersion ordinal. */
  readonly version: number
  /** ms */
  readonly lastUpdateTimestamp: number
}

/** All producers by group: GET_ALL_PRODUCER_INFO. Apache: `ProducerTableInfo.java`. */
export interface ProducerTableInfo {
  readonly data: ReadonlyMap<string, readonly ProducerInfo[]>
}

/** ProducerTableInfo as a body. */
export const producerTableInfoBody = jsonBody<ProducerTableInfo>(
  'ProducerTableInfo',
  object<ProducerTableInfo>({
    data: mapOf(
      list(
        object<ProducerInfo>({
          clientId: text,
          remoteIP: text,
          language: maybe(text),
          version: number,
          lastUpdateTimestamp: number,
        }),
      ),
    ),
  }),
)
