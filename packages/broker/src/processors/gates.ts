import { ResponseCode } from '@skylarkmq/protocol'
import type { Gate } from '@skylarkmq/remoting'
import type { BrokerContext } from '../broker-context.ts'

/** What a request does to what it names. Apache: `Action.java`. */
export type Action = 'Pub' | 'Sub' | 'Create' | 'Update' | 'Delete' | 'Get' | 'List'

/** Turns away what would store a message while the disk is too slow. Apache: `SendMessageProcessor.java`, rejectRequest. */
export const notWhileBusy: Gate<BrokerContext> = ({ flow }) => {
  const why = flow.busy()
  if (why === undefined) return undefined
  const remark = `[REJECTREQUEST]system busy, start flow control for a while, because ${why}`
  return { code: ResponseCode.SYSTEM_BUSY, remark }
}

/** Turns away what only a master does. Apache: `EndTransactionProcessor.java`. */
export const notOnSlave: Gate<BrokerContext> = ({ role }) =>
  role.isSlave ? { code: ResponseCode.SLAVE_NOT_AVAILABLE } : undefined
