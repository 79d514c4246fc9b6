import { ProtocolError, ResponseCode, SkylarkError } from '@skylarkmq/protocol'
import { BrokerError } from '../errors.ts'

/** Answers after which another try, best on another broker, may do. */
const RETRIED: ReadonlySet<number> = new Set([
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.NO_PERMISSION,
  ResponseCode.NO_BUYER_ID,
  ResponseCode.NOT_IN_CURRENT_UNIT,
  ResponseCode.GO_AWAY,
])

/**
 * Whether a failed send may be tried again: always when no answer came, else when the answer is one that
 * another broker, or the same one later, may not give. Apache: `DefaultMQProducerImpl.java`, sendDefaultImpl.
 */
export function maySendAgain(error: unknown): boolean {
  if (error instanceof BrokerError) return RETRIED.has(error.responseCode)
  if (error instanceof ProtocolError) return false
  return error instanceof SkylarkError && error.code.startsWith('ERR_REMOTING_')
}
