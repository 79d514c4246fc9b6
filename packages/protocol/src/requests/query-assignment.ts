import { defineRequest } from '../schema/define-request.ts'

/** Asks which queues a client is to read, and how; both in bodies. */
export const QueryAssignment = defineRequest({
  code: 400,
  name: 'QUERY_ASSIGNMENT',
  doc: 'Asks which queues a client is to read, and how; both in bodies.',
  source: 'QueryAssignmentProcessor.java',
  header: {},
  reply: {},
})

/** Says whether a group pulls or pops a topic; in the body. */
export const SetMessageRequestMode = defineRequest({
  code: 401,
  name: 'SET_MESSAGE_REQUEST_MODE',
  doc: 'Says whether a group pulls or pops a topic; in the body.',
  source: 'QueryAssignmentProcessor.java',
  refusals: ['TOPIC_NOT_EXIST', 'SUBSCRIPTION_GROUP_NOT_EXIST'],
  header: {},
  reply: {},
})

/** Asks for the whole table of SET_MESSAGE_REQUEST_MODE; slaves do. */
export const GetAllMessageRequestMode = defineRequest({
  code: 402,
  name: 'GET_ALL_MESSAGE_REQUEST_MODE',
  doc: 'Asks for the whole table of SET_MESSAGE_REQUEST_MODE; slaves do.',
  source: 'AdminBrokerProcessor.java',
  header: {},
  reply: {},
})
