import type { Serde } from '../serde/serde.ts'
import type { TransactionCheck } from './transaction.ts'

/** What a producer may be told. */
export interface ProducerOptions<T = string | Uint8Array> {
  /** Name of the producer group; default `SKYLARK_PRODUCER`. */
  readonly group?: string
  /** How bodies are written, such as `json()`; default text and bytes as they are. */
  readonly serde?: Serde<unknown, T> | undefined
  /** How long a send may take in all, its retries included, ms; default 3000. */
  readonly sendTimeoutMs?: number
  /** How often a send is tried again after the first try; default 2. */
  readonly retryTimes?: number
  /** Leaves brokers that answered slowly or not at all alone for a while; default false. */
  readonly avoidSlowBrokers?: boolean
  /** Bodies of so many bytes and more are compressed with zlib; default 4096. */
  readonly compressOverBytes?: number
  /** Largest body, and largest part of a batch, in bytes; default 4194304. The broker has a limit of its own. */
  readonly maxMessageBytes?: number
  /** Bytes of bodies that may wait for their answers; further sends wait for room. Default 67108864. */
  readonly maxInFlightBytes?: number
  /** Sends to the port two below a broker's own, which serves no pulls; default false. */
  readonly vipChannel?: boolean
  /**
   * Writes down in the topic RMQ_SYS_TRACE_TOPIC, or another one, what was sent, so that `mqadmin queryMsgTraceById` and
   * dashboards show it; default false. The broker must have the topic (traceTopicEnable).
   */
  readonly trace?: boolean | { readonly topic: string }
  /** Says what became of a transaction when a broker asks; needed for `sendInTransaction`. */
  readonly checkTransaction?: TransactionCheck
  /** Closes the producer when it is aborted. */
  readonly signal?: AbortSignal | undefined
}

/** What they are when nothing is said. */
export const DEFAULTS = {
  sendTimeoutMs: 3_000,
  retryTimes: 2,
  compressOverBytes: 4096,
  maxMessageBytes: 4 * 1024 * 1024,
  maxInFlightBytes: 64 * 1024 * 1024,
}
/** How long a part of the trace may take. */
export const TRACE_MS = 5_000
/** How long a reply may take. */
export const REQUEST_MS = 3_000
/** How long brokers may take to hear that a producer leaves. */
export const CLOSE_MS = 3_000
