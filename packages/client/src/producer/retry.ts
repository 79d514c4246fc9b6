import { RocketMQError } from '../errors.ts'

/** Errors after which the other brokers are no better. */
const FINAL: ReadonlySet<string> = new Set(['RMQ_NAME_SERVER', 'RMQ_AUTH'])

/**
 * Whether a failed send may be tried again: when no answer came, or one that another broker, or the same one later, may
 * not give. Apache: `DefaultMQProducerImpl.java`, sendDefaultImpl.
 */
export function maySendAgain(error: unknown): error is RocketMQError {
  return error instanceof RocketMQError && error.retriable && !FINAL.has(error.code)
}
