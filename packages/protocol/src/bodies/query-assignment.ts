import { clientIdName, groupName, topicName } from '../schema/name-fields.ts'
import { type MessageModel, exactMessageModel } from './heartbeat-data.ts'
import { type MessageQueue, messageQueue } from './message-queue.ts'
import {
  type Shape,
  int,
  jsonBody,
  list,
  mapOf,
  maybe,
  named,
  needed,
  object,
  text,
  word,
} from './shape.ts'

/** Whether a group pulls or pops a topic. Apache: `MessageRequestMode.java`. */
export type MessageRequestMode = 'PULL' | 'POP'

const mode: Shape<MessageRequestMode> = word(['PULL', 'POP'], 'PULL')

/** QUERY_ASSIGNMENT. Apache: `QueryAssignmentRequestBody.java`. */
export interface QueryAssignmentRequest {
  readonly topic: string
  readonly consumerGroup: string
  readonly clientId: string
  readonly strategyName: string
  readonly messageModel: MessageModel
}

/** QueryAssignmentRequest as a body. */
export const queryAssignmentRequestBody = jsonBody<QueryAssignmentRequest>(
  'QueryAssignmentRequestBody',
  object<QueryAssignmentRequest>({
    topic: needed(named(topicName)),
    consumerGroup: needed(named(groupName)),
    clientId: named(clientIdName),
    strategyName: text,
    messageModel: exactMessageModel,
  }),
)

/** One queue for a client, and how it is to be read. Apache: `MessageQueueAssignment.java`. */
export interface MessageQueueAssignment {
  readonly messageQueue: MessageQueue
  readonly mode: MessageRequestMode
  readonly attachments?: ReadonlyMap<string, string> | undefined
}

/** The queues for a client. Apache: `QueryAssignmentResponseBody.java`. */
export interface QueryAssignmentAnswer {
  /** Undefined when the client is to leave things as they are. */
  readonly messageQueueAssignments?: readonly MessageQueueAssignment[] | undefined
}

/** QueryAssignmentAnswer as a body. */
export const queryAssignmentAnswerBody = jsonBody<QueryAssignmentAnswer>(
  'QueryAssignmentResponseBody',
  object<QueryAssignmentAnswer>({
    messageQueueAssignments: maybe(
      list(object<MessageQueueAssignment>({ messageQueue, mode, attachments: maybe(mapOf(text)) })),
    ),
  }),
)

/** SET_MESSAGE_REQUEST_MODE. Apache: `SetMessageRequestModeRequestBody.java`. */
export interface TopicRequestMode {
  readonly topic: string
  readonly consumerGroup: string
  readonly mode: MessageRequestMode
  readonly popShareQueueNum: number
}

const setMessageRequestMode = object<TopicRequestMode>({
  topic: needed(named(topicName)),
  consumerGroup: needed(named(groupName)),
  mode,
  popShareQueueNum: int,
})

/** TopicRequestMode as a body. */
export const setMessageRequestModeBody = jsonBody<TopicRequestMode>(
  'SetMessageRequestModeRequestBody',
  setMessageRequestMode,
)

/** All modes: GET_ALL_MESSAGE_REQUEST_MODE. Apache: `MessageRequestModeSerializeWrapper.java`. */
export interface MessageRequestModes {
  /** By topic, by group. */
  readonly messageRequestModeMap: ReadonlyMap<string, ReadonlyMap<string, TopicRequestMode>>
}

/** MessageRequestModes as a body. */
export const messageRequestModesBody = jsonBody<MessageRequestModes>(
  'MessageRequestModeSerializeWrapper',
  object<MessageRequestModes>({ messageRequestModeMap: mapOf(mapOf(setMessageRequestMode)) }),
)
