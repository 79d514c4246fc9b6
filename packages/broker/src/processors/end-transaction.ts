import {
  MessageSysFlag,
  ResponseCode,
  type EndTransaction,
  type ResumeCheckHalfMessage,
} from '@skylarkmq/protocol'
import { NO_REPLY, refuse, type Processor } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'

/** END_TRANSACTION: a producer commits or rolls back. Apache: `EndTransactionProcessor.java`. */
export const endTransaction: Processor<BrokerContext, typeof EndTransaction> = (
  broker,
  { header },
) => {
  const { commitOrRollback } = header
  const { TRANSACTION_COMMIT, TRANSACTION_ROLLBACK } = MessageSysFlag
  const isDecided =
    commitOrRollback === TRANSACTION_COMMIT || commitOrRollback === TRANSACTION_ROLLBACK
  if (!isDecided && commitOrRollback !== 0) {
    return refuse(ResponseCode.SYSTEM_ERROR, 'commitOrRollback field wrong')
  }
  // A producer that does not know yet is asked later.
  return isDecided ? broker.transactions.end(header) : NO_REPLY
}

/** RESUME_CHECK_HALF_MESSAGE: has a half message checked again that was given up. */
export const resumeCheckHalfMessage: Processor<BrokerContext, typeof ResumeCheckHalfMessage> = (
  broker,
  { header: { msgId = '' } },
) => broker.transactions.resume(msgId)
