import { ResponseCode } from '../codes/response-code.ts'
import { defineRequest } from '../schema/define-request.ts'
import { boolean, int32, int64, optional, orElse, required, string } from '../schema/fields.ts'
import { producerGroupName, refusedAs, topicName } from '../schema/name-fields.ts'
import { rpcFields, topicFields } from './common-fields.ts'

/** Commits or rolls back a half message. */
export const EndTransaction = defineRequest({
  code: 37,
  name: 'END_TRANSACTION',
  doc: 'Commits or rolls back a half message.',
  source: 'EndTransactionRequestHeader.java, EndTransactionProcessor.java',
  refusals: [
    'FLUSH_DISK_TIMEOUT',
    'FLUSH_SLAVE_TIMEOUT',
    'SLAVE_NOT_AVAILABLE',
    'SERVICE_NOT_AVAILABLE',
    'MESSAGE_ILLEGAL',
    'ILLEGAL_OPERATION',
  ],
  header: {
    ...rpcFields,
    topic: optional(topicName, 'Topic, with the namespace already wrapped in.'),
    producerGroup: required(
      refusedAs(ResponseCode.SYSTEM_ERROR, producerGroupName),
      'Group of the producer.',
    ),
    tranStateTableOffset: required(int64, 'Logical offset of the half message in its queue.'),
    commitLogOffset: required(int64, 'Commit log offset of the half message, in bytes.'),
    commitOrRollback: required(int32, '8 commit, 12 rollback, 0 not known.'),
    fromTransactionCheck: optional(boolean, 'True when the broker had asked.'),
    msgId: orElse(string, '', 'Unique key of the message.'),
    transactionId: optional(string, 'Id of the transaction.'),
  },
  reply: {},
  oneway: true,
})

/** Asks a producer what became of a transaction; the half message is in the body. */
export const CheckTransactionState = defineRequest({
  code: 39,
  name: 'CHECK_TRANSACTION_STATE',
  doc: 'Asks a producer what became of a transaction; the half message is in the body.',
  source: 'CheckTransactionStateRequestHeader.java, ClientRemotingProcessor.java',
  header: {
    ...rpcFields,
    topic: optional(topicName, 'The topic of half messages.'),
    tranStateTableOffset: required(int64, 'Logical offset of the half message in its queue.'),
    commitLogOffset: required(int64, 'Commit log offset of the half message, in bytes.'),
    msgId: optional(string, 'Unique key of the message.'),
    transactionId: optional(string, 'Id of the transaction.'),
    offsetMsgId: optional(string, 'Offset id of the half message.'),
  },
  reply: {},
  oneway: true,
})

/** Has a half message asked about again whose checks were used up. */
export const ResumeCheckHalfMessage = defineRequest({
  code: 323,
  name: 'RESUME_CHECK_HALF_MESSAGE',
  doc: 'Has a half message asked about again whose checks were used up.',
  source: 'ResumeCheckHalfMessageRequestHeader.java, AdminBrokerProcessor.java',
  header: {
    ...topicFields,
    topic: optional(topicName, 'Topic, with the namespace already wrapped in.'),
    msgId: optional(string, 'Id of the message.'),
  },
  reply: {},
})
