import { clientIdName, groupName, producerGroupName, topicName } from '../schema/name-fields.ts'
import { type SubscriptionData, subscriptionOf } from './subscription-data.ts'
import {
  type Shape,
  exactWord,
  flag,
  int,
  jsonBody,
  list,
  named,
  needed,
  notNull,
  object,
  word,
} from './shape.ts'

/** How a group gets its messages: by pulls of its own, or by pulls that the client makes for it. */
export type ConsumeType = 'CONSUME_ACTIVELY' | 'CONSUME_PASSIVELY' | 'CONSUME_POP'
/** Whether each message goes to one client of a group, or to all. */
export type MessageModel = 'BROADCASTING' | 'CLUSTERING'
/** Where a new group starts. */
export type ConsumeFromWhere =
  | 'CONSUME_FROM_LAST_OFFSET'
  | 'CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST'
  | 'CONSUME_FROM_MIN_OFFSET'
  | 'CONSUME_FROM_MAX_OFFSET'
  | 'CONSUME_FROM_FIRST_OFFSET'
  | 'CONSUME_FROM_TIMESTAMP'

/** How a ConsumeType is read from JSON. */
export const consumeType: Shape<ConsumeType> = word(
  ['CONSUME_ACTIVELY', 'CONSUME_PASSIVELY', 'CONSUME_POP'],
  'CONSUME_PASSIVELY',
)
/** How a MessageModel is read from JSON. */
export const messageModel: Shape<MessageModel> = word(['BROADCASTING', 'CLUSTERING'], 'CLUSTERING')
/** As `messageModel`, for a request that needs it. */
export const exactMessageModel: Shape<MessageModel> = exactWord(['BROADCASTING', 'CLUSTERING'])
/** How a ConsumeFromWhere is read from JSON. */
export const consumeFromWhere: Shape<ConsumeFromWhere> = word(
  [
    'CONSUME_FROM_LAST_OFFSET',
    'CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST',
    'CONSUME_FROM_MIN_OFFSET',
    'CONSUME_FROM_MAX_OFFSET',
    'CONSUME_FROM_FIRST_OFFSET',
    'CONSUME_FROM_TIMESTAMP',
  ],
  'CONSUME_FROM_LAST_OFFSET',
)

/** A producer group of a client. Apache: `ProducerData.java`. */
export interface ProducerData {
  readonly groupName: string
}

/** A consumer group of a client. Apache: `ConsumerData.java`. */
export interface ConsumerData {
  readonly groupName: string
  readonly consumeType: ConsumeType
  readonly messageModel: MessageModel
  readonly consumeFromWhere: ConsumeFromWhere
  readonly subscriptionDataSet: readonly SubscriptionData[]
  readonly unitMode: boolean
}

/** What a client tells every broker again and again. Apache: `HeartbeatData.java`. */
export interface HeartbeatData {
  readonly clientID: string
  readonly producerDataSet: readonly ProducerData[]
  readonly consumerDataSet: readonly ConsumerData[]
  /** Hash of the subscriptions, 0 when the client does not use it. */
  readonly heartbeatFingerprint: number
  /** True when the subscriptions are left out because the broker knows this fingerprint. */
  readonly withoutSub: boolean
}

/** HeartbeatData as a body. */
export const heartbeatDataBody = jsonBody<HeartbeatData>(
  'HeartbeatData',
  object<HeartbeatData>({
    clientID: needed(named(clientIdName)),
    producerDataSet: notNull(
      list(object<ProducerData>({ groupName: needed(named(producerGroupName)) })),
    ),
    consumerDataSet: notNull(
      list(
        object<ConsumerData>({
          groupName: needed(named(groupName)),
          consumeType,
          messageModel,
          consumeFromWhere,
          subscriptionDataSet: notNull(list(subscriptionOf(needed(named(topicName))))),
          unitMode: flag,
        }),
      ),
    ),
    heartbeatFingerprint: int,
    withoutSub: flag,
  }),
)
